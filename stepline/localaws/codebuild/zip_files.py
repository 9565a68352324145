"""Unpacks and makes zip files of folders, with the files' permissions and symbolic links."""

from __future__ import annotations

import os
import shutil
import stat
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

from stepline.core.errors import SteplineError

_PERMISSIONS = 0o777
_OWNER_MAY_WRITE = 0o200


class InvalidZipError(SteplineError):
    """The file is not a zip that can be unpacked."""


def unpack(archive: BinaryIO, folder: Path) -> None:
    """Unpack a zip into `folder`, which may exist. Raises InvalidZipError."""
    folder.mkdir(parents=True, exist_ok=True)
    links: list[tuple[Path, str]] = []
    try:
        with zipfile.ZipFile(archive) as source:
            for member in source.infolist():
                if stat.S_ISLNK(member.external_attr >> 16):
                    links.append((folder / member.filename, source.read(member).decode()))
                else:
                    _extract(source, member, folder)
    except (zipfile.BadZipFile, OSError, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        raise InvalidZipError(str(error)) from error
    for path, target in links:  # at the end, so that no file is written through one
        _link(path, target, folder)


def _extract(source: zipfile.ZipFile, member: zipfile.ZipInfo, folder: Path) -> None:
    path = Path(source.extract(member, folder))  # which stays below the folder
    mode = member.external_attr >> 16 & _PERMISSIONS
    if mode and path.is_file():
        path.chmod(mode | _OWNER_MAY_WRITE)


def _link(path: Path, target: str, folder: Path) -> None:
    """Create a symbolic link, unless it leads out of the folder."""
    inside = os.path.realpath(folder)
    destination = os.path.realpath(path.parent / target)
    if os.path.commonpath([inside, os.path.realpath(path.parent)]) == inside and (
        os.path.commonpath([inside, destination]) == inside
    ):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(target)


def pack(files: Iterable[tuple[Path, str]], target: BinaryIO, *, keeps_links: bool) -> None:
    """Write a zip of files, each with its name in the zip."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, strict_timestamps=False) as archive:
        for path, name in files:
            if path.is_symlink() and keeps_links:
                info = zipfile.ZipInfo(name)
                info.external_attr = (stat.S_IFLNK | _PERMISSIONS) << 16
                archive.writestr(info, os.fsencode(path.readlink()))
            else:
                archive.write(path, name)


def copy(source: BinaryIO, target: BinaryIO) -> None:
    """Copy a stream and go back to the beginning of the copy."""
    shutil.copyfileobj(source, target)
    target.seek(0)
