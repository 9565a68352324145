"""Stores the data of a transaction: one JSON object in S3.

A writer reads the object, adds a member, and writes it by a conditional write, which fails if another process
has changed the object since; then it starts again [S3 guide, "How to prevent object overwrites with
conditional writes"]. A member that exists is not changed, so a step may run twice.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from statemachines.process.errors import DataTooLargeError, S3DataPreconditionError
from statemachines.process.limits import MAX_DATA_BYTES, MAX_WRITE_ATTEMPTS
from statemachines.process.transaction import Transaction
from stepline.core import clients, strict_json
from stepline.core.aws_errors import FailureKind, classify, error_code
from stepline.core.environment import required
from stepline.core.errors import RequestRefusedError, TransientAwsError
from stepline.core.fields import JsonObject

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

PROCESS_INPUT: Final = "processInput"
"""The member that start-process writes; the steps write the others."""

_EXISTS: Final = "PreconditionFailed"
"""The error of `If-None-Match: *` if the object exists [PutObject]."""

_CHANGED = frozenset({"PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey"})
"""The errors of `If-Match` if another process has written, is writing or has deleted the object
[PutObject]."""


@dataclass(frozen=True)
class Data:
    """The data of a transaction: the members by name, and the ETag of the object."""

    transaction: Transaction
    members: Mapping[str, Any]
    etag: str

    @property
    def process_input(self) -> JsonObject:
        """The input in the caller's request."""
        return self.output_of(PROCESS_INPUT)

    def output_of(self, step: str) -> JsonObject:
        output: JsonObject = self.members[step]
        return output


StepFunction = Callable[[Data], JsonObject]
"""Returns the output of a step. It may run again, and must then return the same."""


def data_store() -> DataStore:
    """Return the store in the bucket DATA_BUCKET, which uses the function's role."""
    return DataStore(clients.s3(), required("DATA_BUCKET"))


class DataStore:
    """Needs s3:GetObject and s3:PutObject on `transactions/*`, s3:ListBucket on the bucket, without which S3
    returns AccessDenied for a missing object, and kms:Decrypt and kms:GenerateDataKey of its key.

    All methods also raise botocore's exceptions.
    """

    def __init__(self, s3: S3Client, bucket: str) -> None:
        self._s3 = s3
        self._bucket = bucket

    def create(self, transaction: Transaction, process_input: JsonObject) -> None:
        """Store a new transaction. If it exists, botocore has sent the request twice."""
        try:
            self._put(transaction, {PROCESS_INPUT: process_input}, IfNoneMatch="*")
        except ClientError as error:
            if error_code(error) != _EXISTS:
                raise

    def read(self, transaction: Transaction) -> Data | None:
        """Return the data, or None if the transaction does not exist.

        Raise `RequestRefusedError` for an object that the process did not write.
        """
        try:
            response = self._s3.get_object(Bucket=self._bucket, Key=transaction.key)
            with contextlib.closing(response["Body"]) as stream:
                body = stream.read()
        except ClientError as error:
            if classify(error) is FailureKind.MISSING and error_code(error) != "NoSuchBucket":
                return None
            raise
        return Data(transaction, _members(body, transaction), response["ETag"])

    def add(self, transaction: Transaction, member: str, work: StepFunction, *, after: str) -> bool:
        """Add the result of `work` as `member` and return True, or return False if `member` exists.

        Raise `S3DataPreconditionError` while `after` does not exist, `TransientAwsError` if other processes
        keep writing, or `DataTooLargeError`.
        """
        for _ in range(MAX_WRITE_ATTEMPTS):
            data = self._read_after(transaction, after)
            if member in data.members:
                return False
            members = {**data.members, member: work(data)}
            try:
                self._put(transaction, members, IfMatch=data.etag)
            except ClientError as error:
                if error_code(error) not in _CHANGED:
                    raise
            else:
                return True
        raise TransientAwsError(f"Other processes keep writing the data of transaction {transaction.id}.")

    def _read_after(self, transaction: Transaction, after: str) -> Data:
        data = self.read(transaction)
        if data is None or after not in data.members:
            raise S3DataPreconditionError(
                f'"{after}" does not exist yet in the data of transaction {transaction.id}.'
            )
        return data

    def _put(self, transaction: Transaction, members: JsonObject, **condition: str) -> None:
        """Write the object if `condition`, IfMatch or IfNoneMatch, is true."""
        body = strict_json.canonical(members).encode()
        if len(body) > MAX_DATA_BYTES:
            raise DataTooLargeError(
                f"The data of transaction {transaction.id} would have {len(body):,} bytes;"
                f" {MAX_DATA_BYTES:,} are allowed. Put large output into objects of its own,"
                " and their keys into the output."
            )
        arguments: Any = condition  # the type stubs do not support keywords from a dictionary
        self._s3.put_object(
            Bucket=self._bucket,
            Key=transaction.key,
            Body=body,
            ContentType="application/json",
            **arguments,
        )


def _members(body: bytes, transaction: Transaction) -> Mapping[str, Any]:
    try:
        members = strict_json.loads(body)
    except ValueError as error:
        raise RequestRefusedError(
            f"The data of transaction {transaction.id} is not JSON: {error}."
        ) from error
    if not isinstance(members, Mapping) or not all(isinstance(item, Mapping) for item in members.values()):
        raise RequestRefusedError(f"The data of transaction {transaction.id} was not written by the process.")
    return members
