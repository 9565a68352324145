"""Scenarios of changes that wait for an approval: together they need every permission of these roles."""

from __future__ import annotations

import contextlib
import json
import uuid
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest

from stepline.aws.target import Target
from stepline.aws.workflow_approvals import ChangeApproval, answer_workflow_approval, list_workflow_approvals
from stepline.core.approvals import Decision
from tests.iam.other_resources import target
from tests.iam.pipeline import Pipeline
from tests.iam.stacks import APPLICATION
from tests.iam.system import ACCOUNT, REGION, System

_QUEUE = {"Resources": {"Queue": {"Type": "AWS::SQS::Queue"}, "Other": {"Type": "AWS::SQS::Queue"}}}
_WITHOUT_QUEUE = {"Resources": {"Other": {"Type": "AWS::SQS::Queue"}}}


def change_is_approved_by_a_colleague(system: Pipeline) -> None:
    """The developer starts the pipeline execution; only AWS can say so, and a colleague approves."""
    name = uuid.uuid4().hex[:12]
    stack_id = system.own_stack(f"iam-{name}", _QUEUE)
    request = {
        **system.request(name, template=_WITHOUT_QUEUE),
        "approval": {"notByRequester": True},
        "codepipeline": {"pipelineName": APPLICATION, "pipelineExecutionId": started_execution(system)},
    }
    execution = system.start_deploy(request)
    approver = approver_of(system)
    approval: Any = system.wait_for(
        lambda: _waiting(approver, f"iam-{name}"), lambda found: found is not None
    )
    assert approval.requester
    answer_workflow_approval(approver, approval, Decision.APPROVE, "a test")
    system.wait_for_execution(execution).assert_status("SUCCEEDED")
    system.assert_stack_status(stack_id, "UPDATE_COMPLETE")


def change_in_a_target_is_approved(system: Pipeline) -> None:
    """The function that answers reads the change set in the other account."""
    name, place = uuid.uuid4().hex[:12], target()
    system.deploy(system.request(name, template=_QUEUE) | place).assert_status("SUCCEEDED")
    request = system.request(name, template=_WITHOUT_QUEUE) | place | {"approval": True}
    execution = system.start_deploy(request)
    approver = approver_of(system)
    approval: Any = system.wait_for(
        lambda: _waiting(approver, f"iam-{name}"), lambda found: found is not None
    )
    answer_workflow_approval(approver, approval, Decision.APPROVE, "a test")
    system.wait_for_execution(execution).assert_status("SUCCEEDED")


def unanswered_request_expires(system: Pipeline) -> None:
    """The tasks are invoked without an execution, which would wait for a minute."""
    arn = f"arn:aws:states:{REGION}:{ACCOUNT}:execution:stepline-deploy:{uuid.uuid4()}"
    needed = {
        "isNeeded": True,
        "timeoutSeconds": 60,
        "notByRequester": False,
        "resources": [],
        "omitted": 0,
    }
    stack = f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/iam-expires/1"
    event = {
        "taskToken": "made-up",
        "enteredAt": datetime.now(UTC).isoformat(),
        "request": system.request("expires", template=_QUEUE),
        "execution": {"id": arn, "name": "expires", "startTime": "2026-01-01T12:00:00.000Z", "attempt": 1},
        "stack": {"id": stack},
        "changeSet": {"id": "change-set", "stackId": stack, "inspection": {"approval": needed}},
    }
    system.invoke("ask-for-approval", event)
    with pytest.raises(AssertionError, match="ApprovalExpiredError"):
        system.invoke("check-approval", event)


def started_execution(system: System) -> str:
    """Return a pipeline execution that the developer has started, and then abandoned."""
    pipelines = system.client("codepipeline")
    execution_id = str(pipelines.start_pipeline_execution(name=APPLICATION)["pipelineExecutionId"])
    # Without a commit in the repository, the execution may have failed already.
    with contextlib.suppress(pipelines.exceptions.PipelineExecutionNotStoppableException):
        pipelines.stop_pipeline_execution(
            pipelineName=APPLICATION, pipelineExecutionId=execution_id, abandon=True
        )
    return execution_id


def _waiting(approver: Target, stack_name: str) -> ChangeApproval | None:
    return next(
        (
            each
            for each in list_workflow_approvals(approver)
            if isinstance(each, ChangeApproval) and each.stack_name == stack_name
        ),
        None,
    )


def approver_of(*systems: System) -> Target:
    """Return the local AWS as a person sees it who has the policies for approvers of these stacks.

    The requests of other installations, of other tests, may be read.
    """
    system = systems[0]
    iam = system.client("iam")
    name = f"iam-approvers-of-{system.stack_name}"
    principal = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
    trust = {"Statement": [{"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}]}
    with contextlib.suppress(iam.exceptions.EntityAlreadyExistsException):
        iam.create_role(
            RoleName=name, AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", **trust})
        )
    own = [
        f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{each.stack_name}-{table}*"
        for each in systems
        for table in ("approvals", "wave-approvals")
    ]
    others = {"Statement": [{"Effect": "Allow", "Action": "dynamodb:Scan", "NotResource": own}]}
    iam.put_role_policy(RoleName=name, PolicyName="others", PolicyDocument=json.dumps(others))
    for each in systems:
        iam.attach_role_policy(RoleName=name, PolicyArn=each.outputs["ApproverPolicyArn"])
    credentials = system.client("sts").assume_role(
        RoleArn=f"arn:aws:iam::{ACCOUNT}:role/{name}", RoleSessionName="mary"
    )["Credentials"]
    session = boto3.Session(
        credentials["AccessKeyId"],
        credentials["SecretAccessKey"],
        credentials["SessionToken"],
        region_name=REGION,
    )
    return Target(session, system.endpoint_url, REGION, None, True)
