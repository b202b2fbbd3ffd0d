"""Learning: what it learns from, how much it weighs, and that what was learned is stored and read as it was."""

from dataclasses import replace
from functools import cache

import pytest

from core.model.feed import Feed
from core.model.votes import MOST_VOTES, Vote, Votes, make_reference, make_vote, weights_of
from core.ranking.learned import Learned
from core.ranking.learning import Known, inputs_of, learn
from core.ranking.logistic import Example, fit
from core.ranking.matching import make_scorer
from core.store.codec import decode, encode
from tests.support.invented import make_feed, make_paper
from tests.support.reading import CACHES, OTHERS, ROBOTS, topic

FEED = make_feed("benchmark", "latency", "throughput", "memory", "theory")


@cache
def known(feed: Feed = FEED, days: int = 4) -> list[Known]:
    """An archive of papers of three topics."""
    out = []
    for number in range(180 * days):
        sheet = topic(number, (CACHES, ROBOTS, OTHERS)[number % 3])
        paper = make_paper(number, title=sheet.title, abstract=sheet.abstract)
        score = make_scorer(feed)(paper)
        out.append(Known(paper, score.total if score else 0.0))
    return out


def vote(number: int, words: tuple[str, ...], sign: int = 1, time: str = "2026-03-06T08:00:00Z") -> Vote:
    """A vote on a paper of a topic that is not in the archive."""
    sheet = topic(5000 + number, words)
    return make_vote(f"2602.{10000 + number}", sign, time, sheet.title, sheet.abstract)


def points(model: Learned, words: tuple[str, ...]) -> float:
    """The mean of the learned points of ten papers of a topic."""
    sheets = [topic(9000 + number, words) for number in range(10)]
    papers = [make_paper(n, title=one.title, abstract=one.abstract) for n, one in enumerate(sheets)]
    return sum(reason.points for paper in papers for reason in model.reasons(paper)) / len(papers)


def taught(votes: Votes, feed: Feed = FEED) -> Learned:
    """What a feed learns from votes."""
    model = learn(feed, votes, known())
    assert model is not None
    return model


def test_the_solver_converges() -> None:
    """The coefficients meet the condition of the minimum: c = Σ cost · sign · (1 − p) · x."""
    rows = [
        Example([0, 1, 2], [1.0, 0.5, -0.3], 1, 2.0),
        Example([0, 1, 3], [1.0, -0.7, 0.2], -1, 1.0),
        Example([0, 2, 3], [1.0, 0.9, 0.4], 1, 0.5),
        Example([0, 1, 2], [1.0, -0.1, 0.8], -1, 3.0),
    ]
    weights = fit(rows, 4)
    gradient = list(weights)
    for at, values, sign, cost in rows:
        margin = sign * sum(weights[n] * value for n, value in zip(at, values, strict=True))
        for n, value in zip(at, values, strict=True):
            gradient[n] -= cost * sign * value / (1 + 2.718281828**margin)
    assert max(map(abs, gradient)) < 0.02


def test_influence_grows_with_votes() -> None:
    """The more votes, the more points; without votes nothing is learned."""
    assert learn(FEED, Votes(), known()) is None
    likes = [vote(n, CACHES) for n in range(20)]
    few, many = (points(taught(Votes().voted(likes[:count])), CACHES) for count in (2, 20))
    assert 0 < few < many / 2


def test_interests_change() -> None:
    """After a change of interest, five likes put the new topic first once the old votes are forgotten."""
    old = [vote(n, CACHES, time="2026-01-06T08:00:00Z") for n in range(15)]
    votes = Votes().voted(old).voted([vote(100 + n, ROBOTS) for n in range(5)])
    model = taught(votes.forgotten("2026-03-01"))
    assert points(model, ROBOTS) > 0 > points(model, CACHES)


def test_old_votes_weigh_less_and_the_oldest_go() -> None:
    """The newest hundred count in full, then less and less; beyond the limit of each sign the oldest are dropped."""
    votes = Votes().voted([vote(n, CACHES) for n in range(MOST_VOTES + 50)])
    assert MOST_VOTES == len(votes.likes)
    assert f"2602.{10000 + MOST_VOTES + 49}" == votes.likes[0].paper
    weights = list(weights_of(votes.likes))
    assert [1.0] * 100 == weights[:100]
    assert weights[100:] == sorted(weights[100:], reverse=True)
    assert 0.25 == weights[-1]


def test_removed_words_count_no_more() -> None:
    """A word that the owner removed has no points and is no reason."""
    votes = Votes().voted([vote(n, CACHES) for n in range(12)])
    model = taught(votes)
    term = max(model.liked, key=lambda one: model.linear.get(one, 0.0))
    model = taught(votes.with_words({"remove": [term]}))
    assert 0 == model.linear.get(term, 0.0)
    sheet = topic(9001, CACHES)
    reasons = model.reasons(make_paper(1, title=f"{term} {sheet.title}", abstract=sheet.abstract))
    assert term not in {reason.rule for reason in reasons}


def test_a_library_counts_like_likes() -> None:
    """A library lifts its topic, less than as many likes do."""
    sheets = [topic(5000 + n, CACHES) for n in range(10)]
    library = Votes().with_library([make_reference(one.title, one.abstract) for one in sheets])
    assert points(taught(library), CACHES) > 0


def test_few_keywords_expand() -> None:
    """A feed of few keywords learns from the papers that these find best, unless it is the keyword bot's or says no."""
    few = make_feed("prefill scheduling")
    archive = known(few)
    model = learn(few, Votes(), archive)
    assert model is not None
    assert model.expanded
    assert points(model, CACHES) > points(model, ROBOTS)
    for feed in (replace(few, match="substring"), replace(few, expand=False)):
        assert learn(feed, Votes(), archive) is None
        assert "" == inputs_of(feed, "")
    assert learn(few, Votes(), archive[:300]) is None


@pytest.mark.parametrize("signs", [(1,), (1, -1), (-1,)])
def test_a_model_is_read_as_it_was_stored(signs: tuple[int, ...]) -> None:
    """What was learned gives the same reasons and nearly the same points after it was stored."""
    votes = Votes().voted([vote(n, CACHES if sign > 0 else ROBOTS, sign) for n in range(8) for sign in signs[:1]])
    model = taught(votes)
    again = Learned.from_plain(decode(encode(model.to_plain())))
    for number in range(20):
        sheet = topic(9000 + number, (CACHES, ROBOTS, OTHERS)[number % 3])
        paper = make_paper(1, title=sheet.title, abstract=sheet.abstract)
        pairs = list(zip(model.reasons(paper), again.reasons(paper), strict=True))
        assert all(one.rule == two.rule for one, two in pairs)
        assert all(abs(one.points - two.points) <= 0.02 for one, two in pairs)
    assert votes == Votes.from_plain(decode(encode(votes.to_plain())))


def test_what_json_can_hold_is_stored() -> None:
    """Half of a pair of surrogates in an upload damages nothing that is stored."""
    half = "A \ud800 cache"
    votes = Votes().voted([make_vote("2602.00001", 1, half, half, half)])
    votes = votes.with_library([make_reference(half, half, half, half)]).with_words(
        {"remove": [half], "dismiss": [half]}
    )
    assert votes.fingerprint
    assert votes == Votes.from_plain(decode(encode(votes.to_plain())))
    assert votes == Votes.from_plain({**votes.to_plain(), "removed": [half.lower()]})
