"""Scenarios of the process; see `suites.py`.

The functions are invoked with API Gateway's events: its usage plan would throttle the scenarios.
"""

from __future__ import annotations

import json
import uuid
from typing import Any

from statemachines.process.transaction import Transaction
from stepline.core.large_data import LargeDataStore
from tests.iam.logged_machines import logged_machine_scenario
from tests.iam.suites import Lane, Variant
from tests.iam.system import ACCOUNT, REGION, System

_LARGE_DATA = "iam-process-large-data"
_OWNER = "testedkey1"
_STEPS = tuple(
    f"{prefix}step-{letter}"
    for prefix, letters in (("", "abcdef"), ("downstream-", "abc"))
    for letter in letters
)


def process_succeeds(system: System) -> None:
    """So does the downstream state machine after it."""
    transaction = _start(system)
    assert (
        system.wait_for(
            lambda: _get(system, "process-state", transaction),
            lambda response: response["status"] != "RUNNING",
        )["status"]
        == "SUCCEEDED"
    )
    data = system.wait_for(
        lambda: _get(system, "process-data", transaction), lambda response: "downstreamC" in response
    )
    assert data["downstreamA"] == {"unchanged": True}


def process_without_the_api_succeeds(system: System) -> None:
    """A pipeline's action starts it."""
    document = {"processInput": {"order": 1}, "codepipeline": {"jobId": "1"}}
    execution = system.start(document, machine=system.outputs["ProcessStateMachineArn"])
    system.wait_for_execution(execution).assert_status("SUCCEEDED")


def large_input_is_read_by_its_reference(system: System) -> None:
    """A pipeline's action has stored it."""
    document = {"processInput": {"items": ["x" * 1000] * 300}}
    store = LargeDataStore(system.client("s3"), _LARGE_DATA)
    reference = store.store(str(uuid.uuid4()), json.dumps(document))
    machine = system.outputs["ProcessStateMachineArn"]
    execution = system.start({"s3Reference": reference.to_json()}, machine=machine)
    system.wait_for_execution(execution).assert_status("SUCCEEDED")
    missing = {"s3Reference": {**reference.to_json(), "key": f"inputs/{uuid.uuid4()}.json"}}
    ended = system.wait_for_execution(system.start(missing, machine=machine))
    ended.assert_status("FAILED")
    assert "does not exist (any more) in this version" in ended.reason, ended.reason


def create_large_data_bucket(system: System) -> dict[str, str]:
    """Create the bucket, unless it exists, with the key of the process. Return no parameters."""
    key_arn = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/{system.resources['Key']}"
    s3 = system.client("s3")
    s3.create_bucket(Bucket=_LARGE_DATA)
    s3.put_bucket_versioning(Bucket=_LARGE_DATA, VersioningConfiguration={"Status": "Enabled"})
    default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key_arn}
    s3.put_bucket_encryption(
        Bucket=_LARGE_DATA,
        ServerSideEncryptionConfiguration={"Rules": [{"ApplyServerSideEncryptionByDefault": default}]},
    )
    return {"LargeDataKeyArn": key_arn}


def failed_process_is_explained(system: System) -> None:
    """Its data were not written by a step."""
    transaction = Transaction.new(_OWNER)
    _put(system, transaction, "[]")
    execution = system.start(
        {"transaction": str(transaction)},
        machine=system.outputs["ProcessStateMachineArn"],
        name=transaction.execution_name,
    )
    system.wait_for_execution(execution).assert_status("FAILED")
    state = _get(system, "process-state", transaction.id)
    assert state["error"] == "RequestRefusedError"
    assert state["cause"].startswith("Step A: The data of transaction")


def process_unknown_to_step_functions_is_running(system: System) -> None:
    """Its data exist, and DescribeExecution does not return it yet."""
    transaction = Transaction.new(_OWNER)
    _put(system, transaction, '{"processInput": {}}')
    assert _get(system, "process-state", transaction.id)["status"] == "RUNNING"


def unknown_transaction_is_not_found(system: System) -> None:
    for function in ("process-state", "process-data"):
        assert _get(system, function, str(uuid.uuid4()), status=404)["error"] == "TransactionNotFoundError"


def step_without_data_fails_its_precondition(system: System) -> None:
    event = {"transaction": str(Transaction.new(_OWNER))}
    for step in _STEPS:
        name = f"{system.stack_name}-{step}"
        response = system.client("lambda").invoke(FunctionName=name, Payload=json.dumps(event))
        error = json.loads(response["Payload"].read())
        assert error["errorType"] == "S3DataPreconditionError", error


def api_gateway_may_write_logs(system: System) -> None:
    """The account is given the role again."""
    role = f"arn:aws:iam::{ACCOUNT}:role/{system.resources['ApiGatewayLogsRole']}"
    change: Any = {"op": "replace", "path": "/cloudwatchRoleArn", "value": role}
    system.client("apigateway").update_account(patchOperations=[change])


logged_machines_are_created_updated_and_deleted = logged_machine_scenario(
    "ProcessStateMachineRole", "DownstreamStateMachineRole"
)


def _start(system: System) -> str:
    body = json.dumps({"processInput": {"a": 1}})
    return str(_invoke(system, "start-process", {"body": body})["transactionId"])


def _get(system: System, function: str, transaction: str, *, status: int = 200) -> Any:
    query = {"multiValueQueryStringParameters": {"transactionId": [transaction]}}
    return _invoke(system, function, query, status=status)


def _invoke(system: System, function: str, request: dict[str, Any], *, status: int = 200) -> Any:
    event = {"requestContext": {"identity": {"apiKeyId": _OWNER}}, **request}
    response = system.invoke(function, event)
    assert response["statusCode"] == status, response
    return json.loads(response["body"])


def _put(system: System, transaction: Transaction, text: str) -> None:
    """Write data with unrestricted credentials, which the bucket's policy does not apply to."""
    bucket = system.outputs["DataBucketName"]
    system.client("s3").put_object(Bucket=bucket, Key=transaction.key, Body=text.encode())


LANES: tuple[Lane, ...] = (
    (
        process_succeeds,
        failed_process_is_explained,
        process_unknown_to_step_functions_is_running,
        unknown_transaction_is_not_found,
    ),
    (
        process_without_the_api_succeeds,
        step_without_data_fails_its_precondition,
        api_gateway_may_write_logs,
        logged_machines_are_created_updated_and_deleted,
    ),
)

VARIANTS = (
    Variant(
        {"LargeDataBucketName": _LARGE_DATA},
        (large_input_is_read_by_its_reference,),
        prepare=create_large_data_bucket,
    ),
)
