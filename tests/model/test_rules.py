"""The grammar of rules: how they are read, what is said about them, and which are the same."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.model.rules import Alternatives, RuleError, Term, explain, identity, parse_rule, read_rule, remarks
from tests.support.tables import each_row

A, B, C = Term("a"), Term("b"), Term("c")
NOT_B = Term("b", negated=True)

READ: list[tuple[str, Alternatives]] = [
    ("KV cache", ((Term("KV cache"),),)),
    ("  KV   cache ", ((Term("KV cache"),),)),
    ('"KV cache"', ((Term("KV cache", literal=True),),)),
    ("“KV cache”", ((Term("KV cache", literal=True),),)),
    ("quantiz*", ((Term("quantiz", open=True),),)),
    ("state spac*", ((Term("state spac", open=True),),)),
    ("A*", ((Term("A*"),),)),
    ("C*-algebra", ((Term("C*-algebra"),),)),
    ("ti:cache", ((Term("cache", "title"),),)),
    ("Title: cache", ((Term("cache", "title"),),)),
    ("ABSTRACT:cache", ((Term("cache", "abstract"),),)),
    ('ti:"KV cache"', ((Term("KV cache", "title", literal=True),),)),
    ("ti:quantiz*", ((Term("quantiz", "title", open=True),),)),
    ("author:Quill, Ada", ((Term("Quill, Ada", "authors"),),)),
    ('au:"Quill, Ada"', ((Term("Quill, Ada", "authors"),),)),
    ("category:cs.DC", ((Term("cs.DC", "categories"),),)),
    ("cat:cs.*", ((Term("cs", "categories"),),)),
    ("hf:20", ((Term("20", "upvotes"),),)),
    # operators
    ("a AND b", ((A, B),)),
    ("a OR b", ((A,), (B,))),
    ("a AND b OR c", ((A, B), (C,))),
    ("a OR b AND c", ((A,), (B, C))),
    ("(a OR b) AND c", ((A, C), (B, C))),
    ("a AND (b OR c)", ((A, B), (A, C))),
    ("a AND NOT b", ((A, NOT_B),)),
    ("a NOT b", ((A, NOT_B),)),
    ("a ANDNOT b", ((A, NOT_B),)),
    ("a AND NOT (b OR c)", ((A, NOT_B, Term("c", negated=True)),)),
    ("a AND NOT (b AND c)", ((A, NOT_B), (A, Term("c", negated=True)))),
    ("KV cache AND offload", ((Term("KV cache"), Term("offload")),)),
    ('ti:a OR "b c"', ((Term("a", "title"),), (Term("b c", literal=True),))),
    ("ti:(a OR b)", ((Term("a", "title"),), (Term("b", "title"),))),
    ("au:Quill, Ada AND caches", ((Term("Quill, Ada", "authors"), Term("caches")),)),
    ('"a AND b"', ((Term("a AND b", literal=True),),)),
    ("a and b", ((Term("a and b"),),)),
    ("f(x)", ((Term("f(x)"),),)),
    ("BRAND ORDER", ((Term("BRAND ORDER"),),)),
]


@each_row(("written", "expected"), READ)
def test_rules_are_read(written: str, expected: Alternatives) -> None:
    """A rule is alternatives of terms: words, literal words, beginnings of words, each with a field."""
    assert expected == read_rule(written)
    assert expected == read_rule(f" {written} ")


@each_row(
    "written",
    ["a AND", "AND b", "a OR OR b", "(a OR b", "a AND b)", "NOT a", "a OR NOT b", "(a OR b) c AND d", "a AND ()"],
)
def test_rules_without_meaning(written: str) -> None:
    """What has operators and no meaning is an error; scoring takes it as it stands, and `check` says so."""
    with pytest.raises(RuleError):
        read_rule(written)
    assert ((Term(written),),) == parse_rule(written)
    assert [False] == [remark.hint for remark in remarks(written)]


def test_too_many_alternatives() -> None:
    """Nested alternatives multiply; there is an end to that."""
    with pytest.raises(RuleError, match="more than 64"):
        read_rule(" AND ".join("(a OR b)" for _ in range(9)))


@pytest.mark.parametrize("match", ["substring", "regex"])
def test_other_modes_have_prefixes_only(match: str) -> None:
    """In the other modes of matching, operators, stars and quotes stand for themselves."""
    assert ((Term('ti "a" AND b*'),),) == read_rule('ti "a" AND b*', match)
    assert ((Term("a OR b", "title"),),) == read_rule("title:a OR b", match)


MISTAKES = [
    # rule, part of what is said
    ("LLM:", "behind the colon"),
    ("LLM:three", "no prefix"),
    ("titel:LLM", "near it: title:"),
    ("all:LLM", "no prefix"),
    ("LLM:3", '"LLM" = 3'),
    ("ti:LLM:3", '"LLM" = 3'),
    ("KV cache：3", "KV cache:3"),
    ("LLM，prefill", "LLM,prefill"),
    ("LLM、prefill", "LLM,prefill"),
    ("ti：LLM", "ti:LLM"),
    ("（LLM）", "(LLM)"),
    ("＂KV cache＂", '"KV cache"'),
    ("quantiz＊", "quantiz*"),
    ("cache && offload", "AND or OR"),
    ("cache || offload", "AND or OR"),
    ("cache | offload", "AND or OR"),
    ("cache|offload", "AND or OR"),
    ("cache & offload", "AND or OR"),
    ("+cache", "sign"),
    ("-survey", "exclude"),
    ("!survey", "exclude"),
    ("@Ada Quill", "au:"),
    ("#LLM", "tags"),
    (r"\bLLM\b", 'match = "regex"'),
    ("LLM.*", 'match = "regex"'),
    ("(?:pre|de)fill", "AND or OR"),
    ("cach[ei]ng", 'match = "regex"'),
    ("/cache/i", 'match = "regex"'),
    ("^cache", 'match = "regex"'),
    ("optimi?ation", "question mark"),
    ("quantiz?", "question mark"),
    ("*cache", "star"),
    ("quant*zation", "star"),
    ("quantiz* model", "star"),
    ("qu*", "star"),
    ("cache^2", "weights"),
    ("cache=2", "weight"),
    (":3", "before the colon"),
    ('"KV cache"~3', "weight"),
    ("title=LLM", "colon"),
    ("author~Quill", "colon"),
    ("'KV cache'", "double quotes"),
    ("cache; prefill", "several rules"),
    ("cache\u200bline", "invisible"),
    ("au:Quill and Marsh", "one author"),
    ("au:Quill et al.", "one author"),
    ("au:Qui*", "whole"),
    ("au:A. E.", "family name"),
    ("(LLM", 'as they stand: "(LLM"'),
    ("LLM)", "a parenthesis stands alone"),
    ("ti:(LLM", "a parenthesis stands alone"),
    ("(LLM) (cache", "a parenthesis stands alone"),
    ("O(n", "a parenthesis stands alone"),
]
HINTS = ["cache and offload", "cache or offload", "cache, offload", '"KV" cache', '5" disk']
PLAIN = [
    "LLM", "KV cache", "C++", "C#", "I/O", "A*", "C*-algebra", "std::vector", "8:30", "R&D", "k-means", "f(x)", "GPT-4",
    "$5", "100%", "中文", "ti:LLM", '"C:cache"', '"a; b"', "au:Quill, Ada", "au:D. O’Hara", "cat:cs.DC", "hf:20", "1:2",
    "what-if", "(a OR b) AND c", "quantiz*", "naïve", "TCP/IP", "n-gram", "p < 0.05", "H₂O", "-0", '"(LLM"',
    "GPT-4 (2023)", "interval (0 1]", "(LLM)",
]  # fmt: skip


@each_row(("written", "said"), MISTAKES)
def test_what_is_probably_not_intended(written: str, said: str) -> None:
    """The notations of other tools, and what cannot match, are remarked on with the mend."""
    assert any(said in remark.text and not remark.hint for remark in remarks(written)), remarks(written)


@pytest.mark.parametrize("written", HINTS)
def test_hints(written: str) -> None:
    """What has a meaning, and maybe another one than intended, is a hint."""
    assert [True] == [remark.hint for remark in remarks(written)]


@each_row("written", PLAIN)
def test_nothing_to_remark(written: str) -> None:
    """Of rules as they should be nothing is said."""
    assert [] == remarks(written)


@pytest.mark.parametrize(
    ("written", "match", "said"),
    [
        ("cache AND offload", "substring", "operators"),
        ('"KV cache"', "substring", "quotes"),
        ("quantiz*", "substring", "everywhere"),
        ("cache OR offload", "regex", "operators"),
        ('"KV cache"', "regex", "quotes"),
    ],
)
def test_remarks_in_other_modes(written: str, match: str, said: str) -> None:
    """Where a notation has no meaning in the mode of matching, that is said."""
    assert said in remarks(written, match)[0].text


@each_row(
    ("written", "match", "expected"),
    [
        ("data set", "word", "“data set” (also dataset, data sets, datasets) in title or abstract"),
        ("news", "word", "“news” (also newses) in title or abstract"),
        ("GAN OR ti:cache", "word", "“gan” in title or abstract; or “cache” in the title"),
        ('ti:"SAM"', "word", "exactly “SAM” in the title"),
        ("quantiz*", "word", "words that begin with “quantiz” in title or abstract"),
        ("au:Quill, Ada", "word", "an author ada quill, initials alike"),
        ("au:QUASAR Collaboration", "word", "the collaboration quasar"),
        ("cat:cs", "word", "in the category or archive cs"),
        ("hf:20", "word", "20 or more upvotes on Hugging Face"),
        (
            '"A" AND NOT "B" OR hf:5',
            "word",
            "exactly “A” in title or abstract and not: exactly “B” in title or abstract; "
            "or 5 or more upvotes on Hugging Face",
        ),
        ("ti:cache", "substring", "the letters cache in the title"),
        (r"\bcache", "regex", r"the regular expression \bcache in title or abstract"),
    ],
)  # fmt: skip
def test_explanations(written: str, match: str, expected: str) -> None:
    """`check` says of each rule how it is understood."""
    assert expected == explain(written, match)


@each_row(
    ("one", "other", "same"),
    [
        ("a OR b", "A  OR b", True),
        ("a OR b", "a or b", False),
        ("a AND b", "a OR b", False),
        ('"SAM"', '"sam"', False),
        ('"SAM"', "SAM", False),
        ("title:LLM", "ti:llm", True),
        ("quantiz*", "quantiz", False),
    ],
)
def test_identity(one: str, other: str, same: bool) -> None:
    """Rules are the same if they mean the same, whatever their case; operators and quotes have a meaning."""
    assert same is (identity(parse_rule(one)) == identity(parse_rule(other)))


@given(st.lists(st.sampled_from(["a", '"b c"', "ti:", "(", ")", "AND", "OR", "NOT", "*", '"', "x*", ":", "：", " "])))
def test_nothing_breaks_it(parts: list[str]) -> None:
    """Whatever is written is read, explained and remarked on without any other error."""
    written = " ".join(parts)
    assert parse_rule(written)
    explain(written)
    remarks(written)
