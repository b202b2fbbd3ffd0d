"""How much of each section of long papers reaches a model, by the real readers and within the default budget."""

from statistics import mean

from core.config.models import text_characters
from core.config.settings import load_settings
from core.llm.material import material
from core.model.excerpt import join
from core.model.fulltext import FullText
from core.sources.html import read_html
from core.sources.pdf import read_pdf
from tests.support.invented import make_paper
from tests.support.long_papers import NAMES, ROLES, long_paper, shares

FORMER = {"summary, 24,000": 24_000, "analysis, 60,000": 60_000, "review, 120,000": 120_000}


def former(text: str, most: int) -> str:
    """The budget as it was: three quarters from the beginning, a quarter from the end."""
    end = int(most * 0.25)
    return text if len(text) <= most else f"{text[: most - end - 7]}\n\n[…]\n\n{text[-end:]}"


def run(*, invented: bool = False) -> None:  # noqa: ARG001 - as all benchmarks
    """Print a line for each paper, and the means of all questions before and after."""
    characters = text_characters(load_settings(_env_file=None))
    names = (*ROLES, "appendix")
    rows: dict[str, list[dict[str, float]]] = {}
    print(f"{'paper':44}{'read':>6}  " + "".join(f"{name[:8]:>10}" for name in names))
    for paper in map(long_paper, NAMES):
        reading = (read_html if paper.kind == "html" else read_pdf)(paper.body, 60)
        text = FullText(join(reading.sections), paper.kind, sections=reading.sections)
        given, coverage = material(make_paper(), text, characters)
        now = shares(paper, given)
        rows.setdefault("all questions now", []).append(now)
        for name, most in FORMER.items():
            rows.setdefault(name, []).append(shares(paper, former(text.text, most)))
        print(f"{paper.name:44}{coverage.percent if coverage else 0:>5}%  "
              + "".join(f"{now.get(name, float('nan')):>10.0%}" for name in names))  # fmt: skip
    for name, found in rows.items():
        means = {role: mean(row[role] for row in found if role in row) for role in names}
        least = {role: min(row[role] for row in found if role in row) for role in names}
        print(f"{name:44}{'mean':>6}  " + "".join(f"{means[role]:>10.0%}" for role in names))
        print(f"{'':44}{'least':>6}  " + "".join(f"{least[role]:>10.0%}" for role in names))
