"""What the Deploy tasks read: the execution's input, the template configuration, settings and local events.

Input that is refused is in `tests/bad_input/corpus`: `deploy_inputs` and `template_configurations`.
"""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from statemachines.deploy.allowance import Allowance
from statemachines.deploy.request import DeployRequest
from statemachines.deploy.settings import TemplateSettings, WaitSettings
from statemachines.deploy.template_configuration import TemplateConfiguration
from stepline.core.errors import InvalidInputError, SettingsError, SteplineError
from stepline.core.limits import MAX_MESSAGE_CHARACTERS
from tests.cases import merged
from tests.statemachines.deploy.machine import ENVIRONMENT, FUNCTIONS, INPUT, PROJECT, Machine, load_handler

GOV_ROLE = "arn:aws-us-gov:iam::000000000000:role/team/deployer"
DEFAULTS = {
    "stack_name": "dev-app",
    "parameters": {},
    "capabilities": (),
    "role_arn": "",
    "allow_replacement": Allowance(),
    "template_configuration_path": "",
}


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        pytest.param({}, DEFAULTS, id="only what is required"),
        pytest.param(dict.fromkeys(["parameters", "roleArn", "allowReplacement"]), DEFAULTS, id="null"),
        pytest.param({"templateConfigurationPath": "", "roleArn": ""}, DEFAULTS, id="empty text"),
        pytest.param(
            {"parameters": {"A": 1, "B": True, "C": 1.5, "D": "x", "E": ["a", 2], "F": ""}},
            {"parameters": {"A": "1", "B": "true", "C": "1.5", "D": "x", "E": "a,2", "F": ""}},
            id="scalars become JSON text",
        ),
        pytest.param(
            {"capabilities": ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND", "CAPABILITY_IAM"]},
            {"capabilities": ("CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND")},
            id="repeated capability",
        ),
        pytest.param(
            {"allowReplacement": True},
            {"allow_replacement": Allowance(everything=True)},
            id="allow everything",
        ),
        pytest.param(
            {
                "allowReplacement": [
                    "Queue",
                    "Nested/Deeper/Table",
                    "AWS::SNS::Topic",
                    "Custom::My_Thing",
                    "Queue",
                ]
            },
            {
                "allow_replacement": Allowance(
                    names=("Queue", "Nested/Deeper/Table", "AWS::SNS::Topic", "Custom::My_Thing")
                )
            },
            id="allow names and types",
        ),
        pytest.param({"allowReplacement": []}, DEFAULTS, id="allow nothing"),
        pytest.param({"roleArn": GOV_ROLE}, {"role_arn": GOV_ROLE}, id="role of another partition"),
        pytest.param({"stackName": "a" * 124}, {"stack_name": f"dev-{'a' * 124}"}, id="longest stack name"),
        pytest.param({"codepipeline": {"jobId": "x", "artifacts": []}}, DEFAULTS, id="keys of the trigger"),
    ],
)
def test_input_is_parsed(document: dict[str, Any], expected: dict[str, Any]) -> None:
    request = DeployRequest.parse(merged(INPUT, document))
    assert {name: getattr(request, name) for name in expected} == expected


@pytest.mark.parametrize("value", [None, [], "text", 7, True])
def test_input_that_is_not_an_object_is_refused(value: object) -> None:
    with pytest.raises(InvalidInputError, match="The input must be a JSON object"):
        DeployRequest.parse(value)


def test_input_of_the_sample_application_is_valid() -> None:
    sample = json.loads((PROJECT / "app/state_machine_input.json").read_text())
    added_by_trigger = {key: INPUT[key] for key in ("revisionS3Bucket", "revisionS3Key", "codepipeline")}
    request = DeployRequest.parse({**sample, **added_by_trigger})
    assert (PROJECT / "app" / request.template_path).exists()
    configuration = (PROJECT / "app" / request.template_configuration_path).read_text()
    assert TemplateConfiguration.parse(configuration, "x").parameters


@pytest.mark.parametrize("document", [None, [], "text", 7, {}, {"request": {}}])
def test_execution_with_such_an_input_fails_cleanly(machine: Machine, document: object) -> None:
    execution = machine.run(document)
    assert (execution.error, execution.path[-1]) == ("InvalidInputError", "Failure Clean")
    assert machine.cloudformation.calls == []


