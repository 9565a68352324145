"""The API of the process over HTTP, and the access to its data in S3."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from statemachines.process.data import DataStore
from statemachines.process.transaction import Transaction
from stepline.core.rest_apis import local_invoke_url
from tests.end_to_end.local_aws import LocalAws
from tests.waiting import wait_for

pytestmark = pytest.mark.xdist_group("systems")

STACK = "stepline-process"
ACCOUNT = "000000000000"
HTTP_SECONDS = 30
POLL_SECONDS = 0.25  # the usage plan allows 5 requests a second
ALLOW_ALL = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
}


@dataclass(frozen=True)
class Response:
    status: int
    body: Any
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Service:
    """The deployed stack."""

    local: LocalAws

    @cached_property
    def outputs(self) -> dict[str, str]:
        stack = self.local.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"][0]
        return {item["OutputKey"]: item["OutputValue"] for item in stack["Outputs"]}

    def caller(self) -> Caller:
        """Create an API key of the usage plan, which has a quota of its own."""
        gateway = self.local.client("apigateway")
        key = gateway.create_api_key(name=f"caller-{uuid.uuid4().hex}", enabled=True)
        gateway.create_usage_plan_key(
            usagePlanId=self.outputs["UsagePlanId"], keyId=key["id"], keyType="API_KEY"
        )
        return Caller(self, key["value"], key["id"])

    def request(self, path: str, key: str | None, *, body: Any = None) -> Response:
        url = local_invoke_url(self.outputs["ApiUrl"], self.local.endpoint_url)
        request = urllib.request.Request(
            f"{url}/{path}",
            data=None if body is None else json.dumps(body).encode(),
            headers={} if key is None else {"x-api-key": key},
        )
        try:
            with urllib.request.urlopen(request, timeout=HTTP_SECONDS) as response:
                return Response(response.status, json.load(response), dict(response.headers))
        except urllib.error.HTTPError as error:
            with error:
                return Response(error.code, json.load(error), dict(error.headers))

    def as_role(self, policy: Any) -> Any:
        """Return an S3 client with a session of a new role with that policy."""
        iam, name = self.local.client("iam"), f"client-{uuid.uuid4().hex}"
        principal = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
        trust = {"Statement": [{"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}]}
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))
        iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=json.dumps(policy))
        keys = self.local.client("sts").assume_role(
            RoleArn=f"arn:aws:iam::{ACCOUNT}:role/{name}", RoleSessionName="client"
        )["Credentials"]
        session: Any = boto3.Session(
            aws_access_key_id=keys["AccessKeyId"],
            aws_secret_access_key=keys["SecretAccessKey"],
            aws_session_token=keys["SessionToken"],
            region_name="us-east-1",
        )
        return session.client("s3", endpoint_url=self.local.endpoint_url)


@dataclass(frozen=True)
class Caller:
    service: Service
    key: str
    key_id: str

    def start(self, process_input: Any) -> str:
        response = self.service.request("start-process", self.key, body={"processInput": process_input})
        assert response.status == 200, response
        return str(response.body["transactionId"])

    def ask(self, endpoint: str, transaction: str) -> Response:
        return self.service.request(f"{endpoint}?transactionId={transaction}", self.key)

    def data_when(self, transaction: str, member: str) -> Any:
        """Read the data until they have that member, and return them."""

        def find() -> Any:
            body = self.ask("process-data", transaction).body
            return body if member in body else None

        return wait_for(
            find, lambda: (f"no {member}", self.ask("process-data", transaction)), poll_seconds=POLL_SECONDS
        )

    def state_at_end(self, transaction: str) -> Response:
        """Read the state until it is not RUNNING, and return the response."""

        def find() -> Response | None:
            response = self.ask("process-state", transaction)
            return None if response.body.get("status") == "RUNNING" else response

        return wait_for(find, lambda: "the process still runs", poll_seconds=POLL_SECONDS)


@pytest.fixture(scope="module")
def service(systems: LocalAws) -> Service:
    return Service(systems)


@pytest.fixture
def caller(service: Service) -> Caller:
    return service.caller()


def test_process_runs_and_its_state_and_data_can_be_read(caller: Caller) -> None:
    transaction = caller.start({"order": 4711, "items": ["apple", "pêche"]})
    assert caller.ask("process-state", transaction).body["status"] in {"RUNNING", "SUCCEEDED"}
    data = caller.data_when(transaction, "downstreamC")
    assert data["processInput"] == {"order": 4711, "items": ["apple", "pêche"]}
    assert data["stepE"]["summary"].startswith("2 members, 3 values")
    assert data["downstreamA"] == {"unchanged": True}
    response = caller.state_at_end(transaction)
    assert response.body == {"transactionId": transaction, "status": "SUCCEEDED"}
    assert response.headers["Content-Type"] == "application/json"


def test_request_without_an_enabled_key_of_the_usage_plan_is_forbidden(
    service: Service, caller: Caller
) -> None:
    gateway = service.local.client("apigateway")
    planless = gateway.create_api_key(name="planless", enabled=True)
    for key in (None, "", "wrong" * 8, caller.key_id, planless["value"]):
        for path in ("process-state", "process-data?transactionId=x"):
            assert (service.request(path, key).status, service.request(path, key).body) == (
                403,
                {"message": "Forbidden"},
            )
        assert service.request("start-process", key, body={"processInput": {}}).status == 403
    gateway.update_api_key(
        apiKey=caller.key_id, patchOperations=[{"op": "replace", "path": "/enabled", "value": "false"}]
    )
    assert caller.ask("process-state", "x").status == 403


def test_burst_of_a_caller_is_throttled_and_another_caller_is_not(service: Service, caller: Caller) -> None:
    """Each caller may send 10 requests at once, and then 5 a second."""
    begin = time.monotonic()
    with ThreadPoolExecutor(8) as executor:
        statuses = list(executor.map(lambda _: caller.ask("process-state", "x").status, range(60)))
    seconds = time.monotonic() - begin
    assert set(statuses) == {400, 429}
    assert 10 <= statuses.count(400) <= 10 + 5 * seconds + 1
    assert service.caller().ask("process-state", "x").status == 400
    time.sleep(0.5)
    assert caller.ask("process-state", "x").status == 400


def test_transaction_of_another_caller_is_not_found(service: Service, caller: Caller) -> None:
    transaction = caller.start({"secret": 1})
    caller.data_when(transaction, "stepF")
    other = service.caller()
    for endpoint in ("process-state", "process-data"):
        response = other.ask(endpoint, transaction)
        assert (response.status, response.body["error"]) == (404, "TransactionNotFoundError")
        unknown = str(uuid.uuid4())
        assert json.dumps(other.ask(endpoint, unknown).body) == json.dumps(response.body).replace(
            transaction, unknown
        )


def test_invalid_input_is_a_client_error(service: Service, caller: Caller) -> None:
    response = service.request("start-process", caller.key, body={"processInput": [1]})
    assert (response.status, response.body["error"]) == (400, "InvalidInputError")
    response = service.request("start-process", caller.key, body={"processInput": {"a": "x" * 1_048_576}})
    assert (response.status, response.body["error"]) == (413, "RequestTooLargeError")


# --- access to the data


@pytest.fixture(scope="module")
def stored(service: Service) -> tuple[str, str]:
    """The bucket and the key of a transaction's data."""
    caller = service.caller()
    transaction = caller.start({"a": 1})
    caller.data_when(transaction, "downstreamC")
    return service.outputs["DataBucketName"], Transaction(caller.key_id, transaction).key


