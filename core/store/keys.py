"""The keys of all stored values. Their version increases when values change their shape."""

from datetime import date

from core.util.signing import fingerprint

_V = "pw1"
PREFIX = f"{_V}:"

MANIFEST = f"{_V}:manifest"
REFRESH_LOCK = f"{_V}:lock:refresh"
CATCH_UP_LOCK = f"{_V}:lock:catch-up"
ARXIV_GATE = f"{_V}:gate:arxiv"
SITE_GATE = f"{_V}:gate:arxiv-site"
COMMON = f"{_V}:gate:"  # without the prefix of a wire: an upstream's limits apply to all wires of a database
CHAIN = f"{_V}:chain"  # of the steps of the pending work: nothing is lost without it
CHAIN_SECONDS = 3 * 86_400
PASSING = (f"{_V}:lock:", COMMON, CHAIN, f"{_V}:endpoint:")  # keys of running processes
CUSTOM_DOCUMENTS = f"{_V}:feed:custom:"
# Rendered documents, texts of searches and copies, removed from a full database in this order
DISPENSABLE = (CUSTOM_DOCUMENTS, f"{_V}:feed:", f"{_V}:texts:", f"{_V}:copy:batch:", f"{_V}:copy:analysis:")
SCORES_SECONDS = 31 * 86_400  # scores made on demand; those of a refresh live as long as their batch
RENDERED_SECONDS = 2 * 86_400
ENDPOINT_SECONDS = 7 * 86_400  # how long a refused dialect of models is not tried again
WRITTEN_SECONDS = 400 * 86_400  # scorecards and summaries, which cost money
BACKOFF = f"{_V}:backoff:arxiv"
FAILURE = f"{_V}:failure"  # why the last refresh could not store its work
ASKED = f"{_V}:asked"  # the papers that were requested from arXiv's API by identifier
SAVED = f"{_V}:saved"  # feeds that the owner saved
SAVED_HISTORY = f"{_V}:saved:history"
COPIED = (f"{_V}:batch:", f"{_V}:ledger:", f"{_V}:analysis:")  # what the manifest names has copies
SAVED_LOCK = f"{_V}:lock:saved"
LEARNED = f"{_V}:learned"  # which feeds have votes, and what was learned from them; read with the manifest
VOTES_LOCK = f"{_V}:lock:votes"
WINDOW_SECONDS = 3 * 86_400  # how long the slices of an incomplete window are kept
STRANGERS_BUDGET = f"{_V}:budget:strangers"  # bytes of a day that requests without a token caused to be stored
DAY_SECONDS = 86_400
REVIEWS = f"{_V}:reviews"  # the list of all reviews
REVIEWS_LOCK = f"{_V}:lock:reviews"  # held while a review and the list are written
OWNER_MARKS = f"{_V}:marks"  # what the owner has done with papers
READING_LIST = f"{_V}:reading-list"  # the papers that the owner saved
MARKS_LOCK = f"{_V}:lock:marks"
SESSIONS = f"{_V}:sessions"  # the series of the owner's sessions: all others are over
PROBE = f"{_V}:lock:probe"  # written to test whether the store accepts writes
USAGE_LOCK = f"{_V}:lock:usage"


def batch(day: date, batch_hash: str) -> str:
    """The announcements of a date; immutable."""
    return f"{_V}:batch:{day.isoformat()}:{batch_hash}"


def ledger(day: date) -> str:
    """The identifiers of a date that arXiv's API confirms."""
    return f"{_V}:ledger:{day.isoformat()}"


def window(day: date) -> str:
    """The slices fetched so far of the papers that were submitted for a date."""
    return f"{_V}:window:{day.isoformat()}"


def scores(feed_fingerprint: str, batch_hash: str) -> str:
    """A feed's scores and reasons over a batch; immutable."""
    return f"{_V}:scores:{feed_fingerprint}:{batch_hash}"


def index(feed_fingerprint: str, batch_hash: str, layout: str) -> str:
    """A feed's entries over a batch as columns, without their texts; immutable. `layout` is that of the parts."""
    return f"{_V}:index:{feed_fingerprint}:{batch_hash}:{layout}"


