"""The overrides that the owner saves on the settings page: feeds that replace those of feeds.toml."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from core.model.errors import UnknownName

T = TypeVar("T")
Plain = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Saved:
    """Feeds by name, in the shape of feeds.toml; None for one of feeds.toml that is gone.

    `moved` leads from the names that feeds had before to those that they have now: subscribers keep their address.
    `places` maps renamed feeds to the name at their place in feeds.toml. `revoked` counts by feed how often its signed
    addresses were revoked; it outlives the feed, and no undo brings them back. `version` grows by one with every
    change.
    """

    version: int = 0
    feeds: Mapping[str, Plain | None] = field(default_factory=dict)
    moved: Mapping[str, str] = field(default_factory=dict)
    places: Mapping[str, str] = field(default_factory=dict)
    revoked: Mapping[str, int] = field(default_factory=dict)

    def with_feed(self, name: str, feed: Plain, *, was: str = "") -> "Saved":
        """The feed `name` is `feed` from now on; `was` is its name before, if that was another one."""
        feeds, places = dict(self.feeds), dict(self.places)
        moved = {old: new for old, new in self.moved.items() if old != name}
        if was and was != name:
            # In its old place, for the first feed is the main one
            feeds = {name if key == was else key: value for key, value in feeds.items() if key != name} | {was: None}
            places = {name if key == was else key: place for key, place in places.items() if key != name}
            if places.setdefault(name, was) == name and name not in self.feeds:
                places[name] = was  # the file has none of this name: it stays where the feed was that it had replaced
            moved[was] = name
        feeds[name] = feed
        places = {key: place for key, place in places.items() if key != place}
        return self._next(feeds=feeds, moved=moved, places=places)

    def without(self, name: str) -> "Saved":
        """Returns this without the feed `name`, and without redirects to it."""
        moved = {old: new for old, new in self.moved.items() if self.name_now(old) != name}
        places = {key: place for key, place in self.places.items() if key != name}
        return self._next(feeds={**self.feeds, name: None}, moved=moved, places=places)

    def as_in_file(self, name: str) -> "Saved":
        """The feed `name` is what feeds.toml says, under the name that it has there, as if nothing had been saved."""
        place = self.places.get(name, name)
        gone = {name, place} if self.feeds.get(place) is None else {name}
        feeds = {key: feed for key, feed in self.feeds.items() if key not in gone}
        moved = {old: new for old, new in self.moved.items() if old != place}
        places = {key: other for key, other in self.places.items() if key != name}
        return self._next(feeds=feeds, moved=moved if name == place else {**moved, name: place}, places=places)

    def revoking(self, name: str) -> "Saved":
        """Returns this without validity of the signed addresses of the feed `name`, under all names that it had."""
        names = {name, *(old for old in self.moved if self.name_now(old) == name)}
        return self._next(revoked={**self.revoked, **{one: self.revoked.get(one, 0) + 1 for one in names}})

    def _next(self, **changes: Any) -> "Saved":
        return replace(self, version=self.version + 1, **changes)

    def tidied(self, file: Mapping[str, object]) -> "Saved":
        """This without a word on feeds that are gone and that the `file` does not have either."""
        feeds = {name: feed for name, feed in self.feeds.items() if feed is not None or name in file}
        return replace(self, feeds=feeds)

    def removed(self, file: Mapping[str, object]) -> list[str]:
        """The names of the feeds of the `file` that are gone, and not by a new name."""
        renamed = self.places.values()
        return [name for name in file if self.feeds.get(name, {}) is None and name not in renamed]

    def as_before(self, before: "Saved") -> "Saved":
        """Returns the overrides `before` as a new version; what was revoked since stays revoked."""
        return replace(before, version=self.version + 1, revoked=self.revoked)

    def name_now(self, name: str) -> str:
        """Returns the present name of a feed with the former name `name`."""
        seen = {name}
        while (new := self.moved.get(name)) and new not in seen:
            name = new
            seen.add(name)
        return name

    def over(self, file: Mapping[str, T], saved: Mapping[str, T]) -> dict[str, T]:
        """The feeds in force: those of the `file` in its order, with the `saved` ones in their places, then new ones.

        `saved` holds the feeds of this that can be used, as whatever the file holds its own. Where one cannot, that of
        the file is in force.
        """
        in_place = dict(self._in_place(file, saved))
        return in_place | {name: feed for name, feed in saved.items() if name not in in_place}

    def _in_place(self, file: Mapping[str, T], saved: Mapping[str, T]) -> Iterator[tuple[str, T]]:
        places = {name: place for name in self.places if (place := self._place(name, file)) in file}
        for place, of_file in file.items():
            came = [name for name, other in places.items() if other == place]
            for name in dict.fromkeys((*came, place)):
                if self.feeds.get(name, {}) is not None and places.get(name, place) == place:
                    yield name, saved.get(name, of_file)

    def _place(self, name: str, file: Mapping[str, object]) -> str:
        """Where a feed stands: in its place, or if the `file` has none of that name, in that of a name it had since."""
        had = [old for old in self.moved if old in file and self.name_now(old) == name]
        place = self.places.get(name, name)
        return place if place in file or not had else had[-1]

    def to_plain(self) -> dict[str, Any]:
        """This as JSON values. The order of feeds and keywords means something, and that of JSON objects gets lost."""
        feeds = [
            [name, feed and {key: _in_order(value) for key, value in feed.items()}] for name, feed in self.feeds.items()
        ]
        plain = {"version": self.version, "feeds": feeds, "moved": self.moved, "places": self.places}
        return plain | ({"revoked": self.revoked} if self.revoked else {})

    @classmethod
    def from_plain(cls, plain: Plain) -> "Saved":
        """The inverse of `to_plain`. Raises `ValueError`, `TypeError`, `KeyError` or so for anything else."""
        feeds = {
            str(name): None if feed is None else {key: _out_of_order(value) for key, value in feed.items()}
            for name, feed in plain["feeds"]
        }
        moved, places = (
            {str(name): str(other) for name, other in dict(plain[key]).items()} for key in ("moved", "places")
        )
        revoked = {str(name): int(count) for name, count in dict(plain.get("revoked", {})).items()}
        return cls(int(plain["version"]), feeds, moved, places, revoked)


_TABLE = "table"


def _in_order(value: Any) -> Any:
    return {_TABLE: [list(pair) for pair in value.items()]} if isinstance(value, Mapping) else value


def _out_of_order(value: Any) -> Any:
    return dict(value[_TABLE]) if isinstance(value, Mapping) else value


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
