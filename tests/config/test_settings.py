"""Where the upstreams are: their own addresses, those that were given, or a replay that stands in for all."""

from pathlib import Path

import pytest

from core.config.settings import Settings, load_settings

ARXIV, HUGGING_FACE, PDF = "https://export.arxiv.org", "https://huggingface.co", "https://arxiv.org"
REPLAY = "http://127.0.0.1:8900"


@pytest.mark.parametrize(
    ("given", "api", "hugging_face", "pdf"),
    [
        ({}, ARXIV, HUGGING_FACE, PDF),
        ({"ARXIV_RSS_URL": "https://export.arxiv.org/"}, ARXIV, HUGGING_FACE, PDF),
        ({"ARXIV_RSS_URL": "https://RSS.arXiv.org"}, ARXIV, HUGGING_FACE, PDF),
        ({"ARXIV_RSS_URL": f"{REPLAY}/"}, REPLAY, REPLAY, REPLAY),
        ({"ARXIV_RSS_URL": "https://notarxiv.org"}, *["https://notarxiv.org"] * 3),
        ({"ARXIV_RSS_URL": "https://arxiv.org.example"}, *["https://arxiv.org.example"] * 3),
        ({"ARXIV_API_URL": f"{REPLAY}/a/"}, f"{REPLAY}/a", HUGGING_FACE, PDF),
        ({"ARXIV_RSS_URL": REPLAY, "ARXIV_API_URL": f"{ARXIV}/"}, ARXIV, REPLAY, REPLAY),
        ({"ARXIV_RSS_URL": REPLAY, "HF_API_URL": HUGGING_FACE}, REPLAY, HUGGING_FACE, REPLAY),
        ({"ARXIV_PDF_URL": f"{REPLAY}/x/"}, ARXIV, HUGGING_FACE, f"{REPLAY}/x"),
    ],
)
def test_upstreams(
    given: dict[str, str], api: str, hugging_face: str, pdf: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A replay of the RSS stands in for the API, Hugging Face and full texts too, unless these are given."""
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    settings = load_settings(_env_file=None)
    assert (api, hugging_face, pdf) == (settings.api_url, settings.hf_url, settings.pdf_url)


def test_upstreams_of_the_example(tmp_path: Path) -> None:
    """The addresses in .env.example are those that hold without it, but for the replay's."""
    lines = Path(".env.example").read_text("utf-8").splitlines()
    shown = dict(line.removeprefix("#").split("=", 1) for line in lines if line.startswith("#") and "_URL=http" in line)
    (tmp_path / ".env").write_text("\n".join(f"{name}={shown[name]}" for name in ("ARXIV_API_URL", "HF_API_URL")))
    settings = Settings(_env_file=tmp_path / ".env")
    assert (ARXIV, HUGGING_FACE) == (settings.api_url, settings.hf_url)
