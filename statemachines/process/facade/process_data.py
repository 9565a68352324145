"""GET /process-data?transactionId=…: the data as far as the process has come.

Answers `{"processInput": {…}, "stepA": {…}, …}`.

IAM: s3:GetObject on the data, s3:ListBucket on the bucket, so that a missing object is told from a forbidden
one, kms:Decrypt of its key.
Environment: DATA_BUCKET.
"""

from __future__ import annotations

from statemachines.fields import JsonObject
from statemachines.process.data import Data, data_store
from statemachines.process.errors import TransactionNotFoundError
from statemachines.process.facade.endpoint import endpoint
from statemachines.process.facade.http import Request
from statemachines.process.transaction import Transaction


@endpoint
def handler(request: Request) -> JsonObject:
    return known_data(Transaction.of(request.owner, request.parameter("transactionId"))).members


def known_data(transaction: Transaction) -> Data:
    """Raises `TransactionNotFoundError`."""
    data = data_store().read(transaction)
    if data is None:
        raise TransactionNotFoundError(f"There is no transaction {transaction.id}.")
    return data
