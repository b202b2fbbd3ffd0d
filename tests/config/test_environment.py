"""Files and variables as their owners keep them."""

import os
from pathlib import Path

import pytest

from core.config.environment import decode_text
from core.config.feeds_file import load_feeds_file
from core.config.settings import load_settings
from core.model.errors import ConfigError

FEEDS = '[instance]\ncontact = "me@example.org"\n[feeds.main]\ntitle = "Łódź"\ncategories = ["cs.ai"]\nmin_score = 2\n'
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16")


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory of its own, and no variables that could be those of the test."""
    for name in [name for name in os.environ if name.startswith("PAPERWIRE_")]:
        monkeypatch.delenv(name)
    for name in ("ADMIN_TOKEN", "CRON_SECRET", "FEEDS_FILE", "FEEDS_TOML", "KV_REST_API_URL", "UPSTASH_REDIS_REST_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("encoding", [*ENCODINGS, "utf-16-be"])
def test_files_of_any_editor_are_read(encoding: str) -> None:
    """With a byte order mark, or in UTF-16, as editors on Windows write them."""
    mark = b"\xfe\xff" if encoding == "utf-16-be" else b""
    assert FEEDS == decode_text(mark + FEEDS.encode(encoding))


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_feeds_toml_of_any_editor(elsewhere: Path, encoding: str) -> None:
    """Categories are spelled as arXiv does, whatever the owner wrote."""
    path = elsewhere / "feeds.toml"
    path.write_bytes(FEEDS.encode(encoding))
    feed = load_feeds_file(path).feeds["main"]
    assert ("Łódź", ("cs.AI",)) == (feed.title, feed.categories)


def test_a_file_in_no_encoding_is_explained(elsewhere: Path) -> None:
    """It cannot be read, and is named."""
    path = elsewhere / "feeds.toml"
    path.write_bytes(b"title = \xff\xfe\xfd")
    with pytest.raises(ConfigError, match=r"feeds\.toml: cannot be read"):
        load_feeds_file(path)


def test_the_text_in_a_variable_may_have_a_byte_order_mark(monkeypatch: pytest.MonkeyPatch) -> None:
    """It was copied from a file."""
    monkeypatch.setenv("FEEDS_TOML", "\ufeff" + FEEDS)
    assert ["main"] == list(load_settings().feeds.feeds)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_the_env_file_is_in_force(elsewhere: Path, encoding: str) -> None:
    """With its first variable, and with those that override feeds.toml."""
    text = "ADMIN_TOKEN=0123456789sample\nPAPERWIRE_FEEDS__MAIN__MIN_SCORE=6\nWIRE_KV_REST_API_URL=https://db.example\n"
    (elsewhere / ".env").write_bytes((text + "WIRE_KV_REST_API_TOKEN=sample").encode(encoding))
    (elsewhere / "feeds.toml").write_text(FEEDS, "utf-8")
    settings = load_settings()
    assert "0123456789sample" == settings.admin_token
    assert 6 == settings.feeds.feeds["main"].min_score
    assert ("https://db.example", "sample") == (settings.kv_rest_api_url, settings.kv_rest_api_token)


def test_the_environment_comes_before_the_env_file(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is set in both is as the environment says; what is empty there counts as not set."""
    (elsewhere / ".env").write_text(
        "ADMIN_TOKEN=of-the-file-0123\nPAPERWIRE_FEEDS__MAIN__MIN_SCORE=6\nCRON_SECRET=file", "utf-8"
    )
    (elsewhere / "feeds.toml").write_text(FEEDS, "utf-8")
    monkeypatch.setenv("ADMIN_TOKEN", "of-the-environment")
    monkeypatch.setenv("CRON_SECRET", "")
    monkeypatch.setenv("PAPERWIRE_FEEDS__MAIN__MIN_SCORE", "9")
    settings = load_settings()
    assert ("of-the-environment", "file") == (settings.admin_token, settings.cron_secret)
    assert 9 == settings.feeds.feeds["main"].min_score


@pytest.mark.parametrize("name", ["ADMIN_TOKEN", "CRON_SECRET", "FEED_KEY", "LLM_MODEL", "BASE_URL", "ARXIV_RSS_URL"])
@pytest.mark.parametrize("blank", ["\n", " ", "\r\n", "\t", "\xa0", "\ufeff"])
def test_white_space_around_a_value_does_not_count(name: str, blank: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It was pasted along."""
    value = "https://sample.example/0123456789abcdef"
    monkeypatch.setenv(name, f"{blank}{value}{blank}")
    assert value == str(getattr(load_settings(), name.lower()))
