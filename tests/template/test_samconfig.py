"""`sam build`, `sam deploy` and `sam delete` in the folder of a template use its own stack, and no other."""

from __future__ import annotations

import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest

from stepline.deployment.template import read_template

PROJECT = Path(__file__).parents[2]
FOLDERS = [
    PROJECT,
    PROJECT / "pipeline",
    *sorted(path.parent for path in PROJECT.glob("statemachines/*/template.yaml")),
]


def configuration(folder: Path) -> dict[str, dict[str, Any]]:
    """Return the parameters of each command, as SAM reads them from the folder of the template.

    A command uses its own parameters, and those of `global` that it does not have itself. [SAM CLI guide,
    "SAM CLI configuration file"]
    """
    environment = tomllib.loads((folder / "samconfig.toml").read_text())["default"]
    shared = environment.pop("global")["parameters"]
    return {
        command: shared | environment.get(command, {}).get("parameters", {})
        for command in ("validate", "build", "deploy", "delete", "logs", "sync")
    }


def test_each_template_has_a_stack_of_its_own() -> None:
    names = {folder: {c["stack_name"] for c in configuration(folder).values()} for folder in FOLDERS}
    assert [folder.name for folder, of_folder in names.items() if len(of_folder) != 1] == []
    assert len(set.union(*names.values())) == len(FOLDERS)


def test_every_samconfig_belongs_to_a_template() -> None:
    files = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*samconfig.toml"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert sorted(PROJECT / file for file in files.split()) == sorted(
        folder / "samconfig.toml" for folder in FOLDERS
    )


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_stack_of_a_system_has_the_name_that_stepline_up_gives_it(folder: Path) -> None:
    others = {"template": "stepline", "pipeline": "stepline-action"}
    name = "template" if folder == PROJECT else folder.name
    expected = others.get(name, f"stepline-{name.replace('_', '-')}")
    assert configuration(folder)["deploy"]["stack_name"] == expected


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_packages_of_a_stack_are_stored_apart_from_those_of_others(folder: Path) -> None:
    """`sam delete` deletes the packages that the template names; other stacks need theirs for a rollback."""
    deploy = configuration(folder)["deploy"]
    assert deploy["s3_prefix"] == deploy["stack_name"]
    assert deploy["resolve_s3"] is True


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_functions_are_built_in_the_folder_with_the_makefile(folder: Path) -> None:
    """Without build_in_source SAM copies the whole checkout for each function."""
    assert configuration(folder)["build"]["build_in_source"] is True
    template = read_template(folder / "template.yaml")
    if folder != PROJECT:  # the main template has no functions of its own
        assert (folder / template["Globals"]["Function"]["CodeUri"]).resolve() == PROJECT


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_deployment_asks_before_it_changes_the_stack(folder: Path) -> None:
    assert configuration(folder)["deploy"]["confirm_changeset"] is True
