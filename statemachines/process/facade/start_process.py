"""POST /start-process: stores the input of a new transaction and starts the process.

The body is `{"processInput": {…}}`, that of the response `{"transactionId": …}`. The data are stored first,
so that all steps find them. If the start then fails, the caller repeats the request, which creates another
transaction. The data of the first one, whose id nobody knows, expire.

IAM: s3:PutObject on the data, kms:GenerateDataKey of their key, states:StartExecution on the process.
Environment: DATA_BUCKET, STATE_MACHINE_ARN.
"""

from __future__ import annotations

from aws_lambda_powertools import Logger

from statemachines.process.data import PROCESS_INPUT, data_store
from statemachines.process.facade.endpoint import SERVICE, endpoint
from statemachines.process.facade.http import Request
from statemachines.process.process_input import parse_process_input
from statemachines.process.transaction import Transaction
from stepline.core import clients, environment, strict_json
from stepline.core.executions.start import start_execution
from stepline.core.fields import JsonObject

_log = Logger(service=SERVICE)


@endpoint
def handler(request: Request) -> JsonObject:
    body = request.document()
    body.allow_only([PROCESS_INPUT])
    process_input = parse_process_input(body, expected='The body must be {"processInput": {…}}.')
    transaction = Transaction.new(request.owner)
    data_store().create(transaction, process_input)
    execution = start_execution(
        clients.stepfunctions(),
        environment.machine("STATE_MACHINE_ARN"),
        transaction.execution_name,
        strict_json.canonical({"transaction": str(transaction)}),
    )
    _log.info("Process started", transaction_id=transaction.id, execution_arn=str(execution))
    return {"transactionId": transaction.id}
