"""Unpacks deployment packages of functions, each version of the code once."""

from __future__ import annotations

import hashlib
import io
import shutil
import tempfile
import threading
import zipfile
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from stepline.core.source_trees import SourceTree, from_comment
from stepline.localaws.functions.errors import CodeError
from stepline.localaws.functions.live_code import LiveCode

_PERMISSIONS = 0o755 | 0o200
"""Bits of a file mode that are kept; the owner may always write, so that the folder can be removed."""


class CodeStore:
    """Folders with functions' code, in a directory of its own."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._lock = threading.Lock()
        self._unpacked: dict[str, LiveCode] = {}

    def folder(self, code_sha256: str, code_zip: Callable[[], bytes], *, is_live: bool = True) -> Path:
        """Return the folder with that code, unpacking `code_zip()` at the first call. Raises CodeError.

        With `is_live`, it has the current content of the local files that the package was made of, if any.
        """
        with self._lock:
            code = self._unpacked.get(code_sha256)
            if code is None:
                folder = self._directory / hashlib.sha256(code_sha256.encode()).hexdigest()[:16]
                archive = code_zip()
                self._unpack(archive, folder)
                code = self._unpacked[code_sha256] = LiveCode(folder, _source_trees(archive))
            return code.current() if is_live else code.original

    def close(self) -> None:
        """Remove all folders."""
        for code in self._unpacked.values():
            code.close()
        self._unpacked.clear()

    def _unpack(self, archive: bytes, folder: Path) -> None:
        """Unpack into another folder, which is then renamed, so that no folder is incomplete."""
        self._directory.mkdir(parents=True, exist_ok=True)
        new = Path(tempfile.mkdtemp(dir=self._directory, prefix="unpacking-"))
        try:
            _extract(archive, new)
            shutil.rmtree(folder, ignore_errors=True)  # of a process that was killed
            new.rename(folder)
        except BaseException:
            shutil.rmtree(new, ignore_errors=True)
            raise


def _source_trees(archive: bytes) -> tuple[SourceTree, ...]:
    with zipfile.ZipFile(io.BytesIO(archive)) as source:
        return from_comment(source.comment)


def _extract(archive: bytes, folder: Path) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(archive)) as source:
            for member in source.infolist():
                _check(member.filename)
                path = Path(source.extract(member, folder))
                mode = member.external_attr >> 16 & _PERMISSIONS
                if mode and path.is_file():
                    path.chmod(mode)
    except (zipfile.BadZipFile, OSError, EOFError, NotImplementedError, RuntimeError) as error:
        raise CodeError(f"Could not unzip uploaded file: {error}") from error


def _check(name: str) -> None:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\\" in name:
        raise CodeError(f"Could not unzip uploaded file: {name!r} is a path outside the archive")
