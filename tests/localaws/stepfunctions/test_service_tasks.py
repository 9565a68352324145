"""What tasks send to services and return, and `.sync` tasks that wait for jobs."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import pytest

from tests.localaws.stepfunctions.world import Outcome, World


class Service:
    """A service whose operations have responses; the last one of a list is repeated."""

    def __init__(self, **responses: Any) -> None:
        self.responses = responses
        self.calls: list[tuple[str, Mapping[str, Any]]] = []

    def __getattr__(self, operation: str) -> Any:
        if operation not in self.responses:
            raise AttributeError(operation)

        def call(**parameters: Any) -> Any:
            self.calls.append((operation, parameters))
            found = self.responses[operation]
            if isinstance(found, list):
                found = found.pop(0) if len(found) > 1 else found[0]
            return {**found, "ResponseMetadata": {"HTTPStatusCode": 200, "HTTPHeaders": {}}}

        return call


def run(world: World, service: Service, name: str, resource: str, parameters: Any) -> Outcome:
    world.clients[name] = service
    state = {
        "Type": "Task",
        "Resource": f"arn:aws:states:::{resource}",
        "Parameters": parameters,
        "End": True,
    }
    return world.run({"Task": state})


@pytest.mark.parametrize(
    ("name", "resource", "given", "sent"),
    [
        (
            "ec2",
            "aws-sdk:ec2:modifyInstanceAttribute",
            {"InstanceId": "i", "DisableApiTermination": {"Value": "true"}},
            {"InstanceId": "i", "DisableApiTermination": {"Value": True}},
        ),
        (
            "ec2",
            "aws-sdk:ec2:describeInstances",
            {"MaxResults": "5"},
            {"MaxResults": 5},
        ),
        (
            "dynamodb",
            "dynamodb:putItem",
            {"TableName": "t", "Item": {"id": "text", "n": {"N": 5}, "b": {"BOOL": "false"}, "l": {"L": []}}},
            {
                "TableName": "t",
                "Item": {"id": {"S": "text"}, "n": {"N": "5"}, "b": {"BOOL": False}, "l": {"L": []}},
            },
        ),
        (
            "sqs",
            "aws-sdk:sqs:sendMessage",
            {"QueueUrl": "q", "MessageBody": {"a": 1}},
            {"QueueUrl": "q", "MessageBody": '{"a":1}'},
        ),
    ],
)
def test_values_have_the_types_of_the_service(
    world: World, name: str, resource: str, given: Any, sent: Any
) -> None:
    service = Service(modify_instance_attribute={}, describe_instances={}, put_item={}, send_message={})
    assert run(world, service, name, resource, given).status == "SUCCEEDED"
    assert service.calls[0][1] == sent


def test_body_of_a_model_is_parsed(world: World) -> None:
    service = Service(invoke_model={"body": io.BytesIO(b'{"text": "x"}'), "contentType": "application/json"})
    outcome = run(
        world, service, "bedrock-runtime", "bedrock:invokeModel", {"ModelId": "m", "Body": {"prompt": "p"}}
    )
    assert outcome.output == {"Body": {"text": "x"}, "ContentType": "application/json"}
    assert service.calls == [("invoke_model", {"modelId": "m", "body": b'{"prompt":"p"}'})]


def test_query_of_athena_is_awaited(world: World) -> None:
    states = [
        {"QueryExecution": {"Status": {"State": state}}} for state in ("QUEUED", "RUNNING", "SUCCEEDED")
    ]
    service = Service(start_query_execution={"QueryExecutionId": "q"}, get_query_execution=states)
    outcome = run(
        world, service, "athena", "athena:startQueryExecution.sync", {"QueryString": "s", "WorkGroup": "w"}
    )
    assert outcome.output == {"QueryExecution": {"Status": {"State": "SUCCEEDED"}}}
    assert service.calls[-1] == ("get_query_execution", {"QueryExecutionId": "q"})
    assert [event["type"] for event in outcome.history][2:6] == [
        "TaskScheduled",
        "TaskStarted",
        "TaskSubmitted",
        "TaskSucceeded",
    ]


def build(status: str) -> dict[str, Any]:
    return {"builds": [{"id": "b", "buildStatus": status, "projectName": "p"}]}


def test_build_is_awaited(world: World) -> None:
    service = Service(
        start_build={"build": {"id": "b"}}, batch_get_builds=[build("IN_PROGRESS"), build("SUCCEEDED")]
    )
    outcome = run(world, service, "codebuild", "codebuild:startBuild.sync", {"ProjectName": "p"})
    assert outcome.output["Build"] == {"Id": "b", "BuildStatus": "SUCCEEDED", "ProjectName": "p"}
    assert service.calls[-1] == ("batch_get_builds", {"ids": ["b"]})


def test_build_that_failed_fails_the_task(world: World) -> None:
    service = Service(start_build={"build": {"id": "b"}}, batch_get_builds=build("FAILED"))
    outcome = run(world, service, "codebuild", "codebuild:startBuild.sync", {"ProjectName": "p"})
    assert outcome.description["error"] == "States.TaskFailed"
    assert '"BuildStatus":"FAILED"' in outcome.description["cause"]


def test_step_of_emr_is_awaited(world: World) -> None:
    service = Service(
        add_job_flow_steps={"StepIds": ["s"]}, describe_step={"Step": {"Status": {"State": "COMPLETED"}}}
    )
    parameters = {"ClusterId": "j", "Step": {"Name": "n", "HadoopJarStep": {"Jar": "x"}}}
    outcome = run(world, service, "emr", "elasticmapreduce:addStep.sync", parameters)
    assert outcome.output == {"StepId": "s", "Step": {"Status": {"State": "COMPLETED"}}}
    assert service.calls[0][1]["Steps"][0]["Name"] == "n"
    assert service.calls[1] == ("describe_step", {"ClusterId": "j", "StepId": "s"})


def test_cause_names_the_state_of_the_iteration_once(world: World) -> None:
    processor = {
        "StartAt": "Inner",
        "States": {"Inner": {"Type": "Pass", "Parameters": {"a.$": "$.missing"}, "End": True}},
    }
    outcome = world.run({"Each": {"Type": "Map", "ItemProcessor": processor, "End": True}}, [{}])
    cause = outcome.description["cause"]
    assert cause.startswith("An error occurred while executing the state 'Inner' (entered at the event id #")
    assert cause.count("An error occurred") == 1


def test_missing_path_in_a_task_is_not_an_error_of_the_service(world: World) -> None:
    outcome = run(
        world, Service(put_item={}), "dynamodb", "dynamodb:putItem", {"TableName.$": "$.x", "Item": {}}
    )
    assert outcome.description["error"] == "States.Runtime"
    assert "The JSONPath '$.x' specified for the field 'TableName.$'" in outcome.description["cause"]
