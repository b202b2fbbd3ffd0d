"""The sources of feeds: when what they have of a date is due, and the categories of those beside arXiv.

bioRxiv's and medRxiv's days are over at midnight, US Eastern, and both add to a day afterwards; its papers are due at
noon (UTC) of the next day. A day of RSS and Atom feeds has what was found in them on it, and is over when it is.
"""

import re
from collections.abc import Collection, Iterable
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple
from urllib.parse import urlsplit

from core.model.calendar import due_at, due_date, picks_due_at, picks_due_date
from core.model.categories import category_name
from core.util.signing import fingerprint

ARXIV, HUGGINGFACE, BIORXIV, MEDRXIV, RSS = "arxiv", "huggingface", "biorxiv", "medrxiv", "rss"
AGAIN = "again"  # papers of arXiv that became notable after their day, derived from the other sources
PREPRINTS = {BIORXIV: "bioRxiv", MEDRXIV: "medRxiv"}
ELSEWHERE = (BIORXIV, MEDRXIV, RSS, AGAIN)  # their batches are in `Manifest.elsewhere`
SOURCES = (ARXIV, HUGGINGFACE, *ELSEWHERE)  # in the order in which they lead a wire
NAMES = {ARXIV: "arXiv", HUGGINGFACE: "Hugging Face", **PREPRINTS, RSS: "RSS", AGAIN: "Second look"}
_PAPERS = {
    ARXIV: "arXiv papers",
    HUGGINGFACE: "Daily papers of Hugging Face",
    BIORXIV: "bioRxiv preprints",
    MEDRXIV: "medRxiv preprints",
    RSS: "Entries of RSS and Atom feeds",
    AGAIN: "arXiv papers that became notable after their day",
}

_DAY = timedelta(days=1)
_DAYS_SEEN = (RSS, AGAIN)  # their dates are days on which something was seen
_POSTED = timedelta(days=1, hours=12)  # after a date's beginning (UTC), its preprints are there

_BIORXIV = """Animal Behavior and Cognition; Biochemistry; Bioengineering; Bioinformatics; Biophysics; Cancer Biology;
Cell Biology; Clinical Trials; Developmental Biology; Ecology; Epidemiology; Evolutionary Biology; Genetics; Genomics;
Immunology; Microbiology; Molecular Biology; Neuroscience; Paleontology; Pathology; Pharmacology and Toxicology;
Physiology; Plant Biology; Scientific Communication and Education; Synthetic Biology; Systems Biology; Zoology"""
_MEDRXIV = """Addiction Medicine; Allergy and Immunology; Anesthesia; Cardiovascular Medicine; Dentistry and Oral
Medicine; Dermatology; Emergency Medicine; Endocrinology (including Diabetes Mellitus and Metabolic Disease);
Epidemiology; Forensic Medicine; Gastroenterology; Genetic and Genomic Medicine; Geriatric Medicine; Health Economics;
Health Informatics; Health Policy; Health Systems and Quality Improvement; Hematology; HIV/AIDS; Infectious Diseases
(except HIV/AIDS); Intensive Care and Critical Care Medicine; Medical Education; Medical Ethics; Nephrology; Neurology;
Nursing; Nutrition; Obstetrics and Gynecology; Occupational and Environmental Health; Oncology; Ophthalmology;
Orthopedics; Otolaryngology; Pain Medicine; Palliative Medicine; Pathology; Pediatrics; Pharmacology and Therapeutics;
Primary Care Research; Psychiatry and Clinical Psychology; Public and Global Health; Radiology and Imaging;
Rehabilitation Medicine and Physical Therapy; Respiratory Medicine; Rheumatology; Sexual and Reproductive Health; Sports
Medicine; Surgery; Toxicology; Transplantation; Urology"""


def slug(category: str) -> str:
    """Returns a category's name as feeds and filters write it: "cancer-biology"; what is in parentheses is left out."""
    return re.sub(r"[^a-z0-9]+", "-", re.sub(r"\(.*", "", category).lower()).strip("-")


def _table(names: str) -> dict[str, str]:
    return {slug(name): " ".join(name.split()) for name in names.split(";")}


CATEGORIES_OF = {BIORXIV: _table(_BIORXIV), MEDRXIV: _table(_MEDRXIV)}


def find_preprint_category(text: str) -> str:
    """Returns a category of bioRxiv or medRxiv as it is written here, "" for an unknown one."""
    name = slug(text)
    return name if any(name in table for table in CATEGORIES_OF.values()) else ""


def category_title(category: str) -> str:
    """Returns the name of a category of any source in words, "" for an unknown one."""
    names = (table[category] for table in CATEGORIES_OF.values() if category in table)
    return category_name(category) or next(names, "")


def scope_of(source: str, categories: Iterable[str]) -> str:
    """Returns in words what a feed without a description has: "arXiv papers in cs.DC, cs.LG"."""
    names = ", ".join(categories)
    return f"{_PAPERS[source]} in {names}" if names else _PAPERS[source]


class Origin(NamedTuple):
    """An RSS or Atom feed: its address, its `key` in the store, and its `name` without what may be secret."""

    url: str
    key: str
    name: str


def feed_origin(url: str) -> Origin:
    """Returns the origin of an address: what comes after "?" may be a secret, and is in no message."""
    parts = urlsplit(url)
    return Origin(url, fingerprint("origin", url)[:12], f"{parts.hostname or ''}{parts.path}".rstrip("/"))


def origins_of(urls: Iterable[str]) -> list[Origin]:
    """Returns the origins of addresses, each once."""
    return [feed_origin(url) for url in dict.fromkeys(urls)]


def leading_source(sources: Collection[str]) -> str:
    """Returns the source whose dates a wire with feeds of these `sources` goes by."""
    return next((name for name in SOURCES if name in sources), ARXIV)


def due_day(source: str, now: datetime) -> date:
    """Returns the newest date of a source that should be there at `now`; of RSS feeds that is the present one."""
    if source == ARXIV:
        return due_date(now)
    if source == HUGGINGFACE:
        return picks_due_date(now)
    return now.astimezone(UTC).date() if source in _DAYS_SEEN else (now.astimezone(UTC) - _POSTED).date()


def due_time(source: str, day: date) -> datetime:
    """Returns the time (UTC) from which a source should have all of a date; of RSS feeds that is its end."""
    if source == ARXIV:
        return due_at(day)
    if source == HUGGINGFACE:
        return picks_due_at(day)
    return datetime.combine(day, time(), UTC) + (_DAY if source in _DAYS_SEEN else _POSTED)


def next_due_time(source: str, now: datetime) -> datetime:
    """Returns when the date after the due one is due, for sources other than arXiv."""
    if source in _DAYS_SEEN:  # a new date begins at midnight, and is due at once
        return datetime.combine(now.astimezone(UTC).date() + _DAY, time(), UTC)
    return due_time(source, due_day(source, now) + _DAY)
