"""What the owner has saved on the settings page: feeds that go over those of feeds.toml."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from core.domain.errors import UnknownName

T = TypeVar("T")
Plain = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Saved:
    """Feeds by name, in the shape of feeds.toml; None for one of feeds.toml that is gone.

    `moved` leads from the names that feeds had before to those that they have now: subscribers keep their address.
    `version` grows by one with every change.
    """

    version: int = 0
    feeds: Mapping[str, Plain | None] = field(default_factory=dict)
    moved: Mapping[str, str] = field(default_factory=dict)

    def with_feed(self, name: str, feed: Plain, *, was: str = "") -> "Saved":
        """The feed `name` is `feed` from now on; `was` is its name before, if that was another one."""
        feeds = dict(self.feeds)
        moved = {old: new for old, new in self.moved.items() if old != name}
        if was and was != name:
            # In its old place, for the first feed is the main one
            feeds = {name if key == was else key: value for key, value in feeds.items()} | {was: None}
            moved[was] = name
        feeds[name] = feed
        return Saved(self.version + 1, feeds, moved)

    def without(self, name: str) -> "Saved":
        """The feed `name` is gone."""
        moved = {old: new for old, new in self.moved.items() if new != name}
        return Saved(self.version + 1, {**self.feeds, name: None}, moved)

    def as_before(self, before: "Saved") -> "Saved":
        """Everything is as it was `before`; that is a change too."""
        return replace(before, version=self.version + 1)

    def name_now(self, name: str) -> str:
        """What a feed that once was called `name` is called now."""
        seen = {name}
        while (new := self.moved.get(name)) and new not in seen:
            name = new
            seen.add(name)
        return name

    def over(self, file: Mapping[str, T], saved: Mapping[str, T]) -> dict[str, T]:
        """The feeds in force: those of the `file` in its order, with the `saved` ones in their places, then new ones.

        `saved` holds the feeds of this that can be used, as whatever the file holds its own.
        """
        return dict(self._over(file, saved))

    def _over(self, file: Mapping[str, T], saved: Mapping[str, T]) -> Iterator[tuple[str, T]]:
        placed = set()
        for name, feed in file.items():
            now = self.name_now(name) if self.feeds.get(name, "") is None else name
            if now in saved and now not in placed and (now == name or now not in file):
                placed.add(now)
                yield now, saved[now]
            elif self.feeds.get(name, {}) is not None:  # not saved, or in a way that cannot be used
                yield name, feed
        yield from ((name, feed) for name, feed in saved.items() if name not in placed)

    def to_plain(self) -> dict[str, Any]:
        """This as JSON values."""
        return {"version": self.version, "feeds": self.feeds, "moved": self.moved}

    @classmethod
    def from_plain(cls, plain: Plain) -> "Saved":
        """The inverse of `to_plain`. Raises `ValueError`, `TypeError`, `KeyError` or so for anything else."""
        feeds, moved = dict(plain["feeds"]), dict(plain["moved"])
        if not all(feed is None or isinstance(feed, Mapping) for feed in feeds.values()):
            raise ValueError("a feed is not what it should be")
        return cls(int(plain["version"]), feeds, {str(old): str(new) for old, new in moved.items()})


@dataclass(frozen=True, slots=True)
class Change:
    """A change that can be undone: when it was made (RFC 3339), what it was, and everything as it was before."""

    time: str
    what: str
    before: Saved


def undone(saved: Saved, history: tuple[Change, ...], number: int) -> tuple[Saved, str]:
    """Everything as it was before change `number` of the history (0 is the newest), and how that change is called.

    Raises `UnknownName` if there is no such change.
    """
    if not 0 <= number < len(history):
        raise UnknownName("change", str(number))
    return saved.as_before(history[number].before), f"went back to before “{history[number].what}”"
