"""Remove from the environment of a Vercel build what the function never imports: a smaller bundle starts sooner.

Vercel runs this before it packs the function (`[tool.vercel.scripts]` in pyproject.toml). The installer that the
builder puts into every environment, and the parts of lxml that only compilers or other programs use, are a fifth of the
bundle. Templates of pages are compiled, as the builder compiles modules. Where the environment lies elsewhere, nothing
is removed and the build goes on.
"""

import os
import shutil
import subprocess
from pathlib import Path

UNUSED = (
    "pip", "pip-*.dist-info", "pypdfium2_cli", "lxml/includes", "lxml/html", "lxml/isoschematron",
    "lxml/objectify*", "lxml/sax*", "lxml/builder*", "lxml/*.pyx", "lxml/*.pxi", "lxml/*.h",
)  # fmt: skip


def main() -> None:
    """Remove them, and say how much that was."""
    removed = 0
    for folder in Path(".vercel/python").glob(".venv/lib/python3*/site-packages"):
        for path in {path for pattern in UNUSED for path in folder.glob(pattern)}:
            files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
            removed += sum(file.stat().st_size for file in files)
            path.unlink() if path.is_file() else shutil.rmtree(path)
    for python in Path(".vercel/python").glob(".venv/bin/python"):
        code = "from api.pages.html import compile_templates; print(compile_templates(), 'templates are compiled')"
        env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        subprocess.run([python, "-c", code], env=env, check=False)  # noqa: S603 - without them pages come later
    print(f"Removed {removed / 1e6:.1f} MB that the function never imports")  # noqa: T201


if __name__ == "__main__":
    main()
