"""arXiv's categories: aliases are one category, and a person may write them in any letter case."""

import pytest

from core.model.categories import ALIASES, CATEGORIES, canonical, category_name, closure, find_category, listed, merged
from tests.support.tables import each_row


@each_row(("alias", "name"), ALIASES.items())
def test_aliases_are_one_category(alias: str, name: str) -> None:
    """Either name stands for both: what a feed says, and what a paper says."""
    assert canonical(alias) == canonical(name) == name
    assert {alias, name} == closure((alias,)) == closure(frozenset({name}))
    assert listed(alias, (name,))
    assert listed(name, (alias,))
    assert (name,) == merged((alias,)) == merged((name, alias))
    assert category_name(alias)
    assert category_name(name)


@each_row(("alias", "name"), ALIASES.items())
def test_archives_have_the_papers_of_their_aliases(alias: str, name: str) -> None:
    """math.MP is math-ph, so that all of math-ph is in math."""
    for one, other in ((alias, name), (name, alias)):
        assert listed(one, (other.partition(".")[0],))


@pytest.mark.parametrize(
    ("categories", "expected"),
    [
        (("cs.AI", "cs.SY", "eess.SY", "cs.AI"), ("cs.AI", "eess.SY")),
        (("cs", "cs.AI", "math.NA"), ("cs", "math.NA")),
        (("cs", "cs.IT", "math.IT"), ("cs",)),
        (("math", "math-ph"), ("math", "math-ph")),
    ],
)
def test_each_category_is_fetched_once(categories: tuple[str, ...], expected: tuple[str, ...]) -> None:
    """By its own name, and not beside its archive."""
    assert expected == merged(categories)


@each_row(
    ("text", "expected"),
    [("cs.ai", "cs.AI"), (" CS.LG ", "cs.LG"), ("CS", "cs"), ("Astro-PH.ep", "astro-ph.EP"), ("cs.XX", ""), ("", "")],
)
def test_letter_case_does_not_count(text: str, expected: str) -> None:
    """A person writes "cs.ai"."""
    assert expected == find_category(text)
    assert all(find_category(name.lower()) == name for name in CATEGORIES)
