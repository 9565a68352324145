"""Settings from the environment and from the stack of the process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from statemachines.process.sample_service import stack
from statemachines.process.sample_service.settings import VARIABLES, from_environment
from stepline.core.errors import SettingsError

REQUIRED = {"PROCESS_URL": "https://api.example/prod/", "PROCESS_API_KEY": "secret-key"}
OUTPUTS = {
    "ApiUrl": "https://abc.execute-api.eu-west-1.amazonaws.com/prod",
    "ApiId": "abc",
    "ApiStage": "prod",
    "ApiKeyId": "k1",
}


def test_two_variables_are_required() -> None:
    settings = from_environment(REQUIRED)
    assert settings.process_url == "https://api.example/prod"
    assert (settings.timeout_seconds, settings.poll_seconds, settings.max_waiting) == (600, 2, 500)


def test_default_quota_is_within_the_usage_plan() -> None:
    settings = from_environment(REQUIRED)
    assert settings.requests_per_second == 5
    assert settings.burst < 10


def test_numbers_are_read() -> None:
    numbers = {
        "TIMEOUT_SECONDS": "60",
        "POLL_SECONDS": "0.5",
        "REQUESTS_PER_SECOND": "50",
        "BURST": "9",
        "MAX_WAITING": "7",
    }
    settings = from_environment(REQUIRED | numbers)
    assert (settings.timeout_seconds, settings.poll_seconds, settings.requests_per_second) == (60, 0.5, 50)
    assert (settings.burst, settings.max_waiting) == (9, 7)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("PROCESS_URL", ""),
        ("PROCESS_URL", "api.example/prod"),
        ("PROCESS_URL", "ftp://api.example"),
        ("PROCESS_URL", "https://"),
        ("PROCESS_URL", "https://api.example/prod?x=1"),
        ("PROCESS_API_KEY", " "),
        ("PROCESS_API_KEY", "a\nb"),
        ("PROCESS_API_KEY", "schlüssel"),
        ("TIMEOUT_SECONDS", "soon"),
        ("TIMEOUT_SECONDS", "0"),
        ("POLL_SECONDS", "nan"),
        ("REQUESTS_PER_SECOND", "-1"),
        ("BURST", "1.5"),
        ("MAX_WAITING", "inf"),
    ],
)
def test_invalid_variable_is_rejected_by_name(variable: str, value: str) -> None:
    with pytest.raises(SettingsError, match=variable) as raised:
        from_environment(REQUIRED | {variable: value})
    assert "\n" not in str(raised.value)


def test_api_key_is_not_in_the_representation() -> None:
    assert "secret-key" not in repr(from_environment(REQUIRED))


def test_every_variable_is_documented() -> None:
    page = (Path(__file__).parents[2] / "docs" / "sample-service.md").read_text()
    for variable in VARIABLES:
        assert f"`{variable}`" in page


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Stubber]]:
    """Stubbed clients of CloudFormation and API Gateway."""
    clients = {
        service: boto3.client(service, "us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
        for service in ("cloudformation", "apigateway")
    }
    stubbers = {service: Stubber(client) for service, client in clients.items()}
    monkeypatch.setattr(boto3, "client", clients.__getitem__)
    for stubber in stubbers.values():
        stubber.activate()
    yield stubbers
    for stubber in stubbers.values():
        stubber.assert_no_pending_responses()


def _stack(outputs: dict[str, str]) -> dict[str, Any]:
    listed = [{"OutputKey": key, "OutputValue": value} for key, value in outputs.items()]
    stack = {"StackName": "s", "CreationTime": 0, "StackStatus": "CREATE_COMPLETE", "Outputs": listed}
    return {"Stacks": [stack]}


@pytest.mark.parametrize(
    ("endpoint_url", "url"),
    [
        (None, OUTPUTS["ApiUrl"]),
        ("http://127.0.0.1:4566/", "http://127.0.0.1:4566/restapis/abc/prod/_user_request_"),
    ],
)
def test_url_and_key_are_read_from_the_stack(
    aws: dict[str, Stubber], endpoint_url: str | None, url: str
) -> None:
    aws["cloudformation"].add_response("describe_stacks", _stack(OUTPUTS), {"StackName": "s"})
    expected = {"apiKey": "k1", "includeValue": True}
    aws["apigateway"].add_response("get_api_key", {"id": "k1", "value": "secret-key"}, expected)
    assert stack.read_settings("s", endpoint_url=endpoint_url) == {
        "PROCESS_URL": url,
        "PROCESS_API_KEY": "secret-key",
    }


def test_stack_without_the_outputs_is_rejected(aws: dict[str, Stubber]) -> None:
    aws["cloudformation"].add_response("describe_stacks", _stack({}))
    with pytest.raises(SettingsError, match="the stack s has no output ApiUrl"):
        stack.read_settings("s", endpoint_url=None)


def test_missing_stack_is_rejected(aws: dict[str, Stubber]) -> None:
    aws["cloudformation"].add_client_error("describe_stacks", "ValidationError", "s does not exist")
    with pytest.raises(SettingsError, match="s does not exist"):
        stack.read_settings("s", endpoint_url=None)
