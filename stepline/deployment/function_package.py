"""What a Lambda function's package holds: the Lambda code, and what the runtime does not bring.

`sam build` runs `python3 -m stepline.deployment.function_package FOLDER` by the Makefile's
build-% target. It needs nothing but Python's standard library and pip.
"""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

_LAMBDA_CODE = ("pipeline", "statemachines", "stepline/core", "stepline/__init__.py")
"""What Lambda functions import, below the project's folder."""

_NOT_LAMBDA_CODE = ("statemachines/batch/image", "statemachines/process/sample_service")
"""Programs that run elsewhere: in a container, on a server."""

_PACKAGE = Path(__file__).parent.parent
"""The installed `stepline`, whose core serves projects that came with it and so have no copy of their own."""

_REQUIREMENTS = Path("pipeline/requirements.txt")
_CACHE = Path(".aws-sam/packages")
_PYTHON_VERSION = "3.13"
_PLATFORM = "manylinux2014_x86_64"
"""The functions' `Runtime` and architecture in template.yaml, as pip names them."""


def is_project(folder: Path) -> bool:
    """Whether the folder is that of the Lambda code, and not any other with code of its own."""
    return (folder / _REQUIREMENTS).is_file()


def source_files(project: Path) -> Iterator[tuple[Path, str]]:
    """The Lambda code of `project`: each file, and its path in the package. In sorted order."""
    left_out = [project / folder for folder in _NOT_LAMBDA_CODE]
    core = project if (project / "stepline").is_dir() else _PACKAGE.parent
    for name in _LAMBDA_CODE:
        base = core if name.startswith("stepline") else project
        place = base / name
        for file in sorted(place.rglob("*.py")) if place.is_dir() else [place]:
            if not any(file.is_relative_to(folder) for folder in left_out):
                yield file, file.relative_to(base).as_posix()


def build(project: Path, target: Path) -> None:
    """Put the whole package into the folder `target`, for AWS.

    Raises CalledProcessError when pip cannot install the requirements; pip has said why by then.
    """
    target.mkdir(parents=True, exist_ok=True)
    shutil.copytree(_requirements(project), target, dirs_exist_ok=True)
    for file, name in source_files(project):
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, target / name)


def _requirements(project: Path) -> Path:
    """The folder with the installed requirements; installed once for each version of the lock file.

    `sam build` builds several functions at once: the first one installs, the others wait for it.
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
