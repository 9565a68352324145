"""GET /process-state?transactionId=…: returns the status of the process, and why it failed.

The body is `{"transactionId": …, "status": …, "error"?: …, "cause"?: …}`.

IAM: states:DescribeExecution and states:GetExecutionHistory on the process's executions; s3:GetObject on
the data, s3:ListBucket on the bucket, kms:Decrypt of its key.
Environment: DATA_BUCKET, STATE_MACHINE_ARN.
"""

from __future__ import annotations

from statemachines.process.facade.endpoint import endpoint
from statemachines.process.facade.http import Request
from statemachines.process.facade.process_data import get_data
from statemachines.process.transaction import Transaction
from stepline.core import clients, environment
from stepline.core.executions.describe import Execution, Status, describe_execution
from stepline.core.executions.failure import read_failure
from stepline.core.fields import JsonObject


@endpoint
def handler(request: Request) -> JsonObject:
    transaction = Transaction.of(request.owner, request.parameter("transactionId"))
    arn = environment.machine("STATE_MACHINE_ARN").execution(transaction.execution_name)
    execution = describe_execution(clients.stepfunctions(), arn)
    if execution is None:
        # Just after the start, DescribeExecution may not find it yet; the data in S3 exist.
        get_data(transaction)
    if execution is None or execution.status.is_open:
        return {"transactionId": transaction.id, "status": Status.RUNNING.value}
    return {"transactionId": transaction.id, "status": execution.status.value, **_failure(execution)}


def _failure(execution: Execution) -> JsonObject:
    if execution.status is Status.SUCCEEDED:
        return {}
    failure = read_failure(clients.stepfunctions(), execution)
    cause = f"{failure.state}: {failure.cause}" if failure.state else failure.cause
    return {"error": failure.error, "cause": cause}
