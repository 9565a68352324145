"""The decorator of all steps: reads the data, checks the precondition, and writes the output once.

IAM: s3:GetObject and s3:PutObject on the data, s3:ListBucket on the bucket, kms:Decrypt and
kms:GenerateDataKey of its key.
Environment: DATA_BUCKET.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Final

from aws_lambda_powertools import Logger

from statemachines.process.data import StepFunction, data_store
from statemachines.process.transaction import Transaction
from statemachines.task import Handler, task
from stepline.core.fields import Fields, JsonObject

SERVICE: Final = "process"
_log = Logger(service=SERVICE)


def step(*, writes: str, after: str) -> Callable[[StepFunction], Handler]:
    """Create a task handler from a function that returns the step's output for the data of a transaction.

    `writes` is the member for the output, `after` the one that must exist before. The event is
    `{"transaction": "<owner>/<id>"}`, the result `{"wrote": …}` or `{"hadWritten": …}`: no data are passed
    through the workflow.
    """

    def decorate(work: StepFunction) -> Handler:
        @functools.wraps(work)
        def run(event: Fields) -> JsonObject:
            transaction = Transaction.parse(event.text("transaction"))
            written = data_store().add(transaction, writes, work, after=after)
            _log.info("Step completed", transaction_id=transaction.id, member=writes, written=written)
            return {"wrote" if written else "hadWritten": writes}

        return task(SERVICE)(run)

    return decorate
