"""Store Input: stores the input of an execution that the REST API has not started, as a new transaction.

Such executions are started by a pipeline's action, by another state machine or by a person. The id of the
transaction is derived from the execution's name, so that a repeated attempt finds the transaction.

IAM: s3:PutObject on the data, kms:GenerateDataKey of their key. Environment: DATA_BUCKET.
"""

from __future__ import annotations

from typing import Final

from statemachines.process.data import PROCESS_INPUT, data_store
from statemachines.process.process_input import parse_process_input
from statemachines.process.step import SERVICE
from statemachines.process.transaction import Transaction
from statemachines.task import task
from stepline.core.fields import Fields, JsonObject
from stepline.core.trigger_keys import TRIGGER_KEYS

OWNER: Final = "execution"
"""Of these transactions. No API key has this id: AWS's ids have ten characters."""


@task(SERVICE)
def handler(event: Fields) -> JsonObject:
    """`{"input": {"processInput": {…}}, "executionName"}` -> `{"transaction": "execution/<id>"}`.

    The keys that the pipeline's trigger adds are ignored.
    """
    document = Fields(event.value("input"), "the input")
    document.allow_only([PROCESS_INPUT, *TRIGGER_KEYS])
    process_input = parse_process_input(
        document, expected='The input must be {"processInput": {…}}, or {"transaction": "<owner>/<id>"}.'
    )
    transaction = Transaction.named(OWNER, event.text("executionName"))
    data_store().create(transaction, process_input)
    return {"transaction": str(transaction)}
