"""What every step does around its own work: read the data, check the precondition, write its output, once.

IAM: s3:GetObject and s3:PutObject on the data, s3:ListBucket on the bucket, kms:Decrypt and
kms:GenerateDataKey of its key.
Environment: DATA_BUCKET.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Final

from aws_lambda_powertools import Logger

from statemachines.fields import Fields, JsonObject
from statemachines.process.data import Work, data_store
from statemachines.process.transaction import Transaction
from statemachines.task import Handler, task

SERVICE: Final = "process"
_log = Logger(service=SERVICE)


def step(*, writes: str, after: str) -> Callable[[Work], Handler]:
    """Make a task's handler of a function that makes the step's output of the transaction's data.

    `writes` names the output's member of the data; `after` the one that must be there before. The
    event is `{"transaction": "<owner>/<id>"}`, the answer `{"wrote": …}` or `{"hadWritten": …}`: no data
    travel through the workflow.
    """

    def decorate(work: Work) -> Handler:
        @functools.wraps(work)
        def run(event: Fields) -> JsonObject:
            transaction = Transaction.parse(event.text("transaction"))
            written = data_store().add(transaction, writes, work, after=after)
            _log.info("step done", transaction_id=transaction.id, member=writes, written=written)
            return {"wrote" if written else "hadWritten": writes}

        return task(SERVICE)(run)

    return decorate
