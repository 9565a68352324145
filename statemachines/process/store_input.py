"""Store Input: stores the input of an execution that the REST API has not started, as a new transaction.

Such executions are started by a pipeline's action, by another state machine or by a person. The id of the
transaction is derived from the execution's name, so that a repeated attempt finds the transaction.

IAM: s3:PutObject on the data, kms:GenerateDataKey of their key; for inputs above 256 KB, s3:GetObjectVersion
on the bucket of large data, kms:Decrypt of its key, and s3:ListBucket, without which S3 returns AccessDenied
for a missing object. Environment: DATA_BUCKET; LARGE_DATA_BUCKET, if inputs may travel through that bucket.
"""

from __future__ import annotations

from typing import Final

from statemachines.process.data import PROCESS_INPUT, data_store
from statemachines.process.process_input import parse_process_input
from statemachines.process.step import SERVICE
from statemachines.process.transaction import Transaction
from statemachines.task import task
from stepline.core import clients
from stepline.core.environment import optional
from stepline.core.errors import InvalidInputError
from stepline.core.fields import Fields, JsonObject
from stepline.core.large_data import LargeDataStore, S3Reference, load_json
from stepline.core.limits import MAX_INPUT_BYTES
from stepline.core.trigger_keys import TRIGGER_KEYS

LARGE_DATA_BUCKET: Final = "LARGE_DATA_BUCKET"

OWNER: Final = "execution"
"""Of these transactions. No API key has this id: AWS's ids have ten characters."""


@task(SERVICE)
def handler(event: Fields) -> JsonObject:
    """`{"input": {"processInput": {…}}, "executionName"}` -> `{"transaction": "execution/<id>"}`.

    The input may be a reference to a large one. The keys that the pipeline's trigger adds are ignored.
    """
    document = _whole_input(Fields(event.value("input"), "the input"))
    document.allow_only([PROCESS_INPUT, *TRIGGER_KEYS])
    process_input = parse_process_input(
        document, expected='The input must be {"processInput": {…}}, or {"transaction": "<owner>/<id>"}.'
    )
    transaction = Transaction.named(OWNER, event.text("executionName"))
    data_store().create(transaction, process_input)
    return {"transaction": str(transaction)}


def _whole_input(document: Fields) -> Fields:
    """Return the input to which `s3Reference` refers, or `document` without a reference."""
    reference = S3Reference.find(document)
    if reference is None:
        return document
    bucket = optional(LARGE_DATA_BUCKET)
    if not bucket:
        raise InvalidInputError(
            f"The input has more than {MAX_INPUT_BYTES:,} bytes and is in S3: set the parameter"
            " LargeDataBucketName of the process to the bucket, so that the process can read it."
        )
    return Fields(load_json(LargeDataStore(clients.s3(), bucket), reference), str(reference))
