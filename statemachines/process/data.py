"""What is known of a transaction: one JSON object in S3.

Writers never overwrite what they have not seen. Each reads the object, adds a member of its own, and
writes it under the condition that it is still the one that was read; otherwise it begins anew
[S3 guide, "How to prevent object overwrites with conditional writes"]. A member that is there already
is left as it is: a step that runs twice changes nothing.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from statemachines.fields import JsonObject
from statemachines.process import settings
from statemachines.process.errors import DataTooLargeError, S3DataPreconditionError
from statemachines.process.limits import MAX_DATA_BYTES, MAX_WRITE_ATTEMPTS
from statemachines.process.transaction import Transaction
from stepline.core import clients, strict_json
from stepline.core.aws_errors import FailureKind, classify, error_code
from stepline.core.errors import RequestRefusedError, TransientAwsError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

PROCESS_INPUT: Final = "processInput"
"""The member that start-process writes; the others are the steps'."""

_EXISTS: Final = "PreconditionFailed"
"""What `If-None-Match: *` says of an object that is there [PutObject]."""

_CHANGED = frozenset({"PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey"})
"""Somebody else has written since the object was read, writes at this moment, or has deleted it: what
`If-Match` says [PutObject]."""


@dataclass(frozen=True)
class Data:
    """What was read: the members by name, and which version of the object it was."""

    transaction: Transaction
    members: Mapping[str, Any]
    etag: str

    @property
    def process_input(self) -> JsonObject:
        """What the caller gave."""
        return self.output_of(PROCESS_INPUT)

    def output_of(self, step: str) -> JsonObject:
        output: JsonObject = self.members[step]
        return output


Work = Callable[[Data], JsonObject]
"""A step's own work: its output, made of what is known. It may be run again, and must then make the same."""


def data_store() -> DataStore:
    """The store in the bucket of the settings, under the function's role."""
    return DataStore(clients.s3(), settings.data_bucket())


class DataStore:
    """Needs s3:GetObject and s3:PutObject on `transactions/*`, s3:ListBucket on the bucket, without which
    S3 says "no access" of an object that is missing, and kms:Decrypt and kms:GenerateDataKey of its key.

    Raises, where nothing else is said, what botocore raises.
    """

    def __init__(self, s3: S3Client, bucket: str) -> None:
        self._s3 = s3
        self._bucket = bucket

    def create(self, transaction: Transaction, process_input: JsonObject) -> None:
        """Store a fresh transaction. One that is there already is this one, sent again by botocore."""
        try:
            self._put(transaction, {PROCESS_INPUT: process_input}, IfNoneMatch="*")
        except ClientError as error:
            if error_code(error) != _EXISTS:
                raise

    def read(self, transaction: Transaction) -> Data | None:
        """None if there is none. Raises `RequestRefusedError` for an object that we did not write."""
        try:
            answer = self._s3.get_object(Bucket=self._bucket, Key=transaction.key)
            with contextlib.closing(answer["Body"]) as stream:
                body = stream.read()
        except ClientError as error:
            if classify(error) is FailureKind.MISSING and error_code(error) != "NoSuchBucket":
                return None
            raise
        return Data(transaction, _members(body, transaction), answer["ETag"])

    def add(self, transaction: Transaction, member: str, work: Work, *, after: str) -> bool:
        """Add what `work` makes as `member`; False if it was there already.

        Raises `S3DataPreconditionError` while `after` is not there, `TransientAwsError` if others
        write all the time, and `DataTooLargeError`.
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
        raise TransientAwsError(f"Others keep writing the data of transaction {transaction.id}.")

    def _read_after(self, transaction: Transaction, after: str) -> Data:
        data = self.read(transaction)
        if data is None or after not in data.members:
            raise S3DataPreconditionError(
                f'"{after}" is not written yet in the data of transaction {transaction.id}.'
            )
        return data

    def _put(self, transaction: Transaction, members: JsonObject, **condition: str) -> None:
        """`condition` is IfMatch or IfNoneMatch."""
        body = strict_json.canonical(members).encode()
        if len(body) > MAX_DATA_BYTES:
            raise DataTooLargeError(
                f"The data of transaction {transaction.id} would have {len(body):,} bytes,"
                f" of {MAX_DATA_BYTES:,} at most. Put what is large into objects of its own,"
                " and their keys into the output."
            )
        arguments: Any = condition  # boto3's types know no keywords of a dictionary
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
        raise RequestRefusedError(f"The data of transaction {transaction.id} is no JSON: {error}.") from error
    if not isinstance(members, Mapping) or not all(isinstance(item, Mapping) for item in members.values()):
        raise RequestRefusedError(f"The data of transaction {transaction.id} was not written by the process.")
    return members
