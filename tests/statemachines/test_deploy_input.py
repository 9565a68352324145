"""The execution's input, the template configuration, names and settings."""

from __future__ import annotations

import json
import random
import re
from pathlib import Path
from typing import Any

import pytest

from statemachines.deploy.attempt import DeploymentAttempt
from statemachines.deploy.errors import WaitTimedOutError
from statemachines.deploy.request import DeployRequest
from statemachines.deploy.settings import TemplateSettings, WaitSettings
from statemachines.deploy.template_configuration import TemplateConfiguration
from statemachines.deploy.waiting import WaitProgress
from stepline.core.errors import InvalidInputError, SettingsError, SteplineError
from stepline.core.fields import Fields
from stepline.core.limits import MAX_MESSAGE_CHARACTERS
from tests.statemachines import cases
from tests.statemachines.machine import ENVIRONMENT, INPUT, PROJECT, TASKS, Machine, load_handler

UNIT_CASES = Path(__file__).parent / "unit_cases"


def _rows(name: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads((UNIT_CASES / f"{name}.json").read_text())
    return rows


@pytest.mark.parametrize("row", _rows("right_inputs"), ids=lambda row: row["why"])
def test_right_input(row: dict[str, Any]) -> None:
    request = DeployRequest.parse(cases.merged(INPUT, row["input"]))
    for name, value in row["expect"].items():
        found = getattr(request, name)
        assert (list(found) if isinstance(found, tuple) else found) == value


@pytest.mark.parametrize("row", _rows("wrong_inputs"), ids=lambda row: row["why"])
def test_wrong_input_is_one_clear_error(row: dict[str, Any]) -> None:
    with pytest.raises(InvalidInputError) as caught:
        DeployRequest.parse(cases.merged(INPUT, row["input"]))
    assert row["message"] in caught.value.message


@pytest.mark.parametrize("value", [None, [], "text", 7, True])
def test_input_that_is_no_object(value: object) -> None:
    with pytest.raises(InvalidInputError, match="The input must be a JSON object"):
        DeployRequest.parse(value)


def test_the_sample_applications_input_is_right() -> None:
    sample = json.loads((PROJECT / "app/state_machine_input.json").read_text())
    trigger = {key: INPUT[key] for key in ("revisionS3Bucket", "revisionS3Key", "codepipeline")}
    request = DeployRequest.parse({**sample, **trigger})
    assert (PROJECT / "app" / request.template_path).exists()
    configuration = (PROJECT / "app" / request.template_configuration_path).read_text()
    assert TemplateConfiguration.parse(configuration, "x").parameters


@pytest.mark.parametrize("document", [None, [], "text", 7, {}, {"request": {}}])
def test_whole_machine_fails_cleanly_for_such_an_input(machine: Machine, document: object) -> None:
    run = machine.run(document)
    assert (run.error, run.path[-1]) == ("InvalidInputError", "Failure Clean")
    assert machine.cloudformation.calls == []


@pytest.mark.parametrize("seed", range(200))
def test_fuzzed_input_ends_in_a_clean_error(seed: int) -> None:
    """Whatever is in the input: it is right, or an InvalidInputError of bounded length."""
    dice = random.Random(seed)
    document = _fuzzed(dice, INPUT)
    message = _refusal(document)
    assert len(message) <= MAX_MESSAGE_CHARACTERS
    assert message.isprintable()


def _refusal(document: object) -> str:
    try:
        DeployRequest.parse(document)
    except InvalidInputError as error:
        return error.message
    return ""


def _fuzzed(dice: random.Random, value: Any) -> Any:
    junk: list[Any] = [
        None,
        True,
        0,
        -1,
        1e300,
        "",
        " ",
        "x" * 5000,
        "\x00\ud800",
        [],
        {},
        [None],
        {"": None},
    ]
    if dice.random() < 0.15:
        return dice.choice(junk)
    if isinstance(value, dict):
        extra = {
            dice.choice(["capabilities", "parameters", "roleArn", "allowReplacement"]): dice.choice(junk)
        }
        return {key: _fuzzed(dice, member) for key, member in {**value, **extra}.items()}
    return value


@pytest.mark.parametrize("row", _rows("template_configurations"), ids=lambda row: row["why"])
def test_template_configuration(row: dict[str, Any]) -> None:
    if "message" in row:
        with pytest.raises(InvalidInputError) as caught:
            TemplateConfiguration.parse(row["text"], "conf.json")
        assert row["message"] in caught.value.message
        return
    parsed = TemplateConfiguration.parse(row["text"], "conf.json")
    assert vars(parsed) == row["expect"]


@pytest.mark.parametrize(
    "name", ["11111111-2222-3333-4444-555555555555", "x" * 80, "-_-", "a_b", "naïve name", "0"]
)
def test_names_fit_cloudformations_patterns(name: str) -> None:
    execution = DeploymentAttempt(f"arn:aws:states:::execution:m:{name}", name, "2026-01-01T00:00:00Z", 1)
    assert re.fullmatch(r"[a-zA-Z][-a-zA-Z0-9]{0,127}", execution.change_set_name)
    for token in (execution.creation_token, execution.update_token, execution.deletion_token):
        assert re.fullmatch(r"[a-zA-Z0-9][-a-zA-Z0-9]{0,127}", token)


def test_names_differ_between_executions_attempts_and_operations() -> None:
    executions = [
        DeploymentAttempt(f"arn:{name}", name, start, attempt)
        for name in ("a_b", "a-b", "x" * 80, "x" * 79 + "y")
        for start in ("2026-01-01", "2026-06-01")
        for attempt in (1, 2)
    ]
    names = [
        name
        for e in executions
        for name in (e.change_set_name, e.creation_token, e.update_token, e.deletion_token)
    ]
    assert len(set(names)) == len(names)


def test_names_are_the_same_when_a_task_is_run_again() -> None:
    document = {"id": "arn", "name": "job", "startTime": "2026-01-01", "attempt": 1}
    first, second = (DeploymentAttempt.parse(Fields({"execution": document}, "the event")) for _ in range(2))
    assert first.change_set_name == second.change_set_name


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("POLL_SECONDS", None, "The function's environment variable POLL_SECONDS is not set."),
        ("POLL_SECONDS", "0", "POLL_SECONDS must be a whole number from 1 to 300"),
        ("POLL_SECONDS", "ten", 'but it is "ten"'),
        ("POLL_SECONDS", "1.5", "whole number"),
        ("MAX_WAIT_MINUTES", "481", "MAX_WAIT_MINUTES must be a whole number from 1 to 480"),
        ("TEMPLATE_BUCKET", None, "The function's environment variable TEMPLATE_BUCKET is not set."),
        ("TEMPLATE_BUCKET", " ", "TEMPLATE_BUCKET is not set"),
    ],
)
def test_wrong_setting_is_named(variable: str, value: str | None, message: str) -> None:
    environment = cases.merged(ENVIRONMENT, {variable: value})
    read = TemplateSettings.read if variable == "TEMPLATE_BUCKET" else WaitSettings.read
    with pytest.raises(SettingsError) as caught:
        read(environment)
    assert message in caught.value.message


