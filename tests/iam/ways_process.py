"""Every way through the process that needs a permission no other way needs; see `proofs.py`.

The functions are invoked with what API Gateway would hand over: its usage plan would hold the ways up.
"""

from __future__ import annotations

import json
import uuid
from typing import Any

from statemachines.process.transaction import Transaction
from tests.iam.proofs import Lane
from tests.iam.system import ACCOUNT, REGION, System

_OWNER = "provenkey1"
_STEPS = tuple(
    f"{prefix}step-{letter}"
    for prefix, letters in (("", "abcdef"), ("downstream-", "abc"))
    for letter in letters
)


def process_runs_to_its_end(system: System) -> None:
    """And the downstream machine after it."""
    transaction = _start(system)
    assert (
        system.wait_for(
            lambda: _get(system, "process-state", transaction), lambda answer: answer["status"] != "RUNNING"
        )["status"]
        == "SUCCEEDED"
    )
    data = system.wait_for(
        lambda: _get(system, "process-data", transaction), lambda answer: "downstreamC" in answer
    )
    assert data["downstreamA"] == {"unchanged": True}


def failed_process_tells_why(system: System) -> None:
    """Its data are what no step has written."""
    transaction = Transaction.new(_OWNER)
    _put(system, transaction, "[]")
    execution = system.start(
        {"transaction": str(transaction)},
        machine=system.outputs["ProcessStateMachineArn"],
        name=transaction.execution_name,
    )
    system.end_of(execution).must_be("FAILED")
    state = _get(system, "process-state", transaction.id)
    assert state["error"] == "RequestRefusedError"
    assert state["cause"].startswith("Step A: The data of transaction")


def process_that_is_not_shown_yet_is_running(system: System) -> None:
    """Its data are there, and Step Functions does not know it."""
    transaction = Transaction.new(_OWNER)
    _put(system, transaction, '{"processInput": {}}')
    assert _get(system, "process-state", transaction.id)["status"] == "RUNNING"


def unknown_transaction_is_told_from_a_forbidden_one(system: System) -> None:
    for function in ("process-state", "process-data"):
        assert _get(system, function, str(uuid.uuid4()), status=404)["error"] == "TransactionNotFoundError"


def step_without_data_is_told_from_a_forbidden_one(system: System) -> None:
    event = {"transaction": str(Transaction.new(_OWNER))}
    for step in _STEPS:
        name = f"{system.stack_name}-{step}"
        answer = system.client("lambda").invoke(FunctionName=name, Payload=json.dumps(event))
        error = json.loads(answer["Payload"].read())
        assert error["errorType"] == "S3DataPreconditionError", error


def api_gateway_may_write_logs(system: System) -> None:
    """The account gets the role once more."""
    role = f"arn:aws:iam::{ACCOUNT}:role/{system.resources['ApiGatewayLogsRole']}"
    change: Any = {"op": "replace", "path": "/cloudwatchRoleArn", "value": role}
    system.client("apigateway").update_account(patchOperations=[change])


def logged_machines_live_and_go(system: System) -> None:
    """Machines under the roles of both machines, made, changed and deleted."""
    cloudformation = system.client("cloudformation")
    name = f"iam-process-{uuid.uuid4().hex[:12]}"
    stack_id = system.stack(name, _logged_machines(system, "first"))
    system.stack_must_be(stack_id, "CREATE_COMPLETE")
    cloudformation.update_stack(StackName=name, TemplateBody=json.dumps(_logged_machines(system, "second")))
    system.stack_must_be(stack_id, "UPDATE_COMPLETE")
    cloudformation.delete_stack(StackName=name)
    system.stack_must_be(stack_id, "DELETE_COMPLETE")


def _logged_machines(system: System, comment: str) -> dict[str, Any]:
    definition = {"Comment": comment, "StartAt": "End", "States": {"End": {"Type": "Succeed"}}}
    group = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/iam:*"
    logging = {"Level": "ALL", "Destinations": [{"CloudWatchLogsLogGroup": {"LogGroupArn": group}}]}
    return {
        "Resources": {
            machine: {
                "Type": "AWS::StepFunctions::StateMachine",
                "Properties": {
                    "RoleArn": f"arn:aws:iam::{ACCOUNT}:role/{system.resources[f'{machine}Role']}",
                    "DefinitionString": json.dumps(definition),
                    "LoggingConfiguration": logging,
                },
            }
            for machine in ("ProcessStateMachine", "DownstreamStateMachine")
        }
    }


def _start(system: System) -> str:
    body = json.dumps({"processInput": {"a": 1}})
    return str(_answer(system, "start-process", {"body": body})["transactionId"])


def _get(system: System, function: str, transaction: str, *, status: int = 200) -> Any:
    query = {"multiValueQueryStringParameters": {"transactionId": [transaction]}}
    return _answer(system, function, query, status=status)


def _answer(system: System, function: str, request: dict[str, Any], *, status: int = 200) -> Any:
    event = {"requestContext": {"identity": {"apiKeyId": _OWNER}}, **request}
    answer = system.invoke(function, event)
    assert answer["statusCode"] == status, answer
    return json.loads(answer["body"])


def _put(system: System, transaction: Transaction, text: str) -> None:
    """As the developer, whom the bucket's policy does not hold back here."""
    bucket = system.outputs["DataBucketName"]
    system.client("s3").put_object(Bucket=bucket, Key=transaction.key, Body=text.encode())


LANES: tuple[Lane, ...] = (
    (
        process_runs_to_its_end,
        failed_process_tells_why,
        process_that_is_not_shown_yet_is_running,
        unknown_transaction_is_told_from_a_forbidden_one,
    ),
    (step_without_data_is_told_from_a_forbidden_one, api_gateway_may_write_logs, logged_machines_live_and_go),
)
