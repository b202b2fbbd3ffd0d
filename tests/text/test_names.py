"""Names as papers print them and as readers write them."""

import pytest

from core.text.names import Name, is_same, parse_name
from tests.support.tables import each_row

SAME = [
    ("Quill", "Ada Quill"),
    ("Ada Quill", "Ada Quill"),
    ("A. Quill", "Ada Quill"),
    ("Ada Quill", "A. Quill"),
    ("Quill, Ada", "Ada Quill"),
    ("Quill, A.", "Ada Quill"),
    ("Quill,A", "Ada Quill"),
    ("Quill_A", "Ada Quill"),
    ("Quill A", "Ada Quill"),
    ("ada quill", "Ada QUILL"),
    ("Ada Quill", "Quill, Ada"),
    # middle names
    ("Ada Quill", "Ada E. Quill"),
    ("Ada E. Quill", "Ada Quill"),
    ("Ada Eve Quill", "Ada E. Quill"),
    ("A. E. Quill", "Ada Eve Quill"),
    ("AE Quill", "Ada Eve Quill"),
    ("Ada Quill", "Ada Eve Quill"),
    ("Ada Eve Quill", "A. Quill"),
    ("Ada-Eve Fay Quill", "Ada-Eve Quill"),
    ("Quill, Ada E.", "Ada Eve Quill"),
    # letters
    ("Stanislaw Wlosek", "Stanisław Włosek"),
    ("Bjorn Storvik", "Bjørn Størvik"),
    ("Ibrahim Isik", "İbrahim Işık"),
    ("Kjaer", "Mette Kjær"),
    ("Strasse", "Uwe Straße"),
    ("Zoe Muller", "Zoë Müller"),
    ("O'Hara", "D. O’Hara"),
    ("O’Hara", "Deirdre O'Hara"),
    ("OHara", "Deirdre O'Hara"),
    # hyphens
    ("Jean-Paul Quill", "J.-P. Quill"),
    ("JP Quill", "Jean-Paul Quill"),
    ("J. Quill", "Jean-Paul Quill"),
    ("Jun-Ho Quill", "Junho Quill"),
    ("Quill-Marsh", "Ada Quill-Marsh"),
    ("Jean-P. Quill", "Jean Quill"),
    ("Jean Paul Quill", "Jean-Paul Quill"),
    ("Jean-Paul E. Quill", "Jean-Paul Quill"),
    # particles
    ("van der Quill", "Jan van der Quill"),
    ("Quill", "Jan van der Quill"),
    ("J. van der Quill", "Jan van der Quill"),
    ("Marsh Quill", "Juan Marsh-Quill"),
    ("Marsh-Quill", "Juan Marsh-Quill"),
    ("Quill Marsh, Gabriel", "Gabriel Quill Marsh"),
    ("Bin Quill", "Bin Quill"),
    ("Xue Quill", "Xue Bin Quill"),
    ("xue bin quill", "Xue Bin Quill"),
    ("Omar Quill", "Omar bin Quill"),
    ("Marsh Quill A E", "Marsh Quill A E"),
    ("Quill", "Marsh Quill A E"),
    # suffixes
    ("Ada Quill", "Ada Quill Jr."),
    ("Ada Quill Jr.", "Ada Quill"),
    ("Quill, Ada, Jr.", "Ada Quill III"),
    ("Ada Quill", "Ada Quill, III"),
    # collaborations
    ("QUASAR Collaboration", "The QUASAR Collaboration"),
    ("QUASAR", "QUASAR Collaboration"),
    ("QUASAR Collaboration", "QUASAR"),
    ("Quasar", "The Quasar Scientific Collaboration"),
    ("Pierre Quasar", "Pierre Quasar Collaboration"),
    ("QUASAR Cloud X", "QUASAR Cloud X Team"),
]
STRANGERS = [
    ("Quills", "Ada Quill"),
    ("Quill", "Ada Quills"),
    ("Roberts", "Robert Quill"),
    ("Robert", "Robert Quill"),
    ("Williams", "William Quill"),
    ("E. Quill", "Ada E. Quill"),
    ("Ada E. Quill", "Ada F. Quill"),
    ("Ada Quill", "Eve Quill"),
    ("Wei Quill", "Jun Wei Quill"),
    ("Quill", "Ada Quill-Marsh"),
    ("Quasar Collaboration", "Ada Quasar"),
    ("Ada Quasar", "QUASAR Collaboration"),
    ("van Quill", "Jan de Quill"),
    ("Jean Quill", "Jean-Paul Quill"),
    ("Jun Ho Quill", "Jun Quill"),
    ("Jean-Paul Quill", "Jean Quill"),
    ("Quill, Jean-Paul", "Jean Quill"),
    ("Bin Quill", "Xue Bin Quill"),
    ("Ada Quill", "Marsh Quill A E"),
]


@each_row(("wanted", "printed"), SAME)
def test_one_person(wanted: str, printed: str) -> None:
    """Initials, middle names, the order, accents, strokes, apostrophes and suffixes make no other person."""
    one, other = parse_name(wanted), parse_name(printed)
    assert one
    assert other
    assert is_same(one, other)


@each_row(("wanted", "printed"), STRANGERS)
def test_strangers(wanted: str, printed: str) -> None:
    """Names are not inflected, and given names are no family names."""
    one, other = parse_name(wanted), parse_name(printed)
    assert one
    assert other
    assert not is_same(one, other)


@pytest.mark.parametrize("text", ["", " ", "Jr.", "III", ", Jr."])
def test_nobody(text: str) -> None:
    """A suffix is no person."""
    assert parse_name(text) is None


def test_parts() -> None:
    """A name has given names and a family name; a collaboration has its words alone."""
    assert Name(("jean", "p"), ("van", "quill")) == parse_name("Jean-P. van Quill, Jr.")
    assert Name((), ("quasar",), group=True) == parse_name("on behalf of the QUASAR Collaboration")
