"""Every file of the corpus: what is given, and what its giver is told. `corpus/README.md` explains them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from tests.bad_input import deploy_runs, trigger_runs
from tests.bad_input.contents import CORPUS
from tests.bad_input.systems import groups

PROJECT = Path(__file__).parents[2]
TRIGGER_GROUPS = ("job_events", "user_parameters", "state_machines", "tokens", "archives", "inputs")
DEPLOY_GROUPS = ("templates", "template_configurations", "deploy_inputs")
MAX_REQUESTS, MAX_READ_BYTES = 4, 2_400_000
"""Of S3, for any one job, unless a case says otherwise."""


def cases(groups: Iterable[str]) -> list[Any]:
    paths = sorted(path for group in groups for path in (CORPUS / group).glob("*.json"))
    return [pytest.param(path, id=f"{path.parent.name}/{path.stem}") for path in paths]


def load(path: Path) -> dict[str, Any]:
    case: dict[str, Any] = json.loads(path.read_text())
    assert case.keys() <= {"why", "give", "told", "starts", "answers", "continues", "deploys", "bounds"}
    assert case["why"]
    return case


@pytest.mark.parametrize("path", cases(TRIGGER_GROUPS))
def test_trigger(path: Path) -> None:
    case = load(path)
    world, event = trigger_runs.arrange(case["give"])
    told = trigger_runs.tell(world, event)
    bounds = case.get("bounds", {})
    assert told.requests <= bounds.get("requests", MAX_REQUESTS)
    assert told.read_bytes <= bounds.get("bytes", MAX_READ_BYTES)
    if "told" in case:
        assert (told.raised or told.type) == case["told"]["type"], told.message
        assert_says(told.message, case["told"]["message"])
    elif "starts" in case:
        assert told.type == "", told.message
        (text,) = told.inputs
        assert case["starts"].items() <= json.loads(text).items()
    else:
        assert case["continues"] is True
        assert (told.type, told.inputs) == ("", ()), told.message


@pytest.mark.parametrize("path", cases(DEPLOY_GROUPS))
def test_deploy(path: Path) -> None:
    case = load(path)
    with deploy_runs.deployment() as machine:
        told = deploy_runs.run_machine(machine, deploy_runs.arrange(machine, case["give"]))
        if "told" not in case:
            assert case["deploys"] is True
            assert (told.error, told.message) == ("", "")
            assert machine.cloudformation.stacks
            return
    assert (told.error, told.end) == (case["told"]["type"], "Failure Clean"), told.message
    assert_says(told.message, case["told"]["message"])


@pytest.mark.parametrize("path", cases(groups()))
def test_system(path: Path) -> None:
    case = load(path)
    told = groups()[path.parent.name](case["give"])
    if "told" in case:
        assert told.error == case["told"]["type"], told.message
        assert_says(told.message, case["told"]["message"])
        return
    assert told.error == "", told.message
    assert case.get("answers", {}).items() <= told.answer.items()
    if "starts" in case:
        (text,) = told.started
        assert case["starts"].items() <= json.loads(text).items()
    else:
        assert case["answers"]
        assert told.started == ()


def assert_says(message: str, parts: list[str]) -> None:
    assert parts
    for part in parts:
        assert part in message


def test_every_system_has_a_group() -> None:
    systems = {path.parent.name for path in (PROJECT / "statemachines").glob("*/template.yaml")}
    assert [name for name in systems if not any(group.startswith(f"{name}_") for group in groups())] == []


def test_every_group_has_cases_and_every_folder_is_a_group() -> None:
    folders = {path.parent.name for path in CORPUS.glob("*/*.json")}
    assert folders == {*TRIGGER_GROUPS, *DEPLOY_GROUPS, *groups()}
