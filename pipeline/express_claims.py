"""Stores in S3 which jobs have started an Express execution, and how it ended."""

from __future__ import annotations

import contextlib
import dataclasses
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from stepline.core.aws_errors import (
    AWS_FAILURES,
    PRECONDITION_CODES,
    FailureKind,
    classify,
    error_code,
    failed_call,
)
from stepline.core.errors import ConfigurationError
from stepline.core.executions.arns import ExecutionArn
from stepline.core.executions.describe import Execution, parse_execution

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_PREFIX = "stepline/express/"


@dataclass(frozen=True)
class Claim:
    """The claim of an invocation, `owner`, on a job's execution. `claimed` is in seconds since 1970."""

    machine: str
    owner: str
    claimed: int
    result: Execution | None = None


class ClaimStore:
    """Needs s3:PutObject, s3:GetObject and s3:DeleteObject on `stepline/express/*` of the bucket, and
    s3:ListBucket on the bucket, because without it S3 returns AccessDenied for a missing object.
    """

    def __init__(self, s3: S3Client, bucket: str) -> None:
        self._s3 = s3
        self._bucket = bucket

    def take(self, name: str, claim: Claim) -> bool:
        """Store `claim` and return True, or return False if there is another one."""
        try:
            self._s3.put_object(
                Bucket=self._bucket, Key=self._key(name), Body=_to_json(claim), IfNoneMatch="*"
            )
        except AWS_FAILURES as error:
            if error_code(error) in PRECONDITION_CODES:
                return False
            raise failed_call("s3:PutObject", self._arn(name), error) from error
        return True

    def read(self, name: str) -> Claim | None:
        try:
            response = self._s3.get_object(Bucket=self._bucket, Key=self._key(name))
            with contextlib.closing(response["Body"]) as body:
                return self._from_json(name, body.read())
        except AWS_FAILURES as error:
            if classify(error) is FailureKind.MISSING:
                return None
            raise failed_call("s3:GetObject", self._arn(name), error) from error

    def record(self, name: str, claim: Claim) -> None:
        """Replace the claim by one with a result. Raise botocore's exceptions."""
        self._s3.put_object(Bucket=self._bucket, Key=self._key(name), Body=_to_json(claim))

    def release(self, name: str) -> None:
        """Delete the claim. If this fails, the job fails later because its outcome is unknown."""
        with contextlib.suppress(*AWS_FAILURES):
            self._s3.delete_object(Bucket=self._bucket, Key=self._key(name))

    def _from_json(self, name: str, data: bytes) -> Claim:
        try:
            members = json.loads(data)
            result = members.pop("result")
            return dataclasses.replace(
                Claim(**members), result=None if result is None else _execution(result)
            )
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ConfigurationError(f"{self._arn(name)} was not written by the trigger.") from error

    def _key(self, name: str) -> str:
        return f"{_PREFIX}{name}.json"

    def _arn(self, name: str) -> str:
        return f"arn:{self._s3.meta.partition}:s3:::{self._bucket}/{self._key(name)}"


def _to_json(claim: Claim) -> bytes:
    members = {"machine": claim.machine, "owner": claim.owner, "claimed": claim.claimed, "result": None}
    result = claim.result
    if result is not None:
        members["result"] = {
            "executionArn": str(result.arn),
            "status": result.status.value,
            "startDate": result.started.timestamp(),
            "stopDate": None if result.stopped is None else result.stopped.timestamp(),
            "output": result.output,
            "error": result.error,
            "cause": result.cause,
        }
    return json.dumps(members).encode()


def _execution(members: Any) -> Execution:
    arn = ExecutionArn.parse(members["executionArn"])
    if arn is None:
        raise ValueError("no execution ARN")
    dates = {name: members.get(name) for name in ("startDate", "stopDate")}
    read = {name: date and datetime.fromtimestamp(date, UTC) for name, date in dates.items()}
    return parse_execution({**members, **read}, arn)
