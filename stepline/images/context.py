"""The build context of an image: the folder with its Dockerfile."""

from __future__ import annotations

import hashlib
import re
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from stepline.core.errors import UsageError

_ALWAYS_IGNORED = ("__pycache__", ".git", ".DS_Store", "*.pyc")
_TAG_DIGITS = 12


def check_folder(folder: Path) -> None:
    """Raises UsageError if the folder has no Dockerfile."""
    if not (folder / "Dockerfile").is_file():
        raise UsageError(f"{folder / 'Dockerfile'} does not exist: name the folder of the image")


def list_files(folder: Path) -> dict[str, Path]:
    """Return the files that COPY can copy, without those in `.dockerignore`, by their paths., sorted."""
    patterns = _ignore_patterns(folder)
    found = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    return {name: found[name] for name in sorted(found) if not _is_ignored(name, patterns)}


def content_tag(folder: Path) -> str:
    """Return a tag made of a digest of all files: `content-1a2b3c4d5e6f`."""
    digest = hashlib.sha256()
    for name, path in list_files(folder).items():
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        digest.update(f"{name}\0{is_executable(path)}\0{content}\n".encode())
    return f"content-{digest.hexdigest()[:_TAG_DIGITS]}"


def is_executable(path: Path) -> bool:
    return bool(path.stat().st_mode & 0o100)


def _ignore_patterns(folder: Path) -> tuple[str, ...]:
    """Return patterns of names and paths. Raises UsageError for exceptions (`!`)."""
    file = folder / ".dockerignore"
    lines = [line.strip() for line in file.read_text().splitlines()] if file.is_file() else []
    patterns = [line.strip("/") for line in lines if line and not line.startswith("#")]
    if any(pattern.startswith("!") for pattern in patterns):
        raise UsageError(f"{file}: exceptions (!) are not supported without a container engine")
    return (*_ALWAYS_IGNORED, *(re.sub(r"^\*\*/", "", pattern) for pattern in patterns))


def _is_ignored(name: str, patterns: tuple[str, ...]) -> bool:
    path = PurePosixPath(name)
    parts = [text for each in (path, *path.parents) for text in (str(each), each.name)]
    return any(fnmatchcase(part, pattern) for part in parts for pattern in patterns)
