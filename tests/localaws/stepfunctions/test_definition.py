"""Checks of definitions. The invalid ones are files in `definitions`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.localaws.stepfunctions.world import ROLE_ARN, World

CASES = sorted((Path(__file__).parent / "definitions").glob("*.json"))


def parameters(case: Path) -> dict[str, Any]:
    content = json.loads(case.read_text())
    definition = content["definition"]
    text = definition if isinstance(definition, str) else json.dumps(definition)
    return {"definition": text, "type": content.get("type", "STANDARD")}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_invalid_definition_is_refused_with_its_diagnostics(world: World, case: Path) -> None:
    response = world.client.validate_state_machine_definition(**parameters(case))
    assert response["result"] == "FAIL"
    assert not response["truncated"]
    found = [[item["code"], item.get("location")] for item in response["diagnostics"]]
    assert found == json.loads(case.read_text())["diagnostics"]
    assert all(item["severity"] == "ERROR" and item["message"] for item in response["diagnostics"])
    with pytest.raises(ClientError) as caught:
        world.client.create_state_machine(name="machine", roleArn=ROLE_ARN, **parameters(case))
    error = caught.value.response["Error"]
    assert error["Code"] == "InvalidDefinition"
    assert error["Message"].startswith(f"Invalid State Machine Definition: '{found[0][0]}: ")
    assert len(error["Message"]) < 500


def test_valid_definition_has_no_diagnostics(world: World) -> None:
    definition = json.dumps({"StartAt": "A", "States": {"A": {"Type": "Succeed"}}})
    response = world.client.validate_state_machine_definition(definition=definition)
    assert (response["result"], response["diagnostics"]) == ("OK", [])


def test_diagnostic_does_not_quote_the_definition(world: World) -> None:
    definition = json.dumps({"Comment": "SECRET", "States": {"A": {"Type": "Succeed"}}})
    (found,) = world.client.validate_state_machine_definition(definition=definition)["diagnostics"]
    assert found["message"] == "These fields are required: [StartAt]"


def test_diagnostics_are_truncated_at_the_limit(world: World) -> None:
    states = {f"S{number}": {"Type": "Succeed"} for number in range(5)}
    definition = json.dumps({"StartAt": "S0", "States": states})
    response = world.client.validate_state_machine_definition(definition=definition, maxResults=2)
    assert (len(response["diagnostics"]), response["truncated"]) == (2, True)


def test_warnings_are_shown_on_request_and_refuse_nothing(world: World) -> None:
    states = {
        "A": {"Type": "Pass", "Parameters": {"a": "$.b"}, "Next": "B"},
        "B": {"Type": "Pass", "Result": {"a.$": "$.b"}, "End": True},
    }
    definition = json.dumps({"StartAt": "A", "States": states})
    validate = world.client.validate_state_machine_definition
    assert validate(definition=definition)["diagnostics"] == []
    response = validate(definition=definition, severity="WARNING")
    assert response["result"] == "OK"
    assert [(item["severity"], item["code"], item["location"]) for item in response["diagnostics"]] == [
        ("WARNING", "NO_DOLLAR", "/States/A/Parameters/a"),
        ("WARNING", "PASS_RESULT_IS_STATIC", "/States/B/Result"),
    ]
    world.client.create_state_machine(name="machine", roleArn=ROLE_ARN, definition=definition)


def test_writer_configuration_that_the_local_aws_lacks_is_not_ignored(world: World) -> None:
    state = {
        "Type": "Map",
        "ItemProcessor": {
            "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
            "StartAt": "P",
            "States": {"P": {"Type": "Pass", "End": True}},
        },
        "ResultWriter": {
            "Resource": "arn:aws:states:::s3:putObject",
            "Parameters": {"Bucket": "b"},
            "WriterConfig": {"OutputType": "JSONL"},
        },
        "End": True,
    }
    definition = json.dumps({"StartAt": "A", "States": {"A": state}})
    (found,) = world.client.validate_state_machine_definition(definition=definition)["diagnostics"]
    assert found["message"] == "The local AWS does not support the WriterConfig of a ResultWriter"
