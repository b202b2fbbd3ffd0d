"""The tree of errors. Adapters translate into it and chain the cause; `api.errors` maps it to HTTP.

PaperwireError
├── ConfigError       feeds.toml or the environment is wrong: what, where, and what is allowed
│   └── FeedError     one feed is wrong: what, by key
├── QueryError        a request's filters are wrong: names the token
├── UnknownName       no feed, category or paper of that name: lists the known ones
├── Refused           a change of the feeds is not possible: says which field of the form to change
├── InvalidInput      what was sent with a command cannot be read: says what is expected
├── Conflict          the feeds were changed by another process meanwhile: nothing was written
├── TooMuch           the feeds do not fit into the store: nothing was written
├── NothingYet        nothing is stored that could be served: says what is being fetched
├── Overloaded        more is asked for at once than can be made: says when to try again
│   └── RateLimited   by one client alone
├── SourceError       an upstream did not deliver
│   ├── FetchError    no usable bytes came (status, time-out, size)
│   ├── ParseError    bytes came, but they are not what was asked for
│   └── NoText        a paper has no full text that could be read: withdrawn, or images only
├── QueueError        a queue did not accept the next step: a cron or a reader begins it
├── DeliveryError     a target did not accept a message: it is sent again later
├── ModelError        a language model did not answer, or not usefully: one paper goes without
└── StoreError        the store failed
    ├── StoreRefused  the database refuses to write, until its owner does something: nothing was written
    │   └── StoreFull it has no room
    └── LockLost      another process holds the lock that this one worked under: nothing was written
"""

from collections.abc import Mapping, Sequence
from typing import Any


class PaperwireError(Exception):
    """Base of all errors that Paperwire raises on purpose. `str(error)` is written for the person who reads it."""


class ConfigError(PaperwireError):
    """The configuration is wrong. `problems` holds one line for each mistake."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


class FeedError(ConfigError):
    """A feed is wrong. `by_key` says what, one message for each key of `[feeds.NAME]`."""

    def __init__(self, by_key: Mapping[str, str]) -> None:
        super().__init__([f"{key}: {message}" for key, message in by_key.items()])
        self.by_key = dict(by_key)


class QueryError(PaperwireError):
    """A filter or parameter is wrong: `token` as it was sent, and the values `allowed` in its place."""

    def __init__(self, token: str, message: str, allowed: Sequence[str] = ()) -> None:
        super().__init__(f"{token!r}: {message}")
        self.token = token
        self.allowed = tuple(allowed)


class UnknownName(PaperwireError):
    """An unknown name: its `kind` ("feed", "category", "paper") and the `known` names."""

    def __init__(self, kind: str, name: str, known: Sequence[str] = ()) -> None:
        hint = f" Known: {', '.join(known)}." if known else ""
        super().__init__(f"There is no {kind} {name!r} here.{hint}")
        self.kind = kind
        self.known = tuple(known)


class Refused(PaperwireError):
    """A change of the feeds is not possible. `field` is the one of the form that has to be changed."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class InvalidInput(PaperwireError):
    """What was sent with a command cannot be read, or asks for too much."""


class Conflict(PaperwireError):
    """Another process has changed the feeds, or is changing them: nothing was written."""


class TooMuch(PaperwireError):
    """The feeds together take more space than the store keeps for them: nothing was written."""


class NothingYet(PaperwireError):
    """Nothing stored can be served yet. `retry_after` is in seconds."""

    def __init__(self, message: str, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Overloaded(PaperwireError):
    """More is asked for at once than can be made. `retry_after` is in seconds."""

    def __init__(self, message: str, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class RateLimited(Overloaded):
    """One `client` has asked for more than its share."""

    def __init__(self, message: str, retry_after: int, client: str) -> None:
        super().__init__(message, retry_after)
        self.client = client


class SourceError(PaperwireError):
    """An upstream did not deliver."""


class FetchError(SourceError):
    """No usable bytes came from `url`. `again`: a later try may succeed, in `retry_after` seconds if that is known.

    `state` is "not-found", "too-large", "timeout", or "" for all other reasons.
    """

    def __init__(
        self, url: str, reason: str, *, again: bool = True, retry_after: float | None = None, state: str = ""
    ) -> None:
        super().__init__(f"{url}: {reason}")
        self.reason = reason
        self.again = again
        self.retry_after = retry_after
        self.state = state


class ParseError(SourceError):
    """The received bytes are not the requested content."""


class NoText(SourceError):
    """A paper has no full text that could be read, now or later: says why."""


class QueueError(PaperwireError):
    """A queue did not accept a message."""


class DeliveryError(PaperwireError):
    """A target did not accept a message, and says so without its address. `again`: a later try may succeed."""

    def __init__(self, message: str, *, again: bool = True) -> None:
        super().__init__(message)
        self.again = again


class ModelError(PaperwireError):
    """A model gave no usable answer: `state` is the kind of failure (`core.llm.base`), `again` whether to try later.

    `retry_after` is in seconds, if that is known. `usage` is what was spent all the same.
    """

    def __init__(
        self, state: str, message: str, *, again: bool = True, retry_after: float | None = None, usage: Any = None
    ) -> None:
        super().__init__(message)
        self.state = state
        self.again = again
        self.retry_after = retry_after
        self.usage = usage


class StoreError(PaperwireError):
    """The store failed: names the operation and the cause, never a secret."""


class StoreRefused(StoreError):
    """The database refuses the operation, with a reason that does not pass by itself: nothing was written."""

    says = "the database refuses to write"  # for everyone; `str(error)` names the place and is for the owner


class StoreFull(StoreRefused):
    """The database has no room for more: nothing was written."""

    says = "the database is full"


class LockLost(StoreError):
    """The lock has expired or gone to another process: nothing was written."""
