"""Files that commands write: of their own making they are replaced, what somebody else wrote is left alone."""

from collections.abc import Sequence
from pathlib import Path

from core.domain.errors import ConfigError


def is_folder(path: Path) -> bool:
    """Whether `path` is one, or is going to be: names of documents have a suffix."""
    return path.is_dir() or (not path.exists() and not path.suffix)


def refuse_foreign(targets: Sequence[Path], marker: str) -> None:
    """Raise `ConfigError` if one of `targets` is there that does not end with `marker`: nobody can write it again."""
    foreign = [path for path in targets if path.exists() and not _ends_with(path, marker)]
    if foreign:
        names = ", ".join(map(str, foreign))
        raise ConfigError([f"{names}: there already, and not written by this command; add --force to replace"])


def write_document(path: Path, data: bytes) -> bool:
    """Write `data`, whole or not at all; False if the file is that already. Raises `ConfigError`."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and path.read_bytes() == data:
            return False
        partial = path.with_name(f".{path.name}.partial")  # a run that is interrupted leaves the old one
        partial.write_bytes(data)
        partial.replace(path)
    except OSError as error:
        raise ConfigError([f"{path}: cannot be written: {error}"]) from error
    return True


def _ends_with(path: Path, marker: str) -> bool:
    try:
        return path.read_text("utf-8").rstrip().endswith(marker)
    except (OSError, UnicodeDecodeError):
        return False
