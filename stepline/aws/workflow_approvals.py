"""Finds the executions of state machines that wait for an approval, and answers them.

The requests are in a table of each installation of the Deploy state machine and of the rollout; the index
that is read has no task tokens. `stepline.core.approvals` describes how the answer proves who gives it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlsplit

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import ClientError

from stepline.aws.target import Target
from stepline.core.approvals import (
    ANSWER_FUNCTIONS,
    ANSWER_HEADER,
    IDENTITY_BODY,
    IDENTITY_CONTENT_TYPE,
    REQUEST_ATTRIBUTE,
    WAITING_INDEX,
    ApprovalAnswer,
    ApprovalKind,
    Decision,
)
from stepline.core.aws_errors import FailureKind, classify, error_code
from stepline.core.errors import UsageError

_RUNNING: Final = "RUNNING"
_GLOBAL_STS: Final = "sts.amazonaws.com"


@dataclass(frozen=True)
class ThreatenedResource:
    """A resource that the change removes or replaces. `causes` are such as "property QueueName"."""

    path: str
    type: str
    effect: str
    causes: tuple[str, ...]

    def __str__(self) -> str:
        causes = f", because of {'; '.join(self.causes)}" if self.causes else ""
        return f"{self.path} ({self.type}) {self.effect}{causes}"


@dataclass(frozen=True)
class WorkflowApproval:
    """An execution of a state machine that waits for an approval. What is unknown is empty."""

    id: str
    table: str
    pipeline: str
    stage: str
    action: str
    execution_id: str
    execution_arn: str
    revision: str
    requester: str
    not_by_requester: bool
    requested_at: datetime
    expires_at: datetime

    @property
    def options(self) -> str:
        """The argument of `stepline approve` that names it."""
        return self.id

    @property
    def title(self) -> str:
        raise NotImplementedError

    @property
    def lines(self) -> list[str]:
        """What people decide about."""
        raise NotImplementedError


@dataclass(frozen=True)
class ChangeApproval(WorkflowApproval):
    """A change of a stack. `omitted` is the number of resources that are not listed."""

    stack_name: str
    resources: tuple[ThreatenedResource, ...]
    omitted: int

    @property
    def title(self) -> str:
        return f"a change of the stack {self.stack_name}"

    @property
    def lines(self) -> list[str]:
        more = [f"and {self.omitted} more resources"] if self.omitted else []
        return [*map(str, self.resources), *more]


@dataclass(frozen=True)
class WaveApproval(WorkflowApproval):
    """A wave of a rollout. `finished` says what happened to the targets of the wave before it, `following`
    what it would deploy; so many targets of each are not listed.
    """

    finished_wave: str
    wave: str
    finished: tuple[str, ...]
    omitted_finished: int
    following: tuple[str, ...]
    omitted_following: int

    @property
    def title(self) -> str:
        return f"{self.wave} of the rollout {self.execution_arn.rpartition(':')[2]}"

    @property
    def lines(self) -> list[str]:
        return [
            f"{self.finished_wave}:",
            *_indented(self.finished, self.omitted_finished),
            f"{self.wave} would deploy:",
            *_indented(self.following, self.omitted_following),
        ]


def parse_approval(table: str, description: str) -> WorkflowApproval:
    """Parse the description that a state machine has stored."""
    found: Mapping[str, Any] = json.loads(description)
    common: dict[str, Any] = {
        "id": found["id"],
        "table": table,
        "pipeline": found["pipelineName"],
        "stage": found["stage"],
        "action": found["action"],
        "execution_id": found["pipelineExecutionId"],
        "execution_arn": found["executionArn"],
        "revision": found["revision"],
        "requester": found["requester"],
        "not_by_requester": found["notByRequester"],
        "requested_at": datetime.fromisoformat(found["requestedAt"]),
        "expires_at": datetime.fromisoformat(found["expiresAt"]),
    }
    if found["kind"] == ApprovalKind.WAVE:
        return WaveApproval(
            **common,
            finished_wave=found["wave"],
            wave=found["nextWave"],
            finished=tuple(found["finished"]),
            omitted_finished=found["omittedFinished"],
            following=tuple(found["next"]),
            omitted_following=found["omittedNext"],
        )
    return ChangeApproval(
        **common,
        stack_name=found["stackName"],
        resources=tuple(
            ThreatenedResource(each["path"], each["type"], each["effect"], tuple(each["causes"]))
            for each in found["resources"]
        ),
        omitted=found["omitted"],
    )


def _indented(lines: Iterable[str], omitted: int) -> Iterator[str]:
    yield from (f"  {line}" for line in lines)
    if omitted:
        yield f"  and {omitted} more"


def list_workflow_approvals(target: Target, tables: Sequence[str] | None = None) -> list[WorkflowApproval]:
    """Return what waits for an approval, the oldest first. `tables` are those of `list_approval_tables`.

    Those of installations whose table the user may not read are left out. Raise ClientError if there are no
    others.
    """
    now = datetime.now(UTC)
    known = list_approval_tables(target) if tables is None else tables
    found = [each for each in _readable(target, known) if each.expires_at > now]
    running = [each for each in found if _is_running(target, each.execution_arn)]
    return sorted(running, key=lambda each: each.requested_at)


def list_readable_workflow_approvals(
    target: Target, tables: Sequence[str] | None = None
) -> list[WorkflowApproval]:
    """Return the same, and nothing if the user may not read them."""
    try:
        return list_workflow_approvals(target, tables)
    except ClientError as error:
        if classify(error) is not FailureKind.PERMISSION:
            raise
        return []


def answer_workflow_approval(
    target: Target, approval: WorkflowApproval, decision: Decision, reason: str
) -> str:
    """Approve or reject. Return the user's ARN, as AWS has confirmed it. Raises UsageError if refused."""
    answer = ApprovalAnswer(_table_arn(target, approval.table), approval.id, decision, reason)
    event = {
        "id": approval.id,
        "decision": decision.value,
        "reason": reason,
        "proof": proof_of_identity(target, answer),
    }
    name = _answer_function(approval.table)
    try:
        response = target.client("lambda").invoke(FunctionName=name, Payload=json.dumps(event).encode())
    except ClientError as error:
        if classify(error) is not FailureKind.PERMISSION:
            raise
        raise UsageError(
            f"you may not answer {approval.title}: the policy of the output ApproverPolicyArn allows it "
            f"({error_code(error)} for lambda:InvokeFunction on {name})"
        ) from error
    result = json.loads(response["Payload"].read())
    if "FunctionError" in response:
        raise UsageError(str(result.get("errorMessage", "the answer could not be stored")))
    return str(result["decidedBy"])


