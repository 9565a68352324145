"""AWS's errors as errors of the tasks, and the messages of the tasks."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError, ReadTimeoutError

from statemachines.deploy import errors
from statemachines.deploy.task import task, translate_for_deploy
from stepline.core import clients
from stepline.core.aws_errors import AwsFailure
from stepline.core.errors import TransientAwsError
from tests.statemachines.deploy import case_runner
from tests.statemachines.deploy.machine import Machine

MAX_CAUSE_CHARACTERS = 32_768
RATE = "Rate exceeded"
BUSY = "Stack:arn:aws:cloudformation:x:1:stack/a/b is in UPDATE_IN_PROGRESS state and can not be updated."
NOT_TERMINAL = (
    "This stack is currently in a non-terminal [UPDATE_IN_PROGRESS] state. To update the stack from "
    "this state, please use the disable-rollback parameter"
)
NOT_YAML = "Template format error: YAML not well-formed. (line 3, column 1)"
NOT_AUTHORIZED = "User: x is not authorized to perform: cloudformation:CreateStack"
CAPABILITIES = "Requires capabilities : [CAPABILITY_IAM, CAPABILITY_AUTO_EXPAND]"


@pytest.mark.parametrize(
    ("operation", "code", "status", "message", "error", "text"),
    [
        ("CreateStack", "Throttling", 400, RATE, "TransientAwsError", f"{RATE} (CreateStack: Throttling)"),
        ("CreateStack", "ThrottlingException", 400, RATE, "TransientAwsError", ""),
        ("CreateStack", "TooManyRequestsException", 429, "slow down", "TransientAwsError", ""),
        ("CreateStack", "InternalFailure", 500, "oops", "TransientAwsError", ""),
        ("CreateStack", "ServiceUnavailable", 503, "oops", "TransientAwsError", ""),
        ("PutObject", "SlowDown", 503, "Please reduce your request rate.", "TransientAwsError", ""),
        ("CreateStack", "AccessDenied", 403, NOT_AUTHORIZED, "PermissionDeniedError", "not authorized"),
        ("CreateStack", "ExpiredToken", 403, "The security token is expired", "PermissionDeniedError", ""),
        (
            *("CreateStack", "InsufficientCapabilitiesException", 400),
            *("Requires capabilities : [CAPABILITY_NAMED_IAM]", "MissingCapabilityError"),
            '"capabilities": ["CAPABILITY_NAMED_IAM"]',
        ),
        (
            *(
                "CreateStack",
                "InsufficientCapabilitiesException",
                400,
                CAPABILITIES,
                "MissingCapabilityError",
            ),
            '["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"]',
        ),
        (
            "DescribeStacks",
            "ValidationError",
            400,
            "Stack with id dev-app does not exist",
            "StackChangedError",
            "",
        ),
        (
            "CreateChangeSet",
            "ValidationError",
            400,
            "Stack [dev-app] does not exist",
            "StackChangedError",
            "",
        ),
        ("ExecuteChangeSet", "ValidationError", 400, BUSY, "StackChangedError", ""),
        ("ExecuteChangeSet", "ValidationError", 400, NOT_TERMINAL, "StackChangedError", ""),
        ("CreateStack", "ValidationError", 400, "Role x does not exist", "RequestRefusedError", ""),
        (
            *("CreateStack", "ValidationError", 400, NOT_YAML, "RequestRefusedError"),
            f"{NOT_YAML} (CreateStack: ValidationError)",
        ),
        (
            *(
                "CreateStack",
                "ValidationError",
                400,
                "Parameters: [Size] must have values",
                "RequestRefusedError",
            ),
            "Parameters: [Size] must have values",
        ),
        ("CreateStack", "LimitExceededException", 400, "Limit for stack", "RequestRefusedError", ""),
    ],
)
def test_aws_error_is_translated(
    operation: str, code: str, status: int, message: str, *, error: str, text: str
) -> None:
    response: Any = {
        "Error": {"Code": code, "Message": message},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    translated = translate_for_deploy(ClientError(response, operation))
    assert type(translated).__name__ == error
    assert text in translated.message


@pytest.mark.parametrize("error", [ReadTimeoutError(endpoint_url="x"), ConnectTimeoutError(endpoint_url="x")])
def test_broken_connection_is_transient(error: AwsFailure) -> None:
    assert isinstance(translate_for_deploy(error), TransientAwsError)


def test_all_attempts_of_a_call_fit_into_the_time_out_of_the_function() -> None:
    """It is 60 seconds (template.yaml)."""
    config: Any = clients.client("s3").meta.config
    attempts = config.retries["total_max_attempts"]
    seconds = config.connect_timeout + config.read_timeout
    assert attempts * seconds < 60


@pytest.mark.parametrize("text", ["\x00" * 100_000, "ä" * 100_000, "\n" * 10, '"\\' * 50_000, "🙂" * 100_000])
def test_message_in_lambdas_error_document_fits_into_a_cause(text: str) -> None:
    def fail(_event: Any) -> Any:
        raise errors.ChangeSetFailedError(text)

    with pytest.raises(errors.ChangeSetFailedError) as caught:
        task(fail)({}, None)
    document = json.dumps({"errorMessage": str(caught.value), "errorType": "x" * 100})
    assert len(document) < MAX_CAUSE_CHARACTERS - 5_000  # the rest is for the stack trace


def test_neither_event_nor_result_is_logged(machine: Machine, caplog: pytest.LogCaptureFixture) -> None:
    case = {
        "resources": {"Queue": {"Properties": {"FailCreate": "No luck"}}},
        "input": {"parameters": {"Size": "secret-value"}},
    }
    run = case_runner.run(machine, case)
    assert run.error == "StackCreationFailedError"
    logged = str([vars(record) for record in caplog.records])
    assert "No luck" in logged
    assert "secret-value" not in logged
