"""GET /process-state?transactionId=…: how the process is, and why it failed.

Answers `{"transactionId": …, "status": …, "error"?: …, "cause"?: …}`.

IAM: states:DescribeExecution and states:GetExecutionHistory on the process's executions; s3:GetObject on
the data, s3:ListBucket on the bucket, kms:Decrypt of its key.
Environment: DATA_BUCKET, STATE_MACHINE_ARN.
"""

from __future__ import annotations

from statemachines.fields import JsonObject
from statemachines.process import settings
from statemachines.process.facade.endpoint import endpoint
from statemachines.process.facade.http import Request
from statemachines.process.facade.process_data import known_data
from statemachines.process.transaction import Transaction
from stepline.core import clients
from stepline.core.executions.describe import Execution, Status, describe_execution
from stepline.core.executions.failure import read_failure


@endpoint
def handler(request: Request) -> JsonObject:
    transaction = Transaction.of(request.owner, request.parameter("transactionId"))
    arn = settings.process_machine().execution(transaction.execution_name)
    execution = describe_execution(clients.stepfunctions(), arn)
    answer = {"transactionId": transaction.id}
    if execution is None:
        # Just after the start, Step Functions may not show it yet [DescribeExecution]; S3 shows the data.
        known_data(transaction)
        return {**answer, "status": Status.RUNNING.value}
    if execution.status.is_open:
        return {**answer, "status": Status.RUNNING.value}
    return {**answer, "status": execution.status.value, **_failure(execution)}


def _failure(execution: Execution) -> JsonObject:
    if execution.status is Status.SUCCEEDED:
        return {}
    failure = read_failure(clients.stepfunctions(), execution)
    cause = f"{failure.state}: {failure.cause}" if failure.state else failure.cause
    return {"error": failure.error, "cause": cause}
