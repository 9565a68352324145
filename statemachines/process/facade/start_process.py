"""POST /start-process: stores the input of a new transaction and starts the process.

The body is `{"processInput": {…}}`, that of the response `{"transactionId": …}`. The data are stored first,
so that all steps find them. If the start then fails, the caller repeats the request, which creates another
transaction. The data of the first one, whose id nobody knows, expire.

IAM: s3:PutObject on the data, kms:GenerateDataKey of their key, states:StartExecution on the process.
Environment: DATA_BUCKET, STATE_MACHINE_ARN.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools import Logger

from statemachines.process.data import PROCESS_INPUT, data_store
from statemachines.process.errors import RequestTooLargeError
from statemachines.process.facade.endpoint import SERVICE, endpoint
from statemachines.process.facade.http import Request
from statemachines.process.limits import MAX_INPUT_BYTES, MAX_INPUT_LEVELS
from statemachines.process.transaction import Transaction
from stepline.core import clients, environment, strict_json
from stepline.core.errors import InvalidInputError
from stepline.core.executions.start import start_execution
from stepline.core.fields import Fields, JsonObject

_log = Logger(service=SERVICE)


@endpoint
def handler(request: Request) -> JsonObject:
    process_input = _process_input(request.document())
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


def _process_input(body: Fields) -> JsonObject:
    body.allow_only([PROCESS_INPUT])
    process_input = body.object_or_none(PROCESS_INPUT)
    if process_input is None:
        raise InvalidInputError('The body must be {"processInput": {…}}.')
    if _is_deeper(process_input, MAX_INPUT_LEVELS):
        raise body.problem(PROCESS_INPUT, f"must not have more than {MAX_INPUT_LEVELS} levels")
    try:
        stored = strict_json.canonical(process_input)
    except ValueError as error:
        raise body.problem(PROCESS_INPUT, f"cannot be stored: {error}") from error
    if len(stored.encode()) > MAX_INPUT_BYTES:  # a number may be longer than in the request: 1e15
        raise RequestTooLargeError(
            f"processInput must not be longer than {MAX_INPUT_BYTES:,} bytes when it is stored."
        )
    return process_input


def _is_deeper(value: Any, levels: int) -> bool:
    """Return whether objects and lists have more levels than that, without recursion."""
    level = [value]
    for _ in range(levels):
        level = [inner for outer in level for inner in _inside(outer)]
    return any(isinstance(item, (Mapping, list)) for item in level)


def _inside(value: Any) -> list[Any]:
    if isinstance(value, Mapping):
        return list(value.values())
    return value if isinstance(value, list) else []
