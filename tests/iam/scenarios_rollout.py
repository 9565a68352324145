"""Scenarios of the rollout; see `suites.py`. It runs the Deploy state machine of the application."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from typing import Any

import pytest

from stepline.aws.workflow_approvals import answer_workflow_approval, list_workflow_approvals
from stepline.core.approvals import Decision
from tests.iam.approvals import approver_of, started_execution
from tests.iam.logged_machines import logged_machine_scenario
from tests.iam.other_resources import TARGET_ACCOUNT, TARGET_ROLE_ARN, create_target_role, target
from tests.iam.scenarios import template, unique_name
from tests.iam.stacks import APPLICATION, PROJECT
from tests.iam.suites import Lane, Variant
from tests.iam.system import ACCOUNT, ExecutionResult, System

_ALARM: Mapping[str, Any] = {
    "AlarmName": "iam-rollout",
    "Namespace": "iam",
    "MetricName": "Errors",
    "Statistic": "Sum",
    "Period": 60,
    "EvaluationPeriods": 1,
    "Threshold": 1.0,
    "ComparisonOperator": "GreaterThanOrEqualToThreshold",
}


def targets_are_deployed_and_an_alarm_is_read(system: System) -> None:
    system.client("cloudwatch").put_metric_alarm(**_ALARM)
    document = _input(system) | {"targets": [{"name": "a"}], "alarms": [_ALARM["AlarmName"]]}
    _run(system, document).assert_status("SUCCEEDED")


def target_that_fails_is_explained(system: System) -> None:
    """The name of the template is that of no file in the artifact."""
    document = _input(system) | {"targets": [{"name": "a", "templatePath": "none.json"}]}
    ended = _run(system, document)
    ended.assert_status("FAILED")
    assert 'Failed: "a" (ArtifactUnreadableError' in ended.reason, ended.reason


def stopped_rollout_stops_its_deployments(system: System) -> None:
    """The stack waits for a signal, which never comes."""
    handle = {"Type": "AWS::CloudFormation::WaitConditionHandle"}
    properties = {"Handle": {"Ref": "Handle"}, "Timeout": "5"}
    signal = {"Type": "AWS::CloudFormation::WaitCondition", "Properties": properties}
    document = _input(system, template(Handle=handle, Signal=signal)) | {"targets": [{"name": "a"}]}
    states = system.client("stepfunctions")
    arn = system.start(document, machine=system.resources["StateMachine"])
    machine = f"arn:aws:states:us-east-1:{ACCOUNT}:stateMachine:{APPLICATION}-deploy"
    name = arn.rpartition(":")[2][:30]

    def statuses() -> list[str]:
        found = states.list_executions(stateMachineArn=machine)["executions"]
        return [item["status"] for item in found if item["name"].startswith(name)]

    system.wait_for(statuses, lambda found: found == ["RUNNING"])
    states.stop_execution(executionArn=arn)
    system.wait_for(statuses, lambda found: found == ["ABORTED"])


def state_machine_that_waits_for_executions_is_created(system: System) -> None:
    """Step Functions creates a rule for the events of the deployments."""
    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::states:startExecution.sync:2",
        "Parameters": {"StateMachineArn": "a"},
        "End": True,
    }
    properties = {
        "RoleArn": f"arn:aws:iam::{ACCOUNT}:role/{system.resources['StateMachineRole']}",
        "DefinitionString": json.dumps({"StartAt": "Run", "States": {"Run": task}}),
    }
    name = f"iam-{unique_name()}"
    machine = {"Type": "AWS::StepFunctions::StateMachine", "Properties": properties}
    stack_id = system.stack(name, {"Resources": {"Machine": machine}})
    system.assert_stack_status(stack_id, "CREATE_COMPLETE")
    system.client("cloudformation").delete_stack(StackName=name)
    system.assert_stack_status(stack_id, "DELETE_COMPLETE")


def next_wave_is_approved_by_a_colleague(system: System) -> None:
    """The developer starts the pipeline execution; only AWS can say so, and a colleague approves."""
    document = _input(system) | {
        "targets": [{"name": "a"}, {"name": "b", "stackName": unique_name()}],
        "waveApproval": {"notByRequester": True},
        "codepipeline": {"pipelineName": APPLICATION, "pipelineExecutionId": started_execution(system)},
    }
    execution = system.start(document, machine=system.resources["StateMachine"])
    approver = approver_of(system, system.other_stack(APPLICATION))  # also reads the requests of Deploy

    def waiting() -> Any:
        found = list_workflow_approvals(approver)
        return next((each for each in found if each.execution_arn == execution), None)

    approval = system.wait_for(waiting, lambda found: found is not None)
    assert approval.requester
    answer_workflow_approval(approver, approval, Decision.APPROVE, "a test")
    ended = system.wait_for_execution(execution)
    ended.assert_status("SUCCEEDED")


def unanswered_wave_request_expires(system: System) -> None:
    """The tasks are invoked without an execution, which would wait for a minute."""
    arn = f"arn:aws:states:us-east-1:{ACCOUNT}:execution:stepline-rollout:{unique_name()}"
    system.invoke("ask-for-wave-approval", _event("ask_for_wave_approval/first_wave.json", arn))
    with pytest.raises(AssertionError, match="ApprovalExpiredError"):
        system.invoke("check-wave-approval", _event("check_wave_approval/answered.json", arn))


def _event(file: str, execution: str) -> dict[str, Any]:
    """Return a local event with this execution."""
    event: dict[str, Any] = json.loads((PROJECT / "local_events" / file).read_text())
    event["execution"]["id"] = execution
    return event


# --- with targets of other accounts, and a list of targets in the artifact


def alarm_of_a_target_is_read(system: System) -> None:
    """The function is invoked alone: the application's stack has no such target."""
    alarms = system.client_of(TARGET_ACCOUNT, "cloudwatch", "eu-west-1")
    alarms.put_metric_alarm(**_ALARM)
    event = json.loads((PROJECT / "local_events/check_alarms/bake_time.json").read_text())
    event["plan"] |= {"alarms": []}
    item = {"name": "a", "executionName": "a", "alarms": [_ALARM["AlarmName"]], "input": target()}
    event["wave"]["targets"] = [item]
    assert system.invoke("check-alarms", event)["remainingSeconds"] > 0


