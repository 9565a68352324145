"""The content of the functions' package."""

from __future__ import annotations

import shutil
import subprocess
import sysconfig
from pathlib import Path
from typing import Any

import pytest

from stepline.deployment import function_package

PROJECT = Path(__file__).parents[2]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the Lambda code."""
    for name in ("pipeline", "statemachines", "stepline/core"):
        shutil.copytree(PROJECT / name, tmp_path / name, ignore=shutil.ignore_patterns(".*", "__pycache__"))
    shutil.copyfile(PROJECT / "stepline/__init__.py", tmp_path / "stepline/__init__.py")
    return tmp_path


def test_what_sam_build_leaves_in_the_folder_of_a_system_is_not_packaged(project: Path) -> None:
    before = [name for _, name in function_package.source_files(project)]
    built = project / "statemachines/batch/.aws-sam/build/ValidateInputFunction/pipeline"
    shutil.copytree(project / "pipeline", built)
    assert [name for _, name in function_package.source_files(project)] == before


@pytest.fixture
def pip(monkeypatch: pytest.MonkeyPatch) -> None:
    """Copies what is installed here, instead of downloading it for the functions' runtime."""
    installed = Path(sysconfig.get_paths()["purelib"])

    def install(command: list[str], **_options: Any) -> None:
        target = Path(command[command.index("--target") + 1])
        shutil.copytree(installed / "aws_lambda_powertools", target / "aws_lambda_powertools")

    monkeypatch.setattr(subprocess, "run", install)


@pytest.mark.usefixtures("pip")
def test_package_for_aws_has_the_code_and_no_large_files_that_no_function_uses(
    project: Path, tmp_path: Path
) -> None:
    target = tmp_path / "built"
    function_package.build(project, target)
    sizes = {file.relative_to(target).as_posix(): file.stat().st_size for file in target.rglob("*.*")}
    assert "pipeline/trigger.py" in sizes
    assert "aws_lambda_powertools/logging/logger.py" in sizes
    assert {name: size for name, size in sizes.items() if size > 150_000} == {}