def test_client_with_all_permissions_is_denied_the_data(service: Service, stored: tuple[str, str]) -> None:
    bucket, key = stored
    s3 = service.as_role(ALLOW_ALL)
    for operation, arguments in (
        ("get_object", {}),
        ("get_object_tagging", {}),
        ("put_object", {"Body": b"{}"}),
        ("put_object", {"Body": b"{}", "IfNoneMatch": "*"}),
        ("put_object_tagging", {"Tagging": {"TagSet": []}}),
        ("copy_object", {"CopySource": {"Bucket": bucket, "Key": key}}),
    ):
        with pytest.raises(ClientError) as caught:
            getattr(s3, operation)(Bucket=bucket, Key=key, **arguments)
        assert caught.value.response["Error"]["Code"] == "AccessDenied", operation
        assert "with an explicit deny in a resource-based policy" in str(caught.value), operation


def test_client_without_s3_permissions_is_denied_every_operation(
    service: Service, stored: tuple[str, str]
) -> None:
    bucket, key = stored
    s3 = service.as_role({"Statement": [{"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "*"}]})
    for operation, arguments in (
        ("get_object", {"Key": key}),
        ("put_object", {"Key": key, "Body": b"{}"}),
        ("delete_object", {"Key": key}),
        ("list_objects_v2", {}),
        ("delete_bucket_policy", {}),
    ):
        with pytest.raises(ClientError) as caught:
            getattr(s3, operation)(Bucket=bucket, **arguments)
        assert caught.value.response["Error"]["Code"] == "AccessDenied", operation


def test_administrator_can_empty_the_bucket(service: Service) -> None:
    caller = service.caller()
    transaction = caller.start({"a": 1})
    caller.data_when(transaction, "downstreamC")
    bucket, key = service.outputs["DataBucketName"], Transaction(caller.key_id, transaction).key
    s3 = service.as_role(ALLOW_ALL)
    versions = s3.list_object_versions(Bucket=bucket, Prefix=key)["Versions"]
    assert len(versions) == 10  # the input and the additions of nine steps
    for version in versions:
        s3.delete_object(Bucket=bucket, Key=key, VersionId=version["VersionId"])
    assert caller.ask("process-data", transaction).status == 404


def test_data_are_encrypted_with_the_key_of_the_stack(service: Service, stored: tuple[str, str]) -> None:
    bucket, key = stored
    head = service.local.client("s3").head_object(Bucket=bucket, Key=key)
    assert head["ServerSideEncryption"] == "aws:kms"
    described = service.local.client("cloudformation").describe_stack_resource(
        StackName=STACK, LogicalResourceId="Key"
    )
    assert described["StackResourceDetail"]["PhysicalResourceId"] in head["SSEKMSKeyId"]


def test_concurrent_writers_lose_no_update(service: Service) -> None:
    """Eight threads make conditional writes over HTTP."""
    store = DataStore(service.local.client("s3"), service.outputs["DataBucketName"])
    transaction = Transaction.new("writers")
    store.create(transaction, {})
    members = [f"writer{number}" for number in range(8)]

    def write(member: str) -> bool:
        return store.add(transaction, member, lambda _data: {"by": member}, after="processInput")

    with ThreadPoolExecutor(len(members)) as executor:
        assert all(executor.map(write, members))
    data = store.read(transaction)
    assert data is not None
    assert set(data.members) == {"processInput", *members}


# --- the local API Gateway


def test_response_is_a_500_if_the_api_may_not_invoke_the_function(service: Service, caller: Caller) -> None:
    functions, name = service.local.client("lambda"), f"{STACK}-process-data"
    (statement,) = json.loads(functions.get_policy(FunctionName=name)["Policy"])["Statement"]
    functions.remove_permission(FunctionName=name, StatementId=statement["Sid"])
    try:
        response = caller.ask("process-data", "x")
    finally:
        functions.add_permission(
            FunctionName=name,
            StatementId=statement["Sid"],
            Action="lambda:InvokeFunction",
            Principal="apigateway.amazonaws.com",
            SourceArn=statement["Condition"]["ArnLike"]["AWS:SourceArn"],
        )
    assert (response.status, response.body) == (500, {"message": "Internal server error"})
    assert caller.ask("process-data", "x").status == 400


def test_role_that_does_not_trust_api_gateway_is_refused_for_its_logs(service: Service) -> None:
    role = service.local.client("lambda").get_function_configuration(FunctionName=f"{STACK}-step-a")["Role"]
    with pytest.raises(ClientError, match="Please grant trust permission for API Gateway"):
        service.local.client("apigateway").update_account(
            patchOperations=[{"op": "replace", "path": "/cloudwatchRoleArn", "value": role}]
        )


def test_error_of_a_function_is_a_502_without_details(service: Service, caller: Caller) -> None:
    functions, name = service.local.client("lambda"), f"{STACK}-process-state"
    handler = functions.get_function_configuration(FunctionName=name)["Handler"]
    functions.update_function_configuration(FunctionName=name, Handler="statemachines.nothing.handler")
    try:
        response = caller.ask("process-state", "x")
    finally:
        functions.update_function_configuration(FunctionName=name, Handler=handler)
    assert (response.status, response.body) == (502, {"message": "Internal server error"})