def test_settings_that_may_be_left_out() -> None:
    assert WaitSettings.read({"POLL_SECONDS": "5"}) == WaitSettings(poll_seconds=5, max_wait_minutes=120)
    assert TemplateSettings.read({"TEMPLATE_BUCKET": "b"}).role_arn == ""


@pytest.mark.parametrize(
    ("poll_seconds", "max_wait_minutes"), [(1, 1), (1, 480), (10, 120), (300, 480), (300, 1)]
)
def test_wait_loop_ends_in_time_and_in_few_rounds(poll_seconds: int, max_wait_minutes: int) -> None:
    settings = WaitSettings(poll_seconds=poll_seconds, max_wait_minutes=max_wait_minutes)
    progress = WaitProgress.start(settings)
    rounds = 1
    while progress.waited_seconds + progress.wait_seconds < max_wait_minutes * 60:
        progress = progress.next(settings, waiting_for="a test")
        rounds += 1
        assert poll_seconds <= progress.wait_seconds <= max(poll_seconds, 60)
    assert rounds < 700  # 9 events each; a history holds 25,000
    with pytest.raises(WaitTimedOutError, match=f"Waited {max_wait_minutes} minutes for a test"):
        progress.next(settings, waiting_for="a test")


EVENTS = sorted(
    path
    for path in (PROJECT / "local_events").glob("*/*.json")
    if path.parent.name != "trigger" and (PROJECT / f"statemachines/deploy/{path.parent.name}.py").exists()
)


@pytest.mark.parametrize("path", EVENTS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_local_event_is_input_of_its_handler(path: Path, machine: Machine) -> None:
    """It gets past the taking apart: what fails then is that there is no such stack or artifact."""
    assert machine.cloudformation.calls == []
    try:
        load_handler(path.parent.name)(json.loads(path.read_text()), None)
    except InvalidInputError as error:
        pytest.fail(error.message)
    except SteplineError:
        pass
    assert machine.cloudformation.calls or machine.s3.calls


def test_every_task_has_a_local_event() -> None:
    assert {path.parent.name for path in EVENTS} == set(TASKS)


@pytest.mark.parametrize("path", EVENTS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_event_without_a_section_is_a_clear_error(path: Path, machine: Machine) -> None:
    event = json.loads(path.read_text())
    for name in event:
        with pytest.raises(InvalidInputError):
            load_handler(path.parent.name)({**event, name: None}, None)
    assert not [call for call, _ in machine.cloudformation.calls if not call.startswith("Describe")]
