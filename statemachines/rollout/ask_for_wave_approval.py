"""Ask For Wave Approval: stores a request for approval of the next wave, and sends it to the approvers.

IAM: dynamodb:UpdateItem on the table; sns:Publish on the topic, if there is one;
codepipeline:GetPipelineExecution.
Environment: APPROVALS_TABLE_ARN; APPROVAL_TOPIC_ARN, optional.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from statemachines.approvals.asking import Question, ask
from statemachines.approvals.mail import Mail
from statemachines.deploy.request import DeployRequest
from statemachines.rollout.approval import FinishedWave
from statemachines.rollout.limits import MAX_APPROVAL_TARGETS
from statemachines.task import task
from stepline.core.approvals import ApprovalKind
from stepline.core.environment import optional
from stepline.core.executions.arns import ExecutionArn
from stepline.core.fields import Fields, JsonObject
from stepline.core.trigger_keys import CODEPIPELINE


@task("rollout")
def handler(event: Fields) -> JsonObject:
    """Event `{"taskToken", "enteredAt", "execution": {"id", "startTime"}, "plan", "progress"}`.

    Returns `{}`, which Step Functions ignores: the task ends with its token.
    """
    question = _question(event, FinishedWave.parse(event))
    ask(question, _mail(question), event.text("taskToken"), topic_arn=optional("APPROVAL_TOPIC_ARN"))
    return {}


def _question(event: Fields, finished: FinishedWave) -> Question:
    needed = event.section("progress").section("approval")
    base = event.section("plan").value("input")
    rollout = finished.rollout
    done = [_outcome(item) for item in finished.results]
    following = [_planned(base, item, finished) for item in rollout.waves[rollout.wave + 1]["targets"]]
    return Question(
        id=finished.approval_id,
        kind=ApprovalKind.WAVE,
        execution_arn=finished.execution_arn,
        asked_at=event.moment("enteredAt"),
        timeout_seconds=needed.count("timeoutSeconds"),
        not_by_requester=needed.flag("notByRequester"),
        pipeline=base.get(CODEPIPELINE) or {},
        members={
            "wave": rollout.name,
            "nextWave": rollout.next_name,
            "finished": done[:MAX_APPROVAL_TARGETS],
            "omittedFinished": max(len(done) - MAX_APPROVAL_TARGETS, 0),
            "next": following[:MAX_APPROVAL_TARGETS],
            "omittedNext": max(len(following) - MAX_APPROVAL_TARGETS, 0),
        },
    )


def _outcome(result: Any) -> str:
    """Return `canary: succeeded` or `canary: failed (StackUpdateFailedError: …)`."""
    reason = f" ({result['reason']})" if result.get("reason") else ""
    return f"{result['name']}: {result['status']}{reason}"


def _planned(base: JsonObject, target: Any, finished: FinishedWave) -> str:
    """Return `europe: the stack prod-app in 222222222222/eu-west-1`."""
    request = DeployRequest.parse({**base, **target["input"]})
    place = request.target or ExecutionArn.parse(finished.execution_arn)
    where = f" in {place.account}/{place.region}" if place else ""
    return f"{target['name']}: the stack {request.stack_name}{where}"


def _mail(question: Question) -> Mail:
    members = question.members
    return Mail(
        subject=f"Approve the next wave of the rollout? ({members['nextWave']})",
        head=f"The rollout waits for an approval after {members['wave']}. The next wave has not begun.",
        lines=[
            f"{members['wave'].capitalize()}:",
            *_listed(members["finished"], members["omittedFinished"]),
            "",
            f"After an approval, {members['nextWave']} deploys:",
            *_listed(members["next"], members["omittedNext"]),
        ],
        facts=[
            ("Expires", f"{question.expires}: without an answer, the rollout then ends and deploys no more")
        ],
    )


def _listed(lines: Sequence[str], omitted: int) -> Iterator[str]:
    yield from (f"- {line}" for line in lines)
    if omitted:
        yield f"- and {omitted} more"
