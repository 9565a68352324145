"""Builds the package of a Lambda function: the Lambda code, and packages that the runtime does not have.

`sam build` runs `python3 -m stepline.deployment.function_package FOLDER` through the Makefile's build-%
target. It needs only Python's standard library, pip and
`stepline.core`.
"""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import subprocess
import sys
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from stepline.core.source_trees import SourceTree

_LAMBDA_CODE = ("pipeline", "statemachines", "stepline/core", "stepline/__init__.py")
"""The code that Lambda functions import, in the project."""

_NOT_LAMBDA_CODE = ("statemachines/batch/image", "statemachines/process/sample_service")
"""Programs that run in a container or on a server."""

_UNUSED_FILES = ("swagger-ui*",)
"""1.7 MB of Powertools' event handler for REST APIs, which no function uses."""

_PACKAGE = Path(__file__).parent.parent
"""The installed `stepline`; its core is packaged for the project that it brings, which has no copy."""

_REQUIREMENTS = Path("pipeline/requirements.txt")
_CACHE = Path(".aws-sam/packages")
_PYTHON_VERSION = "3.13"
_PLATFORM = "manylinux2014_x86_64"
"""Runtime and architecture of the functions in template.yaml, as pip names them."""


def is_project(folder: Path) -> bool:
    """Whether the folder is a project with this Lambda code."""
    return (folder / _REQUIREMENTS).is_file()


def source_trees(project: Path) -> list[SourceTree]:
    """Return what the Lambda code consists of.

    Hidden folders are left out: `sam build` in the folder of a system creates `.aws-sam` there.
    """
    excluded = tuple(project / folder for folder in _NOT_LAMBDA_CODE)
    core = project if (project / "stepline").is_dir() else _PACKAGE.parent
    return [
        SourceTree(base / name, base, "*.py", excluded, with_hidden=False)
        for name in _LAMBDA_CODE
        for base in [core if name.startswith("stepline") else project]
    ]


def source_files(project: Path) -> Iterator[tuple[Path, str]]:
    """Yield the files of the Lambda code, with their paths in the package."""
    return chain.from_iterable(tree.files() for tree in source_trees(project))


def build(project: Path, target: Path) -> None:
    """Write the whole package for AWS to the folder `target`.

    Raises CalledProcessError if pip cannot install the requirements; pip has printed the reason.
    """
    target.mkdir(parents=True, exist_ok=True)
    unused = shutil.ignore_patterns(*_UNUSED_FILES)
    shutil.copytree(_install_requirements(project), target, dirs_exist_ok=True, ignore=unused)
    for file, name in source_files(project):
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, target / name)


def _install_requirements(project: Path) -> Path:
    """Install the requirements once for each version of the lock file, and return their folder.

    `sam build` builds several functions at once: one installs, the others wait for it.
    """
    requirements = project / _REQUIREMENTS
    digest = hashlib.sha256(requirements.read_bytes() + _PYTHON_VERSION.encode()).hexdigest()[:16]
    folder = project / _CACHE / digest
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (folder.parent / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            _install(requirements, folder)
    return folder


def _install(requirements: Path, folder: Path) -> None:
    partial = folder.with_suffix(".partial")
    shutil.rmtree(partial, ignore_errors=True)
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    command += ["--no-deps", "--no-compile", "--require-hashes", "--requirement", str(requirements)]
    command += ["--only-binary", ":all:", "--implementation", "cp", "--python-version", _PYTHON_VERSION]
    command += ["--platform", _PLATFORM, "--target", str(partial)]
    subprocess.run(command, check=True)  # noqa: S603
    partial.rename(folder)


if __name__ == "__main__":
    build(Path.cwd(), Path(sys.argv[1]))
