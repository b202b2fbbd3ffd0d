"""The step *deliver*: what is due goes out once, over processes and kills; what fails is tried again and named."""

import asyncio
import os
import random
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from core.app import Paperwire
from core.archive.open import open_store
from core.config.settings import ROOT, Settings
from core.jobs.run import Report
from core.model.delivery import Log
from core.store import keys
from tests.api import DAYS, FEEDS, FRIDAY, MAIN, THURSDAY, TOKEN, make_settings, noon, store_days
from tests.conftest import PATIENCE_SECONDS, serving_app
from tests.support.arxiv_format import Sheet
from tests.support.targets import Mails, Service, anything, serving_mail, serving_service

FEEDS_TOML = (
    FEEDS
    + """
[deliver.hook]
feeds = ["main"]
at = "11:00 America/New_York"
to = "HOOK_TO"
most = 3
"""
)
BASE = "https://wire.example.org"


@pytest.fixture
def hook(monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    with serving_service(anything) as service:
        monkeypatch.setenv("HOOK_TO", f"json://{service.host}/hook?secret=word")
        yield service


def given(folder: Path, feeds: str, days: dict[date, list[Sheet]], **more: Any) -> Settings:
    """The settings of a store that has `days`, of which nothing was delivered."""
    store_days(make_settings(folder, feeds_toml=feeds.partition("[deliver")[0]), days)
    return make_settings(folder, feeds_toml=feeds, **more)


def run(settings: Settings, scope: str = "rest", *, now: datetime | None = None) -> Report:
    """One run of the write path in a process as new."""

    async def main() -> Report:
        wire = Paperwire(settings.model_copy(update={"now": now} if now else {}))
        try:
            return await wire.refresh(scope, seconds=0)
        finally:
            await wire.close()

    return asyncio.run(main())


def log_of(settings: Settings, name: str = "hook") -> Log:
    async def main() -> Log:
        wire = Paperwire(settings)
        try:
            return await wire.archive.deliveries.log(name)
        finally:
            await wire.close()

    return asyncio.run(main())


def with_table(**values: Any) -> str:
    """The feeds with other values in the delivery."""
    text = FEEDS_TOML
    for name, value in values.items():
        text = (
            re.sub(rf"(?m)^{name} = .*$", f"{name} = {value}", text)
            if f"\n{name} =" in text.split("[deliver")[1]
            else (text + f"{name} = {value}\n")
        )
    return text


def test_a_digest_goes_once(tmp_path: Path, hook: Service) -> None:
    """The best papers of the day, with the numbers of the whole; another run sends nothing more."""
    settings = given(tmp_path, FEEDS_TOML, DAYS, base_url=BASE)
    assert [f"hook {THURSDAY}", f"hook {FRIDAY}"] == run(settings).deliver.sent
    assert [] == run(settings).deliver.sent
    thursday, friday = (one.json for one in hook.received)
    assert (str(FRIDAY), 4) == (friday["period"], friday["feeds"][0]["total"])
    assert MAIN[:3] == [entry["id"] for entry in friday["feeds"][0]["entries"]]
    assert {"like", "dislike", "save"} == set(friday["feeds"][0]["entries"][0]["links"])
    assert MAIN[4:6] == [entry["id"] for entry in thursday["feeds"][0]["entries"]]
    assert "sent" == log_of(settings).marks[str(FRIDAY)].state


@pytest.mark.usefixtures("hook")
def test_not_before_its_hour(tmp_path: Path) -> None:
    """A minute before the hour nothing of the day goes out, and the report says when the hour comes."""
    settings = given(tmp_path, FEEDS_TOML, {FRIDAY: DAYS[FRIDAY]})
    early = noon(FRIDAY) - timedelta(hours=1, minutes=1)
    report = run(settings, now=early)
    assert ([], early + timedelta(minutes=1)) == (report.deliver.sent, report.deliver.next)
    assert [f"hook {FRIDAY}"] == run(settings, now=early + timedelta(minutes=1)).deliver.sent


@pytest.mark.usefixtures("hook")
def test_an_incomplete_day_is_waited_for(tmp_path: Path) -> None:
    """A day without a batch is waited for, however long; it goes out when it is there."""
    settings = given(tmp_path, FEEDS_TOML, {THURSDAY: DAYS[THURSDAY]})
    assert [f"hook {THURSDAY}"] == run(settings).deliver.sent
    assert [] == run(settings, now=noon(FRIDAY) + timedelta(hours=9)).deliver.sent
    given(tmp_path, FEEDS_TOML, {FRIDAY: DAYS[FRIDAY]})
    assert [f"hook {FRIDAY}"] == run(settings, now=noon(FRIDAY) + timedelta(hours=9)).deliver.sent


@pytest.mark.parametrize(("empty", "count"), [("nothing", 0), ("line", 1)])
def test_days_without_papers(tmp_path: Path, hook: Service, empty: str, count: int) -> None:
    """A day on which no paper meets the rules sends nothing, or one line, and is then over."""
    text = with_table(empty=f'"{empty}"').replace("min_score = 2", "min_score = 900")
    settings = given(tmp_path, text, {FRIDAY: DAYS[FRIDAY]})
    run(settings)
    run(settings)
    assert count == len(hook.received)
    assert ("sent" if count else "empty") == log_of(settings).marks[str(FRIDAY)].state


def test_a_week_goes_once(tmp_path: Path, hook: Service) -> None:
    """On Monday, at the hour, the best of the week before; not again on Tuesday."""
    settings = given(tmp_path, with_table(when='"weekly"'), DAYS)
    assert [] == run(settings).deliver.sent
    monday = noon(FRIDAY) + timedelta(days=3)
    assert ["hook 2026-W10"] == run(settings, now=monday).deliver.sent
    assert [] == run(settings, now=monday + timedelta(days=1)).deliver.sent
    (one,) = hook.received
    assert ("2026-W10", 7) == (one.json["period"], one.json["feeds"][0]["total"])
    assert MAIN[0] == one.json["feeds"][0]["entries"][0]["id"]


def test_what_fails_is_tried_again(tmp_path: Path, hook: Service) -> None:
    """A target that refuses is named by health, without its address; the next try comes after a pause."""
    settings = given(tmp_path, FEEDS_TOML, {FRIDAY: DAYS[FRIDAY]})
    hook.status = 500
    report = run(settings)
    assert {"deliver": [f"hook: {FRIDAY}: webhook did not accept the message: it answered 500"]} == report.failures
    run(settings)
    assert 1 == len(hook.received)  # the pause is not over
    with serving_app(settings) as url:
        health = httpx.get(f"{url}/api/health")
        assert hook.host not in health.text
        (trouble,) = [one for one in health.json()["troubles"] if one["kind"] == "deliver"]
    assert f"hook: {FRIDAY} was not delivered: webhook did not accept the message: it answered 500" == trouble["detail"]
    hook.status = 200
    assert [f"hook {FRIDAY}"] == run(settings, now=noon(FRIDAY) + timedelta(minutes=2)).deliver.sent
    assert hook.received[0].headers["webhook-id"] == hook.received[1].headers["webhook-id"]


def test_a_secret_that_is_not_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is a failure of the step and of health, which name the variable; nothing else fails."""
    monkeypatch.delenv("HOOK_TO", raising=False)
    settings = given(tmp_path, FEEDS_TOML, {FRIDAY: DAYS[FRIDAY]})
    assert "HOOK_TO is not set" in run(settings).failures["deliver"][0]
    with serving_app(settings) as url:
        assert "HOOK_TO is not set" in httpx.get(f"{url}/api/health").text


def test_a_log_that_is_damaged(tmp_path: Path, hook: Service) -> None:
    """Its copy keeps what was sent from going out again."""
    settings = given(tmp_path, FEEDS_TOML, {FRIDAY: DAYS[FRIDAY]})
    run(settings)

    async def damage() -> None:
        store = open_store(settings)
        await store.put(keys.delivered("hook"), b"\x00damaged")
        await store.close()

    asyncio.run(damage())
    run(settings)
    assert 1 == len(hook.received)


MAIL = (
    FEEDS
    + """
[deliver.mail]
feeds = ["main", "everything"]
at = "17:00"
to = "MAIL_TO"
most = 4
"""
)


@pytest.fixture
def mails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Mails]:
    with serving_mail(tmp_path) as mails:
        monkeypatch.setenv("SSL_CERT_FILE", str(mails.certificate))
        monkeypatch.setenv("MAIL_TO", mails.url())
        yield mails


def test_a_mail_and_its_links(tmp_path: Path, mails: Mails) -> None:
    """The like link has a button; pressed, it changes scores. Save puts it on the list, and unsubscribe stops mails."""
    settings = given(tmp_path, MAIL, DAYS, base_url=BASE, feed_key="a-long-secret-key")
    assert [f"mail {THURSDAY}", f"mail {FRIDAY}"] == run(settings, now=noon(FRIDAY)).deliver.sent
    html = mails.accepted[-1].get_body(("html",))
    assert html is not None
    text = html.get_content()
    paths = {name: re.findall(rf"{BASE}(/vote/main/{name}/[^\"]+)", text) for name in ("up", "down", "save")}
    with (
        serving_app(settings) as url,
        httpx.Client(base_url=url, headers={"Authorization": f"Bearer {TOKEN}"}) as client,
    ):
        last = paths["up"][3]
        assert (200, []) == (client.get(last).status_code, client.get("/api/feeds/main/votes").json()["votes"])
        before = client.get("/api/papers?feed=main&key=a-long-secret-key").json()["papers"]
        assert 200 == client.post(last).status_code
        after = client.get("/api/papers?feed=main&key=a-long-secret-key").json()["papers"]
        scores = [{paper["id"]: paper["score"] for paper in papers} for papers in (before, after)]
        assert scores[0][last.rpartition("/")[2]] < scores[1][last.rpartition("/")[2]]
        assert 200 == client.post(paths["save"][0]).status_code
        assert 404 == client.post(paths["save"][0].replace("/save/", "/up/")).status_code
        stop = re.findall(r"<(\S+)>", mails.accepted[-1]["List-Unsubscribe"])[0].removeprefix(BASE)
        assert (200, "") == (client.get(stop).status_code, log_of(settings, "mail").stopped)
        assert 200 == client.post(stop, data={"List-Unsubscribe": "One-Click"}).status_code
        assert 404 == client.post(stop[:-1] + ("0" if stop[-1] != "0" else "1")).status_code
    assert log_of(settings, "mail").stopped
    saved = asyncio.run(_saved(settings))
    assert [paths["save"][0].rpartition("/")[2]] == saved
    assert [] == run(settings, now=noon(FRIDAY) + timedelta(days=3)).deliver.sent


THEME = "Speculative decoding with draft models verifies tokens in parallel."
TOMORROW = {
    THURSDAY: [
        Sheet("2603.90201", "A cache for drafts", abstract=THEME),
        Sheet("2603.90202", "A cache of pictures", abstract="Pictures are sampled from a diffusion of noise."),
    ],
    FRIDAY: [
        Sheet("2603.90301", "A cache of noise", abstract="Pictures from noise are sampled by diffusion."),
        Sheet("2603.90302", "A cache for tokens", abstract="Draft models and speculative decoding of tokens."),
    ],
}


@pytest.mark.parametrize("pressed", [False, True])
def test_a_like_from_a_mail_changes_the_next_day(tmp_path: Path, mails: Mails, pressed: bool) -> None:
    """The like of Thursday's mail, opened and pressed, puts the paper of its kind first on Friday, in the mail too."""
    settings = given(tmp_path, MAIL, {THURSDAY: TOMORROW[THURSDAY]}, base_url=BASE)
    assert [f"mail {THURSDAY}"] == run(settings, now=noon(THURSDAY)).deliver.sent
    html = mails.accepted[-1].get_body(("html",))
    assert html is not None
    (path,) = re.findall(rf"{BASE}(/vote/main/up/[^\"]+/2603\.90201)", html.get_content())
    with serving_app(settings) as url, httpx.Client(base_url=url) as client:
        assert "Like" in client.get(path).text
        if pressed:
            assert 200 == client.post(path).status_code
    store_days(make_settings(tmp_path, feeds_toml=FEEDS), {FRIDAY: TOMORROW[FRIDAY]})
    with serving_app(settings) as url, httpx.Client(base_url=url) as client:
        found = client.get(f"/api/papers?announced={FRIDAY}&fields=id").json()["papers"]
    assert [f"mail {FRIDAY}"] == run(settings, now=noon(FRIDAY)).deliver.sent
    plain = mails.accepted[-1].get_body(("plain",))
    assert plain is not None
    in_mail = re.findall(r"2603\.9030\d(?=\s)", plain.get_content())
    expected = ["2603.90302", "2603.90301"] if pressed else ["2603.90301", "2603.90302"]
    assert (expected, expected) == ([row["id"] for row in found], list(dict.fromkeys(in_mail)))


async def _saved(settings: Settings) -> list[str]:
    wire = Paperwire(settings)
    try:
        return [one.paper.id for one in (await wire.archive.marks.read()).listed]
    finally:
        await wire.close()


def test_the_settings_page_sends_a_test(tmp_path: Path, mails: Mails) -> None:
    """With the token a test goes out, marked as such, and in no log; a failure is shown."""
    settings = given(tmp_path, MAIL, {FRIDAY: DAYS[FRIDAY]})
    with serving_app(settings) as url, httpx.Client(base_url=url) as client:
        assert "/settings/deliver/mail" in client.get("/settings").text
        assert 403 == client.post("/settings/deliver/mail", data={"token": "wrong"}).status_code
        assert 404 == client.get("/settings/deliver/mial").status_code
        assert 303 == client.post("/settings/deliver/mail", data={"token": TOKEN}).status_code
        mails.refuse = "550 no"
        answer = client.post("/settings/deliver/mail", data={"token": TOKEN})
        assert (502, True) == (answer.status_code, "it answered 550" in answer.text)
    (mail,) = mails.accepted
    plain = mail.get_body(("plain",))
    assert plain is not None
    assert plain.get_content().startswith("This is a test of the delivery mail.")
    assert {} == log_of(settings, "mail").marks


@pytest.mark.slow
def test_kills_and_two_processes(tmp_path: Path, hook: Service) -> None:
    """A kill at each write, before and after it, then two processes at once.

    A message comes twice only where its process was killed between the target's answer and the mark, and then both have
    the same identity; none is lost.
    """
    settings = given(tmp_path, FEEDS_TOML, {THURSDAY: DAYS[THURSDAY], FRIDAY: DAYS[FRIDAY]})
    kills = [(at, when) for at in range(1, 5) for when in ("before", "after")]
    if os.environ.get("FULL"):
        kills = [random.Random(7).choice(kills) for _ in range(30)]
    command = [sys.executable, "-m", "tests.support.delivery_worker", str(tmp_path)]
    pipe = subprocess.PIPE
    workers = [subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True) for _ in range(2)]

    def tell(worker: "subprocess.Popen[str]", line: str) -> None:
        assert worker.stdin
        worker.stdin.write(f"{line}\n")
        worker.stdin.flush()

    def ended(worker: "subprocess.Popen[str]") -> int:
        assert worker.stdout
        return int(worker.stdout.readline())

    try:
        for at, when in kills:
            asyncio.run(_forget(settings))
            hook.received.clear()
            tell(workers[0], f"{at} {when}")
            assert -signal.SIGKILL == ended(workers[0])
            asyncio.run(_unlock(settings))  # else it lasts six seconds
            for worker in workers:
                tell(worker, "0 never")
            assert {0} == {ended(worker) for worker in workers}
            for worker in workers[:1]:  # the other one may have had the lock, and the first nothing to do
                tell(worker, "0 never")
                assert 0 == ended(worker)
            received = [one.headers["webhook-id"] for one in hook.received]
            in_window = when == "before" and at in (2, 4)
            assert 2 == len(set(received)), (at, when)
            assert 2 + in_window == len(received), (at, when)
    finally:
        for worker in workers:
            worker.kill()
            worker.communicate(timeout=PATIENCE_SECONDS)


async def _forget(settings: Settings) -> None:
    store = open_store(settings)
    for key in (keys.delivered("hook"), keys.copy(keys.delivered("hook"))):
        await store.delete(key)
    await store.close()


async def _unlock(settings: Settings) -> None:
    store = open_store(settings)
    await store.delete(keys.delivery_lock("hook"))
    await store.close()