def proof_of_identity(target: Target, answer: ApprovalAnswer) -> dict[str, str]:
    """Sign a request for sts:GetCallerIdentity with the user's credentials; it is not sent from here."""
    credentials = target.session.get_credentials()
    if credentials is None:
        raise UsageError("no AWS credentials were found")
    headers = {"Content-Type": IDENTITY_CONTENT_TYPE, ANSWER_HEADER: answer.digest}
    request = AWSRequest("POST", _sts_url(target), data=IDENTITY_BODY.encode(), headers=headers)
    SigV4Auth(credentials.get_frozen_credentials(), "sts", target.region).add_auth(request)
    proof = {"authorization": request.headers["Authorization"], "date": request.headers["X-Amz-Date"]}
    token = request.headers.get("X-Amz-Security-Token")
    return proof | ({"securityToken": token} if token else {})


def _sts_url(target: Target) -> str:
    """Return the endpoint of the region, which the function uses, too; its name is signed."""
    url = urlsplit(target.client("sts").meta.endpoint_url)
    host = f"sts.{target.region}.amazonaws.com" if url.netloc == _GLOBAL_STS else url.netloc
    return f"{url.scheme}://{host}/"


def _table_arn(target: Target, table: str) -> str:
    caller = target.client("sts").get_caller_identity()
    partition = caller["Arn"].split(":")[1]
    return f"arn:{partition}:dynamodb:{target.region}:{caller['Account']}:table/{table}"


def _answer_function(table: str) -> str:
    """Return the name of the function of the installation that has the table."""
    suffix = next(suffix for suffix in ANSWER_FUNCTIONS if table.endswith(suffix))
    return table.removesuffix(suffix) + ANSWER_FUNCTIONS[suffix]


def list_approval_tables(target: Target) -> list[str]:
    """Return the tables with requests of all installations of the region."""
    pages = target.client("dynamodb").get_paginator("list_tables").paginate()
    names = [name for page in pages for name in page["TableNames"]]
    return [name for name in names if name.endswith(tuple(ANSWER_FUNCTIONS))]


def _readable(target: Target, tables: Sequence[str]) -> list[WorkflowApproval]:
    found: list[WorkflowApproval] = []
    denials: list[ClientError] = []
    for table in tables:
        try:
            found += _waiting(target, table)
        except ClientError as error:
            if classify(error) is not FailureKind.PERMISSION:
                raise
            denials.append(error)
    if denials and len(denials) == len(tables):
        raise denials[0]
    return found


def _waiting(target: Target, table: str) -> Iterator[WorkflowApproval]:
    pages = target.client("dynamodb").get_paginator("scan").paginate(TableName=table, IndexName=WAITING_INDEX)
    for page in pages:
        for item in page["Items"]:
            yield parse_approval(table, item[REQUEST_ATTRIBUTE]["S"])


def _is_running(target: Target, execution_arn: str) -> bool:
    try:
        response = target.client("stepfunctions").describe_execution(executionArn=execution_arn)
    except ClientError as error:
        if error_code(error) != "ExecutionDoesNotExist":
            raise
        return False
    return bool(response["status"] == _RUNNING)
