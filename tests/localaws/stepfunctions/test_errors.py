"""Errors of tasks: their names, which Retry and Catch match."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from stepline.localaws.stepfunctions.sdk_services import boto_service_name, error_prefix
from tests.localaws.stepfunctions.world import World


class Failing:
    """A client whose operations fail."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def __getattr__(self, _name: str) -> Any:
        def fail(**_parameters: Any) -> Any:
            raise self._error

        return fail


def response(code: str) -> Any:
    return {
        "Error": {"Code": code, "Message": "because"},
        "ResponseMetadata": {"HTTPStatusCode": 400, "RequestId": "1"},
    }


def run(world: World, resource: str, parameters: Any) -> tuple[str, str]:
    task = {"Type": "Task", "Resource": f"arn:aws:states:::{resource}", "Parameters": parameters, "End": True}
    description = world.run({"T": task}).description
    return description["error"], description["cause"]


@pytest.mark.parametrize(
    ("api_name", "boto_name", "prefix"),
    [
        ("s3", "s3", "S3"),
        ("ssm", "ssm", "Ssm"),
        ("dynamodb", "dynamodb", "DynamoDb"),
        ("sfn", "stepfunctions", "Sfn"),
        ("cloudwatchlogs", "logs", "CloudWatchLogs"),
        ("eventbridge", "events", "EventBridge"),
        ("cognitoidentityprovider", "cognito-idp", "CognitoIdentityProvider"),
        ("secretsmanager", "secretsmanager", "SecretsManager"),
        ("apigatewayv2", "apigatewayv2", "ApiGatewayV2"),
        ("ec2", "ec2", "Ec2"),
    ],
)
def test_names_of_services_are_those_of_the_sdk_for_java(api_name: str, boto_name: str, prefix: str) -> None:
    """The names of public examples of aws-sdk tasks and of their errors."""
    assert boto_service_name(api_name) == boto_name
    assert error_prefix(boto_name) == prefix


@pytest.mark.parametrize("api_name", ["nothing", "logs", "cognito-idp"])
def test_service_that_the_sdk_names_otherwise_is_unknown(api_name: str) -> None:
    assert boto_service_name(api_name) is None


def test_error_of_an_sdk_task_has_the_name_of_the_model(world: World) -> None:
    error = boto3.client("s3", region_name="us-east-1").exceptions.NoSuchKey(
        response("NoSuchKey"), "GetObject"
    )
    world.clients["s3"] = Failing(error)
    found = run(world, "aws-sdk:s3:getObject", {"Bucket": "b", "Key": "k"})
    assert found == (
        "S3.NoSuchKeyException",
        "because (Service: S3, Status Code: 400, Request ID: 1)",
    )


def test_error_without_a_model_is_that_of_the_service(world: World) -> None:
    world.clients["logs"] = Failing(ClientError(response("AccessDenied"), "CreateLogGroup"))
    found = run(world, "aws-sdk:cloudwatchlogs:createLogGroup", {"LogGroupName": "g"})
    assert found[0] == "CloudWatchLogs.CloudWatchLogsException"


def test_service_that_does_not_answer_is_an_error_of_the_client(world: World) -> None:
    world.clients["s3"] = Failing(EndpointConnectionError(endpoint_url="http://s3"))
    assert run(world, "aws-sdk:s3:listBuckets", {})[0] == "S3.SdkClientException"


@pytest.mark.parametrize(
    ("resource", "client", "name"),
    [
        ("ecs:runTask", "ecs", "ECS"),
        ("codebuild:startBuild", "codebuild", "CodeBuild"),
        ("athena:startQueryExecution", "athena", "Athena"),
    ],
)
def test_error_of_an_optimized_integration_has_its_name(
    world: World, resource: str, client: str, name: str
) -> None:
    world.clients[client] = Failing(ClientError(response("InvalidParameterException"), "Run"))
    error, cause = run(world, resource, {})
    assert error == f"{name}.InvalidParameterException"
    assert cause.startswith(
        f"because (Service: {name}; Status Code: 400; Error Code: InvalidParameterException;"
    )


@pytest.mark.parametrize("detail", ["nonsense", "[]", "1"])
def test_event_with_a_malformed_detail_fails_the_task(world: World, detail: str) -> None:
    """[recorded history of PutEvents]"""
    world.clients["events"] = Failing(AssertionError("no event may be sent"))
    entries = [{"Detail": detail, "DetailType": "d", "Source": "s"}]
    error, cause = run(world, "events:putEvents", {"Entries": entries})
    assert error == "EventBridge.FailedEntry"
    assert '"ErrorCode": "MalformedDetail"' in cause


def test_error_in_the_parameters_of_a_task_can_be_caught(world: World) -> None:
    catch = [{"ErrorEquals": ["States.IntrinsicFailure"], "Next": "C"}]
    parameters = {"FunctionName": "f", "Payload.$": "States.StringToJson('x')"}
    states = {
        "T": {
            "Type": "Task",
            "Resource": "arn:aws:states:::lambda:invoke",
            "Parameters": parameters,
            "Catch": catch,
            "End": True,
        },
        "C": {"Type": "Pass", "End": True},
    }
    assert world.run(states).output["Error"] == "States.IntrinsicFailure"