@pytest.mark.parametrize("seed", range(200))
def test_random_input_is_valid_or_refused_with_a_short_message(seed: int) -> None:
    document = _with_random_values(random.Random(seed), INPUT)
    message = ""
    try:
        DeployRequest.parse(document)
    except InvalidInputError as error:
        message = error.message
    assert len(message) <= MAX_MESSAGE_CHARACTERS
    assert message.isprintable()


_RANDOM_VALUES: list[Any] = [
    *(None, True, 0, -1, 1e300, "", " ", "x" * 5000, "\x00\ud800"),
    *([], {}, [None], {"": None}),
]
_OPTIONAL_KEYS = ["capabilities", "parameters", "roleArn", "allowReplacement"]


def _with_random_values(dice: random.Random, value: Any) -> Any:
    if dice.random() < 0.15:
        return dice.choice(_RANDOM_VALUES)
    if isinstance(value, dict):
        extra = {dice.choice(_OPTIONAL_KEYS): dice.choice(_RANDOM_VALUES)}
        return {key: _with_random_values(dice, member) for key, member in {**value, **extra}.items()}
    return value


@pytest.mark.parametrize(
    ("text", "parameters", "tags", "stack_policy"),
    [
        pytest.param("{}", {}, None, "", id="empty"),
        pytest.param(
            '{"Parameters":{"A":"1"},"Tags":{"t":"v"},"StackPolicy":{"Statement":[]}}',
            {"A": "1"},
            {"t": "v"},
            '{"Statement":[]}',
            id="all members",
        ),
        pytest.param('{"Tags":{}}', {}, {}, "", id="empty tags remove the tags"),
    ],
)
def test_template_configuration_is_parsed(
    text: str, parameters: dict[str, str], tags: dict[str, str] | None, stack_policy: str
) -> None:
    parsed = TemplateConfiguration.parse(text, "conf.json")
    assert (parsed.parameters, parsed.tags, parsed.stack_policy) == (parameters, tags, stack_policy)


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
def test_invalid_setting_is_named(variable: str, value: str | None, message: str) -> None:
    environment = merged(ENVIRONMENT, {variable: value})
    read = TemplateSettings.read if variable == "TEMPLATE_BUCKET" else WaitSettings.read
    with pytest.raises(SettingsError) as caught:
        read(environment)
    assert message in caught.value.message


def test_optional_settings_have_defaults() -> None:
    assert WaitSettings.read({"POLL_SECONDS": "5"}) == WaitSettings(poll_seconds=5, max_wait_minutes=120)
    assert TemplateSettings.read({"TEMPLATE_BUCKET": "b", "PIPELINE_STACK_NAME": "p"}).role_arn == ""


EVENTS = sorted(path for path in (PROJECT / "local_events").glob("*/*.json") if path.parent.name in FUNCTIONS)


@pytest.mark.parametrize("path", EVENTS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_local_event_is_valid_input_of_its_handler(path: Path, machine: Machine) -> None:
    """It is parsed and AWS is called; then the handler fails, because stack or artifact does not exist."""
    assert machine.cloudformation.calls == []
    try:
        load_handler(path.parent.name)(json.loads(path.read_text()), None)
    except InvalidInputError as error:
        pytest.fail(error.message)
    except SteplineError:
        pass
    assert machine.cloudformation.calls or machine.s3.calls or machine.dynamodb.calls


def test_every_task_has_a_local_event() -> None:
    assert {path.parent.name for path in EVENTS} == set(FUNCTIONS)
    assert list((PROJECT / "local_events/clean_up").glob("*.json"))


@pytest.mark.parametrize("path", EVENTS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_event_without_a_section_is_refused(path: Path, machine: Machine) -> None:
    event = json.loads(path.read_text())
    for name in event:
        with pytest.raises(InvalidInputError):
            load_handler(path.parent.name)({**event, name: None}, None)
    assert not [call for call, _ in machine.cloudformation.calls if not call.startswith("Describe")]
