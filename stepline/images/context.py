"""The folder that an image is made of."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from stepline.core.errors import UsageError

_NEVER = ("__pycache__", ".git", ".DS_Store", "*.pyc")
_TAG_DIGITS = 12


def check_folder(folder: Path) -> None:
    if not (folder / "Dockerfile").is_file():
        raise UsageError(f"there is no {folder / 'Dockerfile'}: name the folder of the image")


def files_of(folder: Path) -> dict[str, Path]:
    """What COPY may copy: path below the folder -> file, sorted; without what `.dockerignore` names."""
    patterns = _ignored(folder)
    found = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    return {name: found[name] for name in sorted(found) if not _is_ignored(name, patterns)}


def content_tag(folder: Path) -> str:
    """A tag that is the same for the same files: `content-1a2b3c4d5e6f`."""
    digest = hashlib.sha256()
    for name, path in files_of(folder).items():
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        digest.update(f"{name}\0{is_executable(path)}\0{content}\n".encode())
    return f"content-{digest.hexdigest()[:_TAG_DIGITS]}"


def is_executable(path: Path) -> bool:
    return bool(path.stat().st_mode & 0o100)


def _ignored(folder: Path) -> tuple[str, ...]:
    """Patterns of names or paths. Raises UsageError for exceptions (`!`)."""
    file = folder / ".dockerignore"
    lines = [line.strip() for line in file.read_text().splitlines()] if file.is_file() else []
    patterns = [line.strip("/") for line in lines if line and not line.startswith("#")]
    if any(pattern.startswith("!") for pattern in patterns):
        raise UsageError(f"{file}: exceptions (!) are not understood without a container engine")
    return (*_NEVER, *(re.sub(r"^\*\*/", "", pattern) for pattern in patterns))


def _is_ignored(name: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(part, pattern) for part in _parts(name) for pattern in patterns)


def _parts(name: str) -> Iterator[str]:
    """Each folder on the way and the file itself, by path and by name."""
    path = PurePosixPath(name)
    for each in (path, *path.parents):
        yield str(each)
        yield each.name
