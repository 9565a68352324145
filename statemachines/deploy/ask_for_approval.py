"""Ask For Approval: stores a request for approval of a change, and sends it to the people who may approve.

IAM: dynamodb:UpdateItem on the table; sns:Publish on the topic; codepipeline:GetPipelineExecution.
Environment: APPROVALS_TABLE_ARN, APPROVAL_TOPIC_ARN, PIPELINE_STACK_NAME.
"""

from __future__ import annotations

from statemachines.approvals.asking import Question, ask
from statemachines.deploy.approval_mail import mail_of
from statemachines.deploy.deployment import Deployment
from statemachines.deploy.task import task
from stepline.core.approvals import ApprovalKind
from stepline.core.environment import required
from stepline.core.fields import Fields, JsonObject
from stepline.core.trigger_keys import CODEPIPELINE


@task
def handler(event: Fields) -> JsonObject:
    """Event `{"taskToken", "enteredAt", "request", "execution", "stack": {"id"}, "changeSet": …}`.

    Returns `{}`, which Step Functions ignores: the task ends with its token.
    """
    question = _question(event)
    ask(question, mail_of(question.members, question.expires), event.text("taskToken"))
    return {}


def _question(event: Fields) -> Question:
    deployment = Deployment.parse_with_stack(event)
    target = deployment.request.target
    change_set = event.section("changeSet")
    needed = change_set.section("inspection").section("approval")
    return Question(
        id=deployment.attempt.approval_id,
        kind=ApprovalKind.CHANGE,
        execution_arn=deployment.attempt.execution_arn,
        asked_at=event.moment("enteredAt"),
        timeout_seconds=needed.count("timeoutSeconds"),
        not_by_requester=needed.flag("notByRequester"),
        pipeline=event.section("request").object_or_none(CODEPIPELINE) or {},
        members={
            "installation": required("PIPELINE_STACK_NAME"),
            "stackName": deployment.request.stack_name,
            "changeSetId": change_set.text("id"),
            "resources": needed.value("resources"),
            "omitted": needed.count("omitted"),
        },
        subject={
            "stackId": deployment.stack_id,
            "changeSetId": change_set.text("id"),
            **({"target": target.document()} if target else {}),
        },
    )
