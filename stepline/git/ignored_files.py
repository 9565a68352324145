"""Finds the files of a folder that are not pushed, besides those that a `.gitignore` in it names.

They are what the user's own repository ignores, such as by a `.gitignore` above the folder, and what builds
create, unless the user's repository has files there or a `.gitignore` excepts it (`!node_modules/`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from stepline.core.errors import UsageError
from stepline.git.client import Git

GENERATED_FOLDERS = (".aws-sam", ".venv", "__pycache__", "cdk.out", "node_modules")
_IGNORED = ("ls-files", "--others", "--ignored", "--exclude-standard", "--directory", "-z")
_SPECIAL = re.compile(rb"([\\*?\[ ])")


def exclude_patterns(git: Git) -> bytes:
    """Return the content of `info/exclude` for a push of the folder, which `git` runs in."""
    return b"".join(line + b"\n" for line in _patterns(git))


def _patterns(git: Git) -> Iterator[bytes]:
    tracked = _names(git, "ls-files", "-z")
    parts = {part for name in tracked for part in name.split(b"/")[:-1]}
    for folder in GENERATED_FOLDERS:
        if folder.encode() not in parts:
            yield folder.encode() + b"/"
    for name in _names(git, *_IGNORED):
        if name != b"./" and b"\n" not in name:  # "./" if the folder as a whole is ignored
            yield b"/" + _SPECIAL.sub(rb"\\\1", name)


def _names(git: Git, *arguments: str) -> list[bytes]:
    """Return the files that git lists, none outside of a repository."""
    try:
        return git.run(*arguments).split(b"\0")[:-1]
    except UsageError:
        return []
