"""Links what a package requires from this environment into another, which takes a second, with its bytecode.

To download, unpack and compile a hundred packages anew takes a minute, and shows nothing about the package.
"""

from __future__ import annotations

import os
import shutil
import sysconfig
from collections.abc import Iterator
from importlib.metadata import Distribution, distribution, distributions
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

_HERE = Path(sysconfig.get_path("purelib"))


def link_requirements(python: Path, name: str, extra: str) -> None:
    """Link the packages that `name[extra]`, installed for `python`, declares, and those that they declare.

    Raises AssertionError if this environment has one in another version than declared, and
    PackageNotFoundError if it has not got it.
    """
    target = next(python.parents[1].glob("lib/python*/site-packages"))
    (package,) = (found for found in distributions(path=[str(target)]) if found.name == name)
    for required in _closure(package, extra, set()):
        _link(required, target)


def _closure(package: Distribution, extra: str, seen: set[tuple[str, str]]) -> Iterator[Distribution]:
    for text in package.requires or ():
        requirement = Requirement(text)
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": extra}):
            continue
        required = distribution(requirement.name)
        assert requirement.specifier.contains(required.version, prereleases=True), (
            f"{package.name} requires {requirement}, {required.version} is installed"
        )
        for wanted in {"", *requirement.extras}:
            key = (str(canonicalize_name(requirement.name)), wanted)
            if key not in seen:
                seen.add(key)
                yield required
                yield from _closure(required, wanted, seen)


def _link(package: Distribution, target: Path) -> None:
    """Link the modules, packages and metadata of one distribution; commands in `bin` are left out."""
    for name in {file.parts[0] for file in package.files or ()} - {"..", "__pycache__"}:
        source = _HERE / name
        if source.is_dir():
            shutil.copytree(source, target / name, copy_function=_link_file, dirs_exist_ok=True)
        else:
            _link_file(str(source), str(target / name))


def _link_file(source: str, target: str) -> None:
    if Path(target).exists():
        return  # of a folder that several distributions share
    try:
        os.link(source, target)
    except OSError:  # another file system; with the time of modification, which bytecode must have
        shutil.copy2(source, target)