def targets_are_read_from_the_artifact(system: System) -> None:
    document = _input(system) | {"targetsPath": "targets.json"}
    _run(system, document).assert_status("SUCCEEDED")


def wave_request_is_published(system: System) -> None:
    """To a topic that is encrypted with a key of its own."""
    arn = f"arn:aws:states:us-east-1:{ACCOUNT}:execution:stepline-rollout:{unique_name()}"
    assert system.invoke("ask-for-wave-approval", _event("ask_for_wave_approval/first_wave.json", arn)) == {}


def _other_parameters(system: System) -> dict[str, str]:
    """Create what they name, and return them."""
    topic = {"KmsMasterKeyId": _artifact_parameters(system)["ArtifactKeyArn"]}
    arn = system.client("sns").create_topic(Name="iam-approvals", Attributes=topic)["TopicArn"]
    approvals = {"ApprovalTopicArn": arn, "ApprovalTopicKeyArn": topic["KmsMasterKeyId"]}
    return {**_artifact_parameters(system), **approvals}


def _artifact_parameters(system: System) -> dict[str, str]:
    create_target_role(system)
    resources = system.other_stack(APPLICATION).resources
    key = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/{resources['Key']}"
    return {"ArtifactBucketName": resources["ArtifactBucket"], "ArtifactKeyArn": key}


def _input(system: System, document: Mapping[str, Any] | None = None) -> dict[str, Any]:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("template.json", json.dumps(document or template()))
        archive.writestr("targets.json", json.dumps([{"name": "a"}]))
    name, bucket = unique_name(), system.other_stack(APPLICATION).resources["ArtifactBucket"]
    system.client("s3").put_object(Bucket=bucket, Key=f"iam/{name}.zip", Body=content.getvalue())
    return {
        "environmentName": "iam",
        "stackName": name,
        "templatePath": "template.json",
        "revisionS3Bucket": bucket,
        "revisionS3Key": f"iam/{name}.zip",
    }


def _run(system: System, document: Mapping[str, Any]) -> ExecutionResult:
    return system.wait_for_execution(system.start(document, machine=system.resources["StateMachine"]))


LANES: tuple[Lane, ...] = (
    (
        targets_are_deployed_and_an_alarm_is_read,
        target_that_fails_is_explained,
        stopped_rollout_stops_its_deployments,
    ),
    (
        logged_machine_scenario("StateMachineRole"),
        state_machine_that_waits_for_executions_is_created,
        next_wave_is_approved_by_a_colleague,
        unanswered_wave_request_expires,
    ),
)
VARIANTS = (
    Variant(
        {"TargetRoleArns": TARGET_ROLE_ARN},
        (alarm_of_a_target_is_read, targets_are_read_from_the_artifact, wave_request_is_published),
        prepare=_other_parameters,
    ),
)
