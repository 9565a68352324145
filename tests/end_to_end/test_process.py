"""The process over HTTP, as its callers meet it, and its data as others do."""

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
from tests.end_to_end.local_aws import LocalAws

pytestmark = pytest.mark.xdist_group("systems")

STACK = "stepline-process"
ACCOUNT = "000000000000"
PATIENCE_SECONDS = 30
HTTP_SECONDS = 30
ALLOW_ALL = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
}


@dataclass(frozen=True)
class Reply:
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
        """Another API key of the usage plan, whose tokens nobody else takes."""
        gateway = self.local.client("apigateway")
        key = gateway.create_api_key(name=f"caller-{uuid.uuid4().hex}", enabled=True)
        gateway.create_usage_plan_key(
            usagePlanId=self.outputs["UsagePlanId"], keyId=key["id"], keyType="API_KEY"
        )
        return Caller(self, key["value"], key["id"])

    def request(self, path: str, key: str | None, *, body: Any = None) -> Reply:
        stage = f"{self.outputs['ApiId']}/{self.outputs['ApiStage']}"
        request = urllib.request.Request(
            f"{self.local.endpoint_url}/restapis/{stage}/_user_request_/{path}",
            data=None if body is None else json.dumps(body).encode(),
            headers={} if key is None else {"x-api-key": key},
        )
        try:
            with urllib.request.urlopen(request, timeout=HTTP_SECONDS) as answer:
                return Reply(answer.status, json.load(answer), dict(answer.headers))
        except urllib.error.HTTPError as error:
            with error:
                return Reply(error.code, json.load(error), dict(error.headers))

    def as_role(self, policy: Any) -> Any:
        """A client's S3: a session of a role that its account gave it, with that policy."""
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
        reply = self.service.request("start-process", self.key, body={"processInput": process_input})
        assert reply.status == 200, reply
        return str(reply.body["transactionId"])

    def ask(self, endpoint: str, transaction: str) -> Reply:
        return self.service.request(f"{endpoint}?transactionId={transaction}", self.key)

    def data_when(self, transaction: str, member: str) -> Any:
        """The data, when that member has come; five times a second at most."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while member not in (reply := self.ask("process-data", transaction)).body:
            assert time.monotonic() < deadline, reply
            time.sleep(0.25)
        return reply.body


@pytest.fixture(scope="module")
def service(systems: LocalAws) -> Service:
    return Service(systems)


@pytest.fixture
def caller(service: Service) -> Caller:
    return service.caller()


def test_a_process_is_started_watched_and_read(caller: Caller) -> None:
    transaction = caller.start({"order": 4711, "items": ["apple", "pêche"]})
    assert caller.ask("process-state", transaction).body["status"] in {"RUNNING", "SUCCEEDED"}
    data = caller.data_when(transaction, "downstreamC")
    assert data["processInput"] == {"order": 4711, "items": ["apple", "pêche"]}
    assert data["stepE"]["summary"].startswith("2 members, 3 values")
    assert data["downstreamA"] == {"unchanged": True}
    reply = caller.ask("process-state", transaction)
    assert reply.body == {"transactionId": transaction, "status": "SUCCEEDED"}
    assert reply.headers["Content-Type"] == "application/json"


def test_without_an_api_key_nobody_gets_in(service: Service, caller: Caller) -> None:
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


def test_a_burst_is_throttled_by_caller(service: Service, caller: Caller) -> None:
    """10 at once, then 5 a second: for this caller, and not for the other."""
    begin = time.monotonic()
    with ThreadPoolExecutor(8) as executor:
        statuses = list(executor.map(lambda _: caller.ask("process-state", "x").status, range(60)))
    seconds = time.monotonic() - begin
    assert set(statuses) == {400, 429}
    assert 10 <= statuses.count(400) <= 10 + 5 * seconds + 1
    assert service.caller().ask("process-state", "x").status == 400
    time.sleep(0.5)
    assert caller.ask("process-state", "x").status == 400


def test_a_transaction_is_its_caller_s_alone(service: Service, caller: Caller) -> None:
    transaction = caller.start({"secret": 1})
    caller.data_when(transaction, "stepF")
    other = service.caller()
    for endpoint in ("process-state", "process-data"):
        reply = other.ask(endpoint, transaction)
        assert (reply.status, reply.body["error"]) == (404, "TransactionNotFoundError")
        unknown = str(uuid.uuid4())
        assert json.dumps(other.ask(endpoint, unknown).body) == json.dumps(reply.body).replace(
            transaction, unknown
        )


def test_bad_input_is_the_caller_s_to_change(service: Service, caller: Caller) -> None:
    reply = service.request("start-process", caller.key, body={"processInput": [1]})
    assert (reply.status, reply.body["error"]) == (400, "InvalidInputError")
    reply = service.request("start-process", caller.key, body={"processInput": {"a": "x" * 1_048_576}})
    assert (reply.status, reply.body["error"]) == (413, "RequestTooLargeError")


# --- who may touch the data


@pytest.fixture(scope="module")
def stored(service: Service) -> tuple[str, str]:
    """Bucket and key of a transaction's data."""
    caller = service.caller()
    transaction = caller.start({"a": 1})
    caller.data_when(transaction, "downstreamC")
    return service.outputs["DataBucketName"], Transaction(caller.key_id, transaction).key


