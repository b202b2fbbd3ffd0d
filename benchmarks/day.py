"""A day's announcements in arXiv's RSS: the real ones of 2025-12-30 where they are at hand, else invented ones.

The invented ones are the same in every run. Their abstracts are as long as real ones, and the keywords of the main
feed of `FEEDS` are as frequent in them, together and one by one.
"""

import json
import random
import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from benchmarks import vocabulary as words
from core.config.settings import ROOT
from tests.support.arxiv_format import Sheet, rss

CATEGORIES = ("cs.AI", "cs.CL", "cs.DC", "cs.LG")  # of both feeds of `FEEDS`
REAL_DAY = date(2025, 12, 30)
FEEDS = Path(__file__).parent / "feeds.toml"  # whose keywords the invented papers have
REAL = ROOT.parent / "shared" / "data"
RECORDS = 465

_ITEM = re.compile(rb"    <item>.*?</item>\n", re.DOTALL)
_GUID = re.compile(rb"<guid[^>]*>([^<]*)</guid>")
_TITLE_SHARE = 0.2  # of the keywords that a paper has, how many are in its title
_PRIMARIES = (*CATEGORIES, "cs.LG", "cs.LG", "cs.CL", "cs.AI", "cs.CV", "cs.CV", "cs.CR", "stat.ML", "cs.RO", "cs.SE")


@dataclass(frozen=True, slots=True)
class Day:
    """A feed document as arXiv would serve it for all categories in one request, and in words where it is from."""

    body: bytes
    records: int
    origin: str


def load_day(*, invented: bool = False) -> Day:
    """The real day if its records are there and nobody asked for the invented one."""
    paths = [REAL / "raw" / f"rss_{name}_{REAL_DAY}.xml" for name in CATEGORIES]
    if not invented and all(path.exists() for path in paths):
        body, count = _merged([path.read_bytes() for path in paths])
        return Day(body, count, f"{count} real records of {REAL_DAY} (../shared/data/raw, four feeds merged)")
    body = rss(make_sheets(RECORDS), REAL_DAY, CATEGORIES)
    return Day(body, RECORDS, f"{RECORDS} invented records in arXiv's format")


def load_texts(count: int, *, invented: bool = False) -> tuple[list[tuple[str, str]], str]:
    """`count` titles with their abstracts, and in words where they are from."""
    paths = sorted((REAL / "days").glob("papers_*.jsonl"))
    if not invented and paths:
        rows = [json.loads(line) for path in paths for line in path.read_text("utf-8").splitlines()]
        if len(rows) >= count:
            return [
                (row["title"], row["abstract"]) for row in rows[:count]
            ], f"{count} real papers (../shared/data/days)"
    return [(sheet.title, sheet.abstract) for sheet in make_sheets(count)], f"{count} invented papers"


def make_sheets(count: int, *, seed: int = 1) -> list[Sheet]:
    """`count` invented papers, the same for the same seed. Identifiers of different seeds differ."""
    random_ = random.Random(seed)
    return [_sheet(random_, f"26{seed % 12 + 1:02d}.{seed // 12 % 9 + 1}{number:04d}") for number in range(count)]


def _merged(bodies: list[bytes]) -> tuple[bytes, int]:
    """Several feed documents as one, with each item once; one that is "new" in any of them is new."""
    items: dict[bytes, bytes] = {}
    for body in bodies:
        for item in _ITEM.findall(body):
            guid = _GUID.search(item)
            key = guid[1] if guid else item
            if key not in items or b"<arxiv:announce_type>new<" in item:
                items[key] = item
    first = bodies[0]
    head, tail = first[: first.index(b"    <item>")], first[first.rindex(b"</item>\n") + len(b"</item>\n") :]
    return head + b"".join(items.values()) + tail, len(items)


def _sheet(random_: random.Random, identifier: str) -> Sheet:
    affinity = random_.gammavariate(5, 0.2)  # papers differ in how near they are to the feed's subject; mean 1
    chances = [*words.KEYWORDS.values(), words.EXCLUDED]
    chosen = [phrases for share, phrases in chances if random_.random() < min(share * affinity, 0.95)]
    in_title = [random_.choice(phrases) for phrases in chosen if random_.random() < _TITLE_SHARE]
    wanted = [random_.choice(phrases) for phrases in chosen for _ in range(random_.choice((1, 1, 2, 3)))]
    return Sheet(
        id=identifier,
        title=_title(random_, in_title),
        abstract=_abstract(random_, wanted),
        creator=_creator(random_),
        categories=_categories(random_),
        more={"arxiv:DOI": f"10.0000/sample.{identifier}"} if random_.random() < 0.04 else {},
    )


