"""Step Functions of a running server, where state machines are stored by ministack."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from stepline.localaws.stepfunctions import StepFunctions
from tests.localaws.running_server import running_server
from tests.localaws.stepfunctions.world import PASS, ROLE_ARN, WAIT

pytestmark = pytest.mark.xdist_group("running_step_functions")

MODEL: Any = boto3.Session(region_name="us-east-1").client("stepfunctions").meta.service_model
NOT_SERVED = sorted(set(MODEL.operation_names) - StepFunctions.operations().keys())


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with running_server(Path(tmp_path_factory.mktemp("server"))) as server:
        yield server.client("stepfunctions")


def create(client: Any, name: str) -> str:
    definition = json.dumps({"StartAt": "Pass", "States": PASS})
    arn: str = client.create_state_machine(name=name, definition=definition, roleArn=ROLE_ARN)[
        "stateMachineArn"
    ]
    return arn


def test_update_is_kept(client: Any) -> None:
    arn = create(client, "updated")
    definition = json.dumps({"StartAt": "Wait", "States": WAIT})
    revision = client.update_state_machine(stateMachineArn=arn, definition=definition)["revisionId"]
    described = client.describe_state_machine(stateMachineArn=arn)
    assert (described["definition"], described["revisionId"]) == (definition, revision)


def test_tags_are_kept(client: Any) -> None:
    arn = create(client, "tagged")
    client.tag_resource(resourceArn=arn, tags=[{"key": "a", "value": "1"}, {"key": "b", "value": "2"}])
    client.untag_resource(resourceArn=arn, tagKeys=["a"])
    assert client.list_tags_for_resource(resourceArn=arn)["tags"] == [{"key": "b", "value": "2"}]


@pytest.mark.parametrize("operation", NOT_SERVED)
def test_operation_that_is_not_served_says_so(client: Any, operation: str) -> None:
    """An earlier bug: ministack's own Step Functions answered, which has none of the state machines."""
    shape = MODEL.operation_model(operation).input_shape
    parameters = {name: _example(shape.members[name]) for name in (shape.required_members if shape else ())}
    client.meta.config.inject_host_prefix = False
    with pytest.raises(ClientError) as caught:
        client._make_api_call(operation, parameters)
    error = caught.value.response["Error"]
    assert error["Code"] == "UnknownOperationException"
    assert error["Message"] == f"The local AWS does not implement stepfunctions:{operation}"


def _example(shape: Any) -> Any:
    if shape.type_name == "list":
        return [_example(shape.member)]
    if shape.type_name == "structure":
        return {name: _example(shape.members[name]) for name in shape.required_members}
    return {"integer": 1, "long": 1, "boolean": True}.get(shape.type_name, "arn:aws:states:::x")
