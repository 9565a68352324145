"""The content of the functions' package."""

from __future__ import annotations

import shutil
from pathlib import Path

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
