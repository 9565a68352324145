"""Renews the unpacked code of a function when the local files change that its package was made of."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections import deque
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from stepline.core.source_trees import SourceTree

_KEPT_FOLDERS = 3
"""Renewed folders that stay: environments that still run an older version may import from them [ours]."""

Signature = dict[Path, tuple[int, int, int]]
"""Of each file and folder its inode, time of modification in ns, and size; an edit changes at least one."""


class LiveCode:
    """The code of one package: `current` returns the folder with the content that the files have now."""

    def __init__(self, folder: Path, trees: Sequence[SourceTree]) -> None:
        self.original = folder
        self._trees = trees
        self._signature: Signature | None = None
        self._renewed: deque[Path] = deque()
        self._current = folder
        self._digest = _digest_of(_read_folder(folder)) if trees else ""

    def current(self) -> Path:
        """Return the folder, after renewing it if a file has changed, is new or was deleted.

        Only their state is read, unless it differs from that of the last call. Without the files, such as
        those of a deleted checkout, the last version stays.
        """
        if self._trees and (self._signature is None or _signature(self._signature) != self._signature):
            with suppress(OSError):  # a file is being replaced: the next invocation reads it
                self._renew()
        return self._current

    def _renew(self) -> None:
        paths = [(file, name) for tree in self._trees for file, name in tree.files()]
        if not paths:
            return
        signature = _signature({*_folders(self._trees), *(file for file, _ in paths)})
        files = [(name, file.read_bytes()) for file, name in paths]
        self._signature = signature
        digest = _digest_of(files)
        if digest != self._digest:
            self._current, self._digest = self._write(files), digest

    def _write(self, files: Iterable[tuple[str, bytes]]) -> Path:
        folder = Path(tempfile.mkdtemp(dir=self.original.parent, prefix=f"{self.original.name}-"))
        for name, content in files:
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        self._renewed.append(folder)
        if len(self._renewed) > _KEPT_FOLDERS:
            shutil.rmtree(self._renewed.popleft(), ignore_errors=True)
        return folder

    def close(self) -> None:
        for folder in (self.original, *self._renewed):
            shutil.rmtree(folder, ignore_errors=True)


def _signature(paths: Iterable[Path]) -> Signature:
    """Return the state of the paths that exist."""
    signature = {}
    for path in paths:
        with suppress(OSError):
            state = path.stat()
            signature[path] = (state.st_ino, state.st_mtime_ns, state.st_size)
    return signature


def _folders(trees: Iterable[SourceTree]) -> set[Path]:
    """Return all folders of the trees: a new or deleted file changes the time of its folder."""
    return {
        folder
        for tree in trees
        if tree.path.is_dir()
        for folder in (tree.path, *(path for path in tree.path.rglob("*") if path.is_dir()))
        if "__pycache__" not in folder.parts
    }


def _read_folder(folder: Path) -> list[tuple[str, bytes]]:
    return [(name, file.read_bytes()) for file, name in SourceTree(folder, folder).files()]


def _digest_of(files: Iterable[tuple[str, bytes]]) -> str:
    digest = hashlib.sha256()
    for name, content in sorted(files):
        digest.update(f"{name}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()
