"""Texts and variables as their owners keep them: files of any editor, and the environment with a `.env` file below it.

Editors on Windows write a byte order mark, or UTF-16; secrets are pasted with white space around them.
"""

import codecs
import os
from io import StringIO
from pathlib import Path

from core.model.errors import ConfigError

_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
ENV_FILE = Path(".env")


def decode_text(data: bytes) -> str:
    """Decode a file: UTF-8, or the encoding of its byte order mark. Raises `UnicodeDecodeError`."""
    encoding = next((name for mark, name in _MARKS if data.startswith(mark)), "utf-8")
    return data.decode(encoding)


def read_text_file(path: Path) -> str:
    """Returns the text of the file at `path`. Raises `OSError` or `UnicodeDecodeError`."""
    return decode_text(path.read_bytes())


def env_file() -> dict[str, str]:
    """Returns the variables of the working directory's `.env` file, empty without one. Raises `ConfigError`."""
    if not ENV_FILE.is_file():
        return {}
    from dotenv import dotenv_values

    try:
        values = dotenv_values(stream=StringIO(read_text_file(ENV_FILE)))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError([f"{ENV_FILE}: cannot be read: {error}"]) from error
    return {name: value for name, value in values.items() if value}


def variables() -> dict[str, str]:
    """Returns the non-empty variables of the environment, which override those of the `.env` file."""
    return env_file() | {name: value for name, value in os.environ.items() if value.strip()}