def _noun_phrase(random_: random.Random) -> str:
    if random_.random() < 0.004:
        return random_.choice(words.FOREIGN)
    head = random_.choice(words.HEADS)
    return f"{random_.choice(words.MODIFIERS)} {head}" if random_.random() < 0.6 else head


def _title(random_: random.Random, wanted: list[str]) -> str:
    frame = random_.choice(words.TITLES)
    while frame.count("{") < len(wanted) or len(frame) + 16 * frame.count("{") < 60:  # as long as real ones: 84
        frame += " and {n}"
    phrases = wanted + [_noun_phrase(random_) for _ in range(frame.count("{") - len(wanted))]
    random_.shuffle(phrases)
    return re.sub(r"\{[nNM]\}", lambda slot: _in_title(phrases.pop(), slot[0]), frame)


def _in_title(phrase: str, slot: str) -> str:
    """Title case but for abbreviations; an article at the head of a phrase reads badly there."""
    bare = phrase.removeprefix("the ").removeprefix("a ").removeprefix("an ")
    return bare if slot == "{n}" else re.sub(r"(?<![\w-])[a-z]", lambda letter: letter[0].upper(), bare)


def _abstract(random_: random.Random, wanted: list[str]) -> str:
    """Sentences up to a length that varies as on real days, with every wanted phrase in some place."""
    length = max(random_.gauss(1255, 280), 300)
    closing = random_.choice(words.CLOSINGS)
    sentences = [random_.choice(words.OPENINGS)]
    room = length - len(closing) - 60
    more = random_.sample(words.SENTENCES, len(words.SENTENCES))
    while more and sum(map(len, sentences)) * 1.32 < room:  # slots are shorter than what fills them
        sentences.append(more.pop())
    if random_.random() < 0.12:
        sentences[-1] = f"{sentences[-1][:-1]} {random_.choice(words.MATH).replace('{', '{{').replace('}', '}}')}."
    text = " ".join([*sentences, closing])
    slots = len(re.findall(r"(?<!\{)\{[nN]\}", text))
    phrases = [_noun_phrase(random_) for _ in range(slots)]
    for at, phrase in zip(random_.sample(range(slots), min(slots, len(wanted))), wanted, strict=False):
        phrases[at] = phrase
    text = re.sub(r"(?<!\{)\{([nNvdpk])\}", lambda slot: _filled(random_, slot[1], phrases), text)
    if random_.random() < 0.06:
        text += f" Code is available at https://github.com/example/sample-{random_.randrange(10_000)}."
    return text.replace("{{", "{").replace("}}", "}")


def _filled(random_: random.Random, slot: str, phrases: list[str]) -> str:
    if slot in "nN":
        phrase = phrases.pop()
        return phrase if slot == "n" else phrase[0].upper() + phrase[1:]
    if slot == "p":
        return f"{random_.randrange(2, 60)}{random_.choice(('%',) * 14 + (chr(92) + '%',))}"
    return (
        str(random_.randrange(3, 40)) if slot == "k" else random_.choice(words.VERBS if slot == "v" else words.ADVERBS)
    )


def _creator(random_: random.Random) -> str:
    """Names as in `dc:creator`: five on average; one string in ten has TeX accents, one in twenty-five affiliations."""
    count = 1 + min(int(random_.gammavariate(2, 2.2)), 60)
    names = [f"{random_.choice(words.GIVEN)} {random_.choice(words.FAMILY)}" for _ in range(count)]
    if random_.random() < 0.1:
        names[random_.randrange(count)] = random_.choice(words.ACCENTED)
    if random_.random() < 0.04:
        names = [f"{name} ({random_.choice(words.INSTITUTES)})" for name in names]
    return ", ".join(names)


def _categories(random_: random.Random) -> tuple[str, ...]:
    primary = random_.choice(_PRIMARIES)
    others = random_.sample(CATEGORIES, random_.choice((0, 1, 1, 2)))
    if primary not in CATEGORIES and not others:
        others = [random_.choice(CATEGORIES)]
    return tuple(dict.fromkeys((primary, *others)))