def month(feed_name: str, feed_fingerprint: str) -> str:
    """The indexes of a feed over all stored batches, as one value; what it lacks is read from theirs."""
    return f"{_V}:month:{feed_name}:{feed_fingerprint}"


def texts(batch_hash: str) -> str:
    """The texts of a batch as words, for searches and previews; immutable."""
    return f"{_V}:texts:{batch_hash}"


def entries(feed_fingerprint: str, batch_hash: str, layout: str, number: str) -> str:
    """A part of a feed's best entries over a batch, with their texts; immutable."""
    return f"{_V}:entries:{feed_fingerprint}:{batch_hash}:{layout}:{number}"


def card(versioned: str, card_fingerprint: str) -> str:
    """The scorecard of a paper ("2512.22925v1") by a rubric."""
    return f"{_V}:card:{versioned}:{card_fingerprint}"


def summary(versioned: str, template: str, language: str, summary_fingerprint: str) -> str:
    """A paper's summary by a template, in a language."""
    return f"{_V}:summary:{versioned}:{template}:{language}:{summary_fingerprint}"


def analysis(feed_name: str, day: date, name: str) -> str:
    """The analysis of a feed's date, by its name in the manifest; immutable."""
    return f"{_V}:analysis:{feed_name}:{day.isoformat()}:{name}"


def review(versioned: str, language: str, review_fingerprint: str) -> str:
    """A paper's review in a language, complete or not."""
    return f"{_V}:review:{versioned}:{language}:{review_fingerprint}"


def review_lock(versioned: str, language: str) -> str:
    """The lock of the process that writes that review."""
    return f"{_V}:lock:review:{versioned}:{language}"


def summary_lock(versioned: str, template: str, language: str) -> str:
    """The lock of the process that makes that summary."""
    return f"{_V}:lock:summary:{versioned}:{template}:{language}"


def feed_votes(feed_name: str) -> str:
    """The votes and the library of a feed."""
    return f"{_V}:votes:{feed_name}"


def votes_before(feed_name: str) -> str:
    """The same before the last change, for undo."""
    return f"{_V}:votes:{feed_name}:before"


def delivered(delivery: str) -> str:
    """What a delivery has sent."""
    return f"{_V}:delivered:{delivery}"


def delivery_lock(delivery: str) -> str:
    """The lock of the process that sends a delivery's messages."""
    return f"{_V}:lock:delivery:{delivery}"


def library_turn(library: str) -> str:
    """Whether a library elsewhere was asked for lately."""
    return f"{_V}:lock:library:{fingerprint(library)}"


def model(name: str) -> str:
    """The word weights that were learned for a feed, by their fingerprint; immutable."""
    return f"{_V}:model:{name}"


def endpoint(name: str) -> str:
    """How an endpoint of models wants to be asked, by its fingerprint."""
    return f"{_V}:endpoint:{name}"


def custom(feed_fingerprint: str, query: str, format_name: str) -> str:
    """The last document of a feed with rules in its URL, in one format."""
    return f"{CUSTOM_DOCUMENTS}{fingerprint(feed_fingerprint, query)}.{format_name}"


def rendered(path: str) -> str:
    """The last document at a path without a query: bytes and ETag, with the fingerprint of its content."""
    return f"{_V}:feed:{path}"


def llm_budget(period: str) -> str:
    """The number of tokens taken in a day ("2026-03-06") or a month ("2026-03")."""
    return f"{_V}:budget:llm:{period}"


def usage(month: str) -> str:
    """The steps and models that have counters in a month ("2026-03")."""
    return f"{_V}:usage:{month}"


def usage_counter(month: str, step: str, model: str, what: str) -> str:
    """One counter of a model's usage in a step and month."""
    return f"{_V}:usage:{month}:{step}:{what}:{model}"


def copy(key: str) -> str:
    """The copy of another value, from which a lost or damaged one is restored."""
    return f"{_V}:copy:{key.removeprefix(PREFIX)}"
