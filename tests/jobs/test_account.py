"""What an endpoint says of the account: it stops the run, health names it with the mend, and it heals once mended."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from core.config.settings import load_settings
from core.model.work import Chain
from tests.conftest import NOON, paperwire, serving_app
from tests.support.judge import feeds, judge, upstream
from tests.support.model_server import MODEL
from tests.support.model_server import serving as serving_model
from tests.support.upstream import serving

TOKEN = "open-sesame"
OWNER = {"Authorization": f"Bearer {TOKEN}"}
GEMINI = {
    "code": 400, "message": "API key not valid. Please pass a valid API key.", "status": "INVALID_ARGUMENT",
    "details": [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}],
}  # fmt: skip
DAILY = "Quota exceeded for metric: generate_content_free_tier_requests, GenerateRequestsPerDayPerProject-FreeTier"
# Who says it → status, body, state, whether the owner has to act
SAID: Mapping[str, tuple[int, Any, str, bool]] = {
    "Gemini, key": (400, [{"error": GEMINI}], "wrong-key", True),
    "Gemini, day": (429, [{"error": {"code": 429, "message": DAILY}}], "day-limit", False),
    "DashScope": (
        400,
        {"error": {"code": "Arrearage", "type": "Arrearage", "message": "Access denied, please make sure your account "
                   "is in good standing."}, "request_id": "7f3c"},
        "no-credit", True,
    ),
    "SiliconFlow": (403, {"code": 30001, "message": "Sorry, your account balance is insufficient"}, "no-credit", True),
    "Zhipu": (429, {"error": {"code": "1113", "message": "余额不足或无可用资源包,请充值。"}}, "no-credit", True),
    "OpenAI": (
        429,
        {"error": {"message": "You exceeded your current quota, please check your plan and billing details.",
                   "type": "insufficient_quota", "param": None, "code": "insufficient_quota"}},
        "no-credit", True,
    ),
    "Moonshot": (
        429,
        {"error": {"type": "exceeded_current_quota_error", "message": "Your account org-1 is suspended"}},
        "no-credit", True,
    ),
    "Volcengine": (
        403,
        {"error": {"code": "AccountOverdueError", "message": "The account has an overdue balance"}},
        "no-credit", True,
    ),
    "xAI": (403, {"code": "The caller does not have permission", "error": "Your team doesn't have any credits yet."},
            "no-credit", True),
    "DeepSeek": (402, {"error": {"message": "Insufficient Balance", "type": "unknown_error"}}, "no-credit", True),
    "OpenAI, key": (401, {"error": {"message": "Incorrect API key", "code": "invalid_api_key"}}, "wrong-key", True),
    "no such model": (404, {"error": {"message": "The model `gpt-9` does not exist"}}, "no-model", True),
    "a web page": (200, "<!doctype html><title>Welcome</title>", "no-answer", True),
}  # fmt: skip
DAILY_ROWS = ("Gemini, key", "Zhipu")


def body(value: Any) -> bytes:
    """The bytes of an answer."""
    return value.encode() if isinstance(value, str) else json.dumps(value, ensure_ascii=False).encode()


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in DAILY_ROWS else pytest.mark.slow) for name in SAID]
)
def test_an_account(tmp_path: Path, name: str) -> None:
    """Through a refresh and a step alike: few calls, named for everyone, in the endpoint's words for the owner, and
    gone when it answers again.
    """
    status, said, state, act = SAID[name]
    with serving(upstream(5, 4, 6)) as source, serving_model(judge()) as model:
        model.faults, model.faulty_for_ever, model.raw = ["raw"], True, (status, body(said))
        settings = load_settings(
            env_file=False, arxiv_rss_url=source.url, replay_gate_seconds=0, sqlite_path=tmp_path / "store", now=NOON,
            llm_base_url=model.url, llm_model=MODEL, feeds_toml=feeds(), admin_token=TOKEN, rate_limit=0,
            log_level="ERROR", catch_up_seconds=60,
        )  # fmt: skip
        with serving_app(settings) as url:

            def trouble(**headers: str) -> list[dict[str, Any]]:
                found = httpx.get(f"{url}/api/health", headers=headers).json().get("troubles", [])
                return [one for one in found if one["kind"] == "model"]

            httpx.post(f"{url}/api/refresh", headers=OWNER, timeout=60)
            first = trouble()
            httpx.post(f"{url}/api/work", headers=OWNER, timeout=60)
            (shown,), (whole,) = trouble(), trouble(**OWNER)
            assert first == [shown], "since when does not change"
            assert len(model.requests) <= 4
            assert act is shown["act"]
            assert shown["mend"]
            assert f"status {status}" in whole["detail"] or state == "no-answer"
            assert "status" not in shown["detail"], "the endpoint's words are its owner's"
            page = httpx.get(f"{url}/settings").text
            assert shown["mend"][1:40] in page
            assert 503 == httpx.get(f"{url}/api/health").status_code or not act
            model.faults.clear()
            httpx.post(f"{url}/api/work", headers=OWNER, timeout=60)
            assert [] == trouble()
            assert shown["mend"][1:40] not in httpx.get(f"{url}/settings").text
            papers = httpx.get(f"{url}/api/papers?feed=main").json()["papers"]
            assert ["ready"] * 3 == [paper["summary"]["state"] for paper in papers]
            assert state in {"wrong-key", "no-credit", "day-limit", "no-model", "no-answer"}


def test_the_command_says_it(tmp_path: Path) -> None:
    """`paperwire refresh` prints it in the endpoint's words."""
    with serving(upstream(5)) as source, serving_model(judge()) as model:
        model.faults, model.faulty_for_ever, model.raw = ["raw"], True, (400, body(SAID["DashScope"][1]))
        env = {
            "ARXIV_RSS_URL": source.url, "REPLAY_GATE_SECONDS": "0", "NOW": NOON.isoformat(), "FEEDS_TOML": feeds(),
            "SQLITE_PATH": "store.sqlite3", "LLM_BASE_URL": model.url, "LLM_MODEL": MODEL, "CATCH_UP_SECONDS": "60",
        }  # fmt: skip
        done = paperwire("refresh", cwd=tmp_path, env=env)
    assert "The account at the endpoint has no credit left: status 400: Access denied" in " ".join(done.stdout.split())


def test_a_chain_of_an_earlier_version() -> None:
    """A stored chain without this is read."""
    plain = Chain().to_plain()
    del plain["model"]
    assert Chain() == Chain.from_plain(plain)
