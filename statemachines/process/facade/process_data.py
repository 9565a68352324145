"""GET /process-data?transactionId=…: returns the data that exist so far.

The body is `{"processInput": {…}, "stepA": {…}, …}`.

IAM: s3:GetObject on the data, s3:ListBucket on the bucket, without which S3 returns AccessDenied for a
missing object, kms:Decrypt of its key. Environment: DATA_BUCKET.
"""

from __future__ import annotations

from statemachines.process.data import Data, data_store
from statemachines.process.errors import TransactionNotFoundError
from statemachines.process.facade.endpoint import endpoint
from statemachines.process.facade.http import Request
from statemachines.process.transaction import Transaction
from stepline.core.fields import JsonObject


@endpoint
def handler(request: Request) -> JsonObject:
    return get_data(Transaction.of(request.owner, request.parameter("transactionId"))).members


def get_data(transaction: Transaction) -> Data:
    """Return the data. Raise `TransactionNotFoundError`."""
    data = data_store().read(transaction)
    if data is None:
        raise TransactionNotFoundError(f"There is no transaction {transaction.id}.")
    return data
