"""Remembers the jobs that wait for the end of an execution, in a DynamoDB table.

There is one item for each run of an action. Its key is the id of the action's first job, from which the name
of the execution is derived, so that the execution's status event leads to it:

| attribute      | meaning                                                                                 |
|----------------|-----------------------------------------------------------------------------------------|
| `firstJob`     | the key                                                                                 |
| `job`          | the job that needs a result now                                                         |
| `execution`    | ARN of the execution, once `job` is held for its end                                    |
| `deadline`     | when the action's timeout passes, in seconds since 1970; with `execution`               |
| `pipeline`     | the pipeline, its execution, and the action, as a JSON list; with `execution`           |
| `ended`        | true if the status event of the execution's end has arrived                             |
| `changed`      | when `job` was last changed, in seconds since 1970                                      |
| `expires`      | when DynamoDB deletes the item, if nothing else has, in seconds since 1970              |

The job of a Lambda action, of which GetJobDetails knows nothing, has what its result needs instead of
`pipeline`:

| attribute           | meaning                                                                            |
|---------------------|------------------------------------------------------------------------------------|
| `continuationToken` | with which the job can be continued; it contains nothing secret                    |
| `userParameters`    | of the action's UserParameters only `timeoutMinutes` and `outputVariables`         |
| `reported`          | when the token of the job was reported, in seconds since 1970: its order           |
| `deadline`          | when the job is continued at the latest                                            |

The worker that holds a job and the one that sees the status event may be two at the same time. Each writes
its part before it reads that of the other, in one request: so at least one of them sees both, and reports the
result.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING, Any, Final

from pipeline.job_event import PipelineContext
from pipeline.limits import OPEN_JOB_EXPIRES_SECONDS
from pipeline.observability import logger
from stepline.core.aws_errors import AWS_FAILURES, AwsFailure, error_code, failed_call
from stepline.core.errors import SteplineError
from stepline.core.executions.arns import ExecutionArn

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_CONDITION_FAILED: Final = "ConditionalCheckFailedException"


@dataclass(frozen=True)
class OpenJob:
    """An item of the table. `execution`, `deadline` and `pipeline` are None until the job is held.

    `continuation_token` and `user_parameters`: of a Lambda action only, which has no `pipeline`.
    """

    first_job_id: str
    job_id: str
    execution: ExecutionArn | None
    deadline: int | None
    pipeline: PipelineContext | None
    has_ended: bool
    changed: int
    continuation_token: str | None = None
    user_parameters: str | None = None

    @property
    def is_of_lambda_action(self) -> bool:
        return self.continuation_token is not None


class OpenJobs:
    """The table. Every method but `forget` raises the errors of `failed_call`."""

    def __init__(self, dynamodb: DynamoDBClient, table: str) -> None:
        self._dynamodb = dynamodb
        self._table = table

    def remember(self, first_job_id: str, job_id: str, now: int) -> None:
        """Record a job before it is acknowledged: CodePipeline does not offer it again afterwards."""
        self._update(
            first_job_id,
            "SET job = :job, changed = :now, expires = :expires REMOVE execution, deadline, pipeline",
            {":job": {"S": job_id}, ":now": _number(now), ":expires": _expires(now)},
            condition="attribute_not_exists(job) OR job <> :job",
        )

    def hold(
        self,
        first_job_id: str,
        job_id: str,
        execution: ExecutionArn,
        *,
        pipeline: PipelineContext,
        deadline: int,
        now: int,
    ) -> OpenJob | None:
        """Record that the job waits for the end of `execution`; None if the action has another job by now."""
        return self._update(
            first_job_id,
            "SET execution = :execution, deadline = :deadline, pipeline = :pipeline, changed = :now,"
            " expires = :expires",
            {
                ":job": {"S": job_id},
                ":execution": {"S": str(execution)},
                ":deadline": _number(deadline),
                ":pipeline": {"S": json.dumps(astuple(pipeline))},
                ":now": _number(now),
                ":expires": _expires(now),
            },
            condition="job = :job",
        )

    def hold_lambda_job(
        self,
        first_job_id: str,
        job_id: str,
        execution: ExecutionArn,
        *,
        continuation_token: str,
        user_parameters: str,
        reported: int,
        deadline: int,
        now: int,
    ) -> OpenJob | None:
        """Record that the job of a Lambda action waits for the end of `execution`.

        Return None if a later job of the action is recorded: the event of this one was repeated.
        """
        return self._update(
            first_job_id,
            "SET job = :job, execution = :execution, deadline = :deadline, changed = :now,"
            " expires = :expires, continuationToken = :token, userParameters = :parameters,"
            " reported = :reported",
            {
                ":job": {"S": job_id},
                ":execution": {"S": str(execution)},
                ":deadline": _number(deadline),
                ":now": _number(now),
                ":expires": _expires(now),
                ":token": {"S": continuation_token},
                ":parameters": {"S": user_parameters},
                ":reported": _number(reported),
            },
            condition="attribute_not_exists(reported) OR reported <= :reported",
        )

    def read(self, first_job_id: str) -> OpenJob | None:
        """Return the item of the action; None if no job of it is open."""
        try:
            response = self._dynamodb.get_item(
                TableName=self._table, Key={"firstJob": {"S": first_job_id}}, ConsistentRead=True
            )
        except AWS_FAILURES as error:
            raise self._failed("GetItem", error) from error
        return _open_job(response["Item"]) if "Item" in response else None

    def mark_ended(self, first_job_id: str) -> OpenJob | None:
        """Record that the action's execution has ended; None if no worker has started it."""
        return self._update(
            first_job_id,
            "SET ended = :true",
            {":true": {"BOOL": True}},
            condition="attribute_exists(firstJob)",
        )

    def forget(self, first_job_id: str, job_id: str) -> None:
        """Delete the item, if this is still the action's job; if that fails, DynamoDB does it later."""
        try:
            self._dynamodb.delete_item(
                TableName=self._table,
                Key={"firstJob": {"S": first_job_id}},
                ConditionExpression="job = :job",
                ExpressionAttributeValues={":job": {"S": job_id}},
            )
        except AWS_FAILURES as error:
            if error_code(error) != _CONDITION_FAILED:
                problem = self._failed("DeleteItem", error)
                logger.warning("The item of the job could not be deleted", extra=problem.fields)

    def all(self) -> Iterator[OpenJob]:
        """Yield all items, in any order."""
        try:
            for page in self._dynamodb.get_paginator("scan").paginate(
                TableName=self._table, ConsistentRead=True
            ):
                for item in page["Items"]:
                    yield _open_job(item)
        except AWS_FAILURES as error:
            raise self._failed("Scan", error) from error

    def _update(
        self, first_job_id: str, expression: str, values: Mapping[str, Any], *, condition: str
    ) -> OpenJob | None:
        """Return the item after the update, or None if the condition does not hold."""
        try:
            response = self._dynamodb.update_item(
                TableName=self._table,
                Key={"firstJob": {"S": first_job_id}},
                UpdateExpression=expression,
                ConditionExpression=condition,
                ExpressionAttributeValues=values,
                ReturnValues="ALL_NEW",
            )
        except AWS_FAILURES as error:
            if error_code(error) == _CONDITION_FAILED:
                return None
            raise self._failed("UpdateItem", error) from error
        return _open_job(response["Attributes"])

    def _failed(self, operation: str, error: AwsFailure) -> SteplineError:
        return failed_call(f"dynamodb:{operation}", f"the table {self._table}", error)


def _open_job(item: Mapping[str, Any]) -> OpenJob:
    return OpenJob(
        first_job_id=item["firstJob"]["S"],
        job_id=item["job"]["S"],
        execution=ExecutionArn.parse(item["execution"]["S"]) if "execution" in item else None,
        deadline=int(item["deadline"]["N"]) if "deadline" in item else None,
        pipeline=PipelineContext(*json.loads(item["pipeline"]["S"])) if "pipeline" in item else None,
        has_ended=item.get("ended", {}).get("BOOL", False),
        changed=int(item["changed"]["N"]),
        continuation_token=item.get("continuationToken", {}).get("S"),
        user_parameters=item.get("userParameters", {}).get("S"),
    )


def _number(value: int) -> dict[str, str]:
    return {"N": str(value)}


def _expires(now: int) -> dict[str, str]:
    return _number(now + OPEN_JOB_EXPIRES_SECONDS)