def test_a_client_with_all_rights_of_the_account_is_denied_the_data(
    service: Service, stored: tuple[str, str]
) -> None:
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


def test_a_client_without_rights_is_denied_everything(service: Service, stored: tuple[str, str]) -> None:
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


def test_an_administrator_can_still_empty_the_bucket(service: Service) -> None:
    caller = service.caller()
    transaction = caller.start({"a": 1})
    caller.data_when(transaction, "downstreamC")
    bucket, key = service.outputs["DataBucketName"], Transaction(caller.key_id, transaction).key
    s3 = service.as_role(ALLOW_ALL)
    versions = s3.list_object_versions(Bucket=bucket, Prefix=key)["Versions"]
    assert len(versions) == 10  # the input, and what nine steps have added
    for version in versions:
        s3.delete_object(Bucket=bucket, Key=key, VersionId=version["VersionId"])
    assert caller.ask("process-data", transaction).status == 404


def test_the_data_are_encrypted_with_the_stack_s_key(service: Service, stored: tuple[str, str]) -> None:
    bucket, key = stored
    head = service.local.client("s3").head_object(Bucket=bucket, Key=key)
    assert head["ServerSideEncryption"] == "aws:kms"
    described = service.local.client("cloudformation").describe_stack_resource(
        StackName=STACK, LogicalResourceId="Key"
    )
    assert described["StackResourceDetail"]["PhysicalResourceId"] in head["SSEKMSKeyId"]


def test_writers_at_once_lose_nothing_in_a_real_s3(service: Service) -> None:
    """Conditional writes over HTTP, by eight threads."""
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


def test_a_function_that_does_not_let_the_api_in_is_not_invoked(service: Service, caller: Caller) -> None:
    functions, name = service.local.client("lambda"), f"{STACK}-process-data"
    (statement,) = json.loads(functions.get_policy(FunctionName=name)["Policy"])["Statement"]
    functions.remove_permission(FunctionName=name, StatementId=statement["Sid"])
    try:
        reply = caller.ask("process-data", "x")
    finally:
        functions.add_permission(
            FunctionName=name,
            StatementId=statement["Sid"],
            Action="lambda:InvokeFunction",
            Principal="apigateway.amazonaws.com",
            SourceArn=statement["Condition"]["ArnLike"]["AWS:SourceArn"],
        )
    assert (reply.status, reply.body) == (500, {"message": "Internal server error"})
    assert caller.ask("process-data", "x").status == 400


def test_a_role_that_api_gateway_may_not_assume_cannot_write_its_logs(service: Service) -> None:
    role = service.local.client("lambda").get_function_configuration(FunctionName=f"{STACK}-step-a")["Role"]
    with pytest.raises(ClientError, match="Please grant trust permission for API Gateway"):
        service.local.client("apigateway").update_account(
            patchOperations=[{"op": "replace", "path": "/cloudwatchRoleArn", "value": role}]
        )


def test_a_function_that_fails_does_not_show_why(service: Service, caller: Caller) -> None:
    functions, name = service.local.client("lambda"), f"{STACK}-process-state"
    right = functions.get_function_configuration(FunctionName=name)["Handler"]
    functions.update_function_configuration(FunctionName=name, Handler="statemachines.nothing.handler")
    try:
        reply = caller.ask("process-state", "x")
    finally:
        functions.update_function_configuration(FunctionName=name, Handler=right)
    assert (reply.status, reply.body) == (502, {"message": "Internal server error"})
