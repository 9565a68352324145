"""Scenarios of the application: together they need every permission of its roles; see `suites.py`."""

from __future__ import annotations

import json
import os
import tempfile
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from statemachines.deploy.attempt import DeploymentAttempt
from stepline.aws.source_repositories import Destination, ObjectDestination
from stepline.git.push import LOCAL_ACCESS, push_directory
from stepline.git.upload import upload_directory
from tests.iam.approvals import (
    change_in_a_target_is_approved,
    change_is_approved_by_a_colleague,
    unanswered_request_expires,
)
from tests.iam.builds import allow_layers, pushed_code_is_built
from tests.iam.custom_actions import (
    abandoned_action_stops_its_execution,
    abandoned_lambda_action_with_a_held_job_stops_its_execution,
    custom_action_reads_its_input_from_a_bucket,
    custom_action_runs_an_express_state_machine,
    custom_action_runs_another_state_machine,
    denied_express_execution_fails_the_custom_action,
    failed_execution_is_redriven,
    result_of_an_interrupted_worker_is_reported,
    sweep_of_held_jobs_runs,
    sweep_runs,
    timeout_of_a_custom_action_stops_its_execution,
)
from tests.iam.large_data import (
    large_input_of_a_repeated_job_is_stored_once,
    large_input_of_an_interrupted_worker_is_found,
    missing_large_output_of_a_custom_action_is_reported,
    missing_large_output_of_a_lambda_action_is_reported,
)
from tests.iam.logged_machines import logged_machine_scenario
from tests.iam.other_resources import (
    INPUT_BUCKET,
    MACRO,
    OTHER_ROLE_ARN,
    PARAMETERS,
    TARGET_ACCOUNT,
    create_input_bucket,
    create_other_resources,
    target,
)
from tests.iam.pipeline import Pipeline, continuation_token, job_event
from tests.iam.stacks import APPLICATION
from tests.iam.suites import Lane, Variant
from tests.iam.system import ACCOUNT, REGION

_LARGE_FILES = 5
_LARGE_FILE_BYTES = 5_000_000  # a file of a request has 6 MB at most
_LARGE_CHARACTERS = 52_000  # above CloudFormation's limit for TemplateBody
_POLICY = {
    "StackPolicy": {
        "Statement": [{"Effect": "Allow", "Action": "Update:*", "Principal": "*", "Resource": "*"}]
    }
}
_CONFIGURATION = {"Tags": {"team": "iam"}, **_POLICY}
BROKEN = {
    "Type": "AWS::SQS::Queue",
    "Properties": {"QueueName": {"Fn::Sub": "${AWS::StackName}-not-called-fifo"}, "FifoQueue": True},
}
"""CloudFormation accepts it, and SQS refuses it."""


def template(value: str = "1", **more: Any) -> dict[str, Any]:
    """Return a template with a parameter of SSM, named as in the sample application, and more resources."""
    properties = {"Name": {"Fn::Sub": "/iam/${AWS::StackName}/queue-url"}, "Type": "String", "Value": value}
    return {"Resources": {"Parameter": {"Type": "AWS::SSM::Parameter", "Properties": properties}, **more}}


def large_template(value: str = "1") -> dict[str, Any]:
    return template(value) | {"Metadata": {"Filler": "x" * _LARGE_CHARACTERS}}


def unique_name() -> str:
    return uuid.uuid4().hex[:12]


# --- the pipeline


def push_deploys_a_stack(system: Pipeline) -> None:
    name = unique_name()
    request = {"environmentName": "iam", "stackName": name, "templatePath": "template.json"}
    system.push(state_machine_input=request, template=template()).assert_status("Succeeded")
    system.assert_stack_status(f"iam-{name}", "CREATE_COMPLETE")


def push_with_invalid_input_fails(system: Pipeline) -> None:
    ended = system.push(state_machine_input={"environmentName": "iam"}, template=template())
    ended.assert_status("Failed")
    assert "stackName" in ended.reason, ended.reason


def source_action_is_abandoned(system: Pipeline) -> None:
    """CodeCommit is archiving a large commit, of a branch that does not start the pipeline."""
    codecommit, pipelines = system.client("codecommit"), system.client("codepipeline")
    branch, head = f"large-{unique_name()}", system.head()
    codecommit.create_branch(repositoryName="stepline-app", branchName=branch, commitId=head)
    for number in range(_LARGE_FILES):
        head = codecommit.put_file(
            repositoryName="stepline-app",
            branchName=branch,
            filePath=str(number),
            fileContent=os.urandom(_LARGE_FILE_BYTES),
            parentCommitId=head,
        )["commitId"]
    revision = {"actionName": "Source", "revisionType": "COMMIT_ID", "revisionValue": head}
    archives = system.allowed("codecommit:UploadArchive")
    execution = pipelines.start_pipeline_execution(name=APPLICATION, sourceRevisions=[revision])
    target = {"pipelineName": APPLICATION, "pipelineExecutionId": execution["pipelineExecutionId"]}
    system.wait_for(lambda: system.allowed("codecommit:UploadArchive") > archives, bool)
    pipelines.stop_pipeline_execution(**target, abandon=True)
    assert system.action_status(target["pipelineExecutionId"]) == "Abandoned"
    system.wait_for(lambda: "codecommit:CancelUploadArchive" in system.decided(), bool)
    codecommit.delete_branch(repositoryName="stepline-app", branchName=branch)


def execution_past_its_deadline_is_stopped(system: Pipeline) -> None:
    """The stack waits for a signal, which is sent at the end: a later rollback would need permissions that
    other parameters of the pipeline's stack do not give.
    """
    job, name = str(uuid.uuid4()), unique_name()
    handle = {"Type": "AWS::CloudFormation::WaitConditionHandle"}
    properties = {"Handle": {"Ref": "Handle"}, "Timeout": "300"}
    signal = {"Type": "AWS::CloudFormation::WaitCondition", "Properties": properties}
    request = system.request(name, template=template(Handle=handle, Signal=signal))
    execution = system.start_deploy(request, name=f"codepipeline-{job}")
    cloudformation = system.client("cloudformation")
    system.wait_for(
        lambda: cloudformation.list_stacks(StackStatusFilter=["CREATE_IN_PROGRESS"])["StackSummaries"],
        lambda stacks: f"iam-{name}" in [stack["StackName"] for stack in stacks],
    )
    system.invoke("trigger", job_event({}, token=continuation_token(job, execution, seconds=86_000)))
    system.wait_for_execution(execution).assert_status("ABORTED")
    cloudformation.signal_resource(
        StackName=f"iam-{name}", LogicalResourceId="Signal", UniqueId="1", Status="SUCCESS"
    )
    system.assert_stack_status(f"iam-{name}", "CREATE_COMPLETE")


# --- the Deploy state machine


def large_stack_is_created(system: Pipeline) -> None:
    name = unique_name()
    request = system.request(name, template=large_template(), configuration=_CONFIGURATION)
    system.deploy(request).assert_status("SUCCEEDED")
    stack = system.client("cloudformation").describe_stacks(StackName=f"iam-{name}")["Stacks"][0]
    assert {"Key": "team", "Value": "iam"} in stack["Tags"]
    _assert_no_template_left(system)


def large_stack_is_updated(system: Pipeline) -> None:
    name = unique_name()
    stack_id = system.own_stack(f"iam-{name}", template())
    request = system.request(name, template=large_template("2"), configuration=_CONFIGURATION)
    system.deploy(request).assert_status("SUCCEEDED")
    cloudformation = system.client("cloudformation")
    system.assert_stack_status(stack_id, "UPDATE_COMPLETE")
    assert "StackPolicyBody" in cloudformation.get_stack_policy(StackName=stack_id)
    _assert_no_template_left(system)


def ended_action_changes_no_stack(system: Pipeline) -> None:
    """The latest action of the pipeline has ended; the stack can only be deleted."""
    stack_id = system.client("cloudformation").create_change_set(
        StackName=f"iam-{unique_name()}",
        ChangeSetName="not-executed",
        ChangeSetType="CREATE",
        TemplateBody=json.dumps(template()),
    )["StackId"]
    # The newest first; some executions of the pipeline were abandoned before this action.
    found = system.client("codepipeline").list_action_executions(pipelineName=APPLICATION)
    action = {
        "pipelineName": APPLICATION,
        "pipelineExecutionId": next(
            item["pipelineExecutionId"]
            for item in found["actionExecutionDetails"]
            if item["actionName"] == "Deploy"
        ),
        "stage": "Deploy",
        "action": "Deploy",
    }
    event = {
        "request": system.request(unique_name(), template=template()) | {"codepipeline": action},
        "execution": _execution(),
        "stack": {"id": stack_id},
        "changeSet": {
            "id": f"{stack_id}-change-set",
            "stackId": stack_id,
            "stackPolicy": "{}",
            "progress": {"createdAt": "2026-01-01T00:00:00+00:00"},
        },
    }
    for function in ("create-stack", "execute-change-set", "apply-stack-policy", "delete-failed-stack"):
        with pytest.raises(AssertionError, match="StalePipelineExecutionError"):
            system.invoke(function, event)


def leftovers_of_an_execution_are_deleted(system: Pipeline) -> None:
    """By the event of the execution, and by the sweep."""
    name = unique_name()
    stack_id = system.own_stack(f"iam-{name}", template())
    request = system.request(name, template=template("2"))
    ended = system.start_deploy(request | {"templatePath": "missing.json"})
    system.wait_for_execution(ended).assert_status("FAILED")
    attempt = DeploymentAttempt(ended, ended.rpartition(":")[2], "2026-01-01T12:00:00.000Z", 1)
    status = {"detail-type": "Step Functions Execution Status Change", "detail": {"executionArn": ended}}
    for event in (status, {"detail-type": "Scheduled Event"}):
        step = {
            "request": request,
            "execution": {**_execution(), "id": ended, "name": attempt.execution_name},
            "stack": {"id": stack_id},
        }
        _wait_for_change_set(system, system.invoke("create-change-set", step)["id"])
        key = attempt.template_key(attempt.creation_token)
        system.client("s3").put_object(Bucket=system.bucket, Key=key, Body=b"{}")
        assert key in system.invoke("clean-up", event)["deleted"]
        _assert_no_change_set_left(system, stack_id)
        _assert_no_template_left(system)


def stack_without_changes_is_not_updated(system: Pipeline) -> None:
    name = unique_name()
    stack_id = system.own_stack(f"iam-{name}", template())
    system.deploy(system.request(name, template=template())).assert_status("SUCCEEDED")
    system.assert_stack_status(stack_id, "CREATE_COMPLETE")
    _assert_no_change_set_left(system, stack_id)


def refused_change_set_is_deleted(system: Pipeline) -> None:
    name = unique_name()
    queue = {"Type": "AWS::SQS::Queue"}
    stack_id = system.own_stack(f"iam-{name}", template(Queue=queue))
    ended = system.deploy(system.request(name, template=template()))
    ended.assert_status("FAILED")
    assert "Queue" in ended.reason, ended.reason
    _assert_no_change_set_left(system, stack_id)


def stack_of_a_failed_creation_is_replaced(system: Pipeline) -> None:
    name = unique_name()
    system.own_stack(f"iam-{name}", template(Broken=BROKEN))
    system.deploy(system.request(name, template=template())).assert_status("SUCCEEDED")
    system.assert_stack_status(f"iam-{name}", "CREATE_COMPLETE")


def failed_creation_is_explained(system: Pipeline) -> None:
    ended = system.deploy(system.request(unique_name(), template=template(Broken=BROKEN)))
    ended.assert_status("FAILED")
    assert "Broken" in ended.reason, ended.reason


def invalid_properties_are_named(system: Pipeline) -> None:
    name = unique_name()
    invalid = template(Topic={"Type": "AWS::SNS::Topic", "Properties": {"Name": "alerts"}})
    for _ in range(2):  # the creation of a stack, and then a change set
        ended = system.deploy(system.request(name, template=invalid))
        ended.assert_status("FAILED")
        assert "Topic: Unsupported property [Name]" in ended.reason, ended.reason
        system.deploy(system.request(name, template=template())).assert_status("SUCCEEDED")


def application_is_created_changed_and_reduced(system: Pipeline) -> None:
    """The role needs what the sample application does: also changes of tags, and deletions."""
    name = unique_name()
    queue = {"Type": "AWS::SQS::Queue"}
    arn = {"Queue": {"Value": {"Fn::GetAtt": ["Queue", "Arn"]}}}
    first = {**template(Queue=queue), "Outputs": arn}
    request = system.request(name, template=first, configuration={"Tags": {"team": "iam", "more": "1"}})
    system.deploy(request).assert_status("SUCCEEDED")
    changed = template("2", Queue={**queue, "Properties": {"VisibilityTimeout": 31}})
    request = system.request(name, template=changed, configuration={"Tags": {"team": "other"}})
    system.deploy(request).assert_status("SUCCEEDED")
    rest = {"Resources": {"Handle": {"Type": "AWS::CloudFormation::WaitConditionHandle"}}}
    request = system.request(name, template=rest) | {"allowReplacement": True}
    system.deploy(request).assert_status("SUCCEEDED")


def template_with_a_transform_is_deployed(system: Pipeline) -> None:
    name = unique_name()
    for value in ("1", "2"):
        transformed = {"Transform": "AWS::LanguageExtensions", **template(value)}
        request = system.request(name, template=transformed) | {"capabilities": ["CAPABILITY_AUTO_EXPAND"]}
        system.deploy(request).assert_status("SUCCEEDED")


def denied_creation_is_explained(system: Pipeline) -> None:
    denied = template(Topic={"Type": "AWS::SNS::Topic"})
    ended = system.deploy(system.request(unique_name(), template=denied))
    ended.assert_status("FAILED")
    _assert_explained(ended.reason, denied="sns:CreateTopic (Topic)", further="sns:TagResource")


def denied_update_is_explained(system: Pipeline) -> None:
    name = unique_name()
    system.own_stack(f"iam-{name}", template())
    ended = system.deploy(system.request(name, template=template(Topic={"Type": "AWS::SNS::Topic"})))
    ended.assert_status("FAILED")
    _assert_explained(ended.reason, denied="sns:CreateTopic (Topic)", further="sns:TagResource")


def denied_deletion_is_explained(system: Pipeline) -> None:
    """A stack gets the role only now: the developer created its topic."""
    cloudformation = system.client("cloudformation")
    stack_id = system.stack(f"iam-{unique_name()}", template(Topic={"Type": "AWS::SNS::Topic"}))
    role = system.role_arn("ApplicationRole")
    cloudformation.delete_stack(StackName=stack_id, ClientRequestToken="denied", RoleARN=role)
    system.assert_stack_status(stack_id, "DELETE_FAILED")
    progress = {"waitedSeconds": 0, "waitSeconds": 1}
    operation = {"stackId": stack_id, "token": "denied", "since": "", "progress": progress}
    with pytest.raises(AssertionError) as failed:
        system.invoke("check-stack-deletion-status", {"operation": operation})
    _assert_explained(str(failed.value), denied="sns:DeleteTopic (Topic)", further="sns:TagResource")


def failed_update_is_explained(system: Pipeline) -> None:
    name = unique_name()
    system.own_stack(f"iam-{name}", template())
    ended = system.deploy(system.request(name, template=template("2", Broken=BROKEN)))
    ended.assert_status("FAILED")
    assert "Broken" in ended.reason, ended.reason


# --- tasks that are invoked twice


def repeated_creation_creates_one_stack(system: Pipeline) -> None:
    event = {"request": system.request(unique_name(), template=template()), "execution": _execution()}
    first, second = (system.invoke("create-stack", event) for _ in range(2))
    assert first["stackId"] == second["stackId"]
    system.wait_for_stack(first["stackId"])


def repeated_update_executes_one_change_set(system: Pipeline) -> None:
    name = unique_name()
    stack_id = system.own_stack(f"iam-{name}", template())
    event = {
        "request": system.request(name, template=template("2")),
        "execution": _execution(),
        "stack": {"id": stack_id},
    }
    first, change_set = (system.invoke("create-change-set", event) for _ in range(2))
    assert first["id"] == change_set["id"]
    _wait_for_change_set(system, change_set["id"])
    status = system.invoke("check-change-set-creation-status", {"changeSet": change_set})
    step = {"execution": event["execution"], "changeSet": change_set | {"progress": status}}
    operation = system.invoke("execute-change-set", step)
    system.wait_for_stack(stack_id)
    # CloudFormation deletes a change set after its execution; the stack's events remain.
    system.client("cloudformation").delete_change_set(ChangeSetName=change_set["id"], StackName=stack_id)
    assert system.invoke("execute-change-set", step)["token"] == operation["token"]


def failed_deletion_is_explained(system: Pipeline) -> None:
    network = {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/16"}}
    stack_id = system.stack(f"iam-{unique_name()}", template(Network=network))
    found = system.client("cloudformation").describe_stack_resources(StackName=stack_id)["StackResources"]
    vpc = next(item["PhysicalResourceId"] for item in found if item["LogicalResourceId"] == "Network")
    system.client("ec2").create_subnet(
        VpcId=vpc, CidrBlock="10.0.0.0/24"
    )  # prevents the deletion of its network
    system.client("cloudformation").delete_stack(StackName=stack_id, ClientRequestToken="deletion")
    system.assert_stack_status(stack_id, "DELETE_FAILED")
    progress = {"waitedSeconds": 0, "waitSeconds": 1}
    operation = {"stackId": stack_id, "token": "deletion", "since": "", "progress": progress}
    with pytest.raises(AssertionError, match="StackDeletionFailedError"):
        system.invoke("check-stack-deletion-status", {"operation": operation})


# --- other state machines, and inputs from a bucket


def other_state_machine_is_polled_and_stopped(system: Pipeline) -> None:
    parameters = {"stateMachine": "iam-standard", "input": {}, "timeoutMinutes": 1}
    job = str(uuid.uuid4())
    system.invoke("trigger", job_event(parameters, job=job))
    execution = f"arn:aws:states:{REGION}:{ACCOUNT}:execution:iam-standard:codepipeline-{job}"
    system.invoke("trigger", job_event(parameters, token=continuation_token(job, execution, seconds=86_000)))
    system.wait_for_execution(execution).assert_status("ABORTED")


def express_state_machine_is_started_once(system: Pipeline) -> None:
    parameters = {"stateMachine": "iam-express", "input": {}}
    job = str(uuid.uuid4())
    for _ in range(2):
        system.invoke("trigger", job_event(parameters, job=job))
    claim = system.client("s3").get_object(
        Bucket=system.bucket, Key=f"stepline/express/codepipeline-{job}.json"
    )
    assert json.loads(claim["Body"].read())["result"]["status"] == "SUCCEEDED"


def claim_of_a_denied_express_execution_is_deleted(system: Pipeline) -> None:
    """A Deny statement forbids the start: the job must be neither claimed nor considered claimed."""
    job = str(uuid.uuid4())
    deny = {"Effect": "Deny", "Action": "states:StartSyncExecution", "Resource": "*"}
    policy = {"RoleName": system.resources["TriggerRole"], "PolicyName": "deny"}
    system.client("iam").put_role_policy(**policy, PolicyDocument=json.dumps({"Statement": [deny]}))
    try:
        system.invoke("trigger", job_event({"stateMachine": "iam-express", "input": {}}, job=job))
    finally:
        system.client("iam").delete_role_policy(**policy)
    left = system.client("s3").list_objects_v2(
        Bucket=system.bucket, Prefix=f"stepline/express/codepipeline-{job}"
    )
    assert left["KeyCount"] == 0
    # The job fails at once because the input does not exist, not because the claim cannot be read.
    system.invoke("trigger", job_event({"stateMachine": "iam-express", "inputFile": "no.json"}, job=job))


def input_is_read_from_a_bucket(system: Pipeline) -> None:
    key = f"{unique_name()}.json"
    system.client("s3").put_object(Bucket=INPUT_BUCKET, Key=key, Body=b'{"from": "bucket"}')
    job = str(uuid.uuid4())
    parameters = {"stateMachine": "iam-standard", "inputS3": f"s3://{INPUT_BUCKET}/{key}"}
    system.invoke("trigger", job_event(parameters, job=job))
    execution = f"arn:aws:states:{REGION}:{ACCOUNT}:execution:iam-standard:codepipeline-{job}"
    stepfunctions = system.client("stepfunctions")
    assert "bucket" in stepfunctions.describe_execution(executionArn=execution)["input"]
    stepfunctions.stop_execution(executionArn=execution)


# --- other roles, and macros


def stack_is_deployed_with_another_role(system: Pipeline) -> None:
    """The role is passed by three tasks: those that create, update and delete."""
    name = unique_name()
    other = {"roleArn": OTHER_ROLE_ARN}
    system.own_stack(f"iam-{name}", template(Broken=BROKEN), role_arn=OTHER_ROLE_ARN)
    for value in ("1", "2"):
        system.deploy(system.request(name, template=template(value)) | other).assert_status("SUCCEEDED")


def macro_of_the_account_is_used(system: Pipeline) -> None:
    name = unique_name()
    for value in ("1", "2"):
        transformed = {"Transform": MACRO, **template(value)}
        request = system.request(name, template=transformed) | {"capabilities": ["CAPABILITY_AUTO_EXPAND"]}
        system.deploy(request).assert_status("SUCCEEDED")


# --- other sources


def commit_of_a_connection_is_deployed(system: Pipeline) -> None:
    """The push to the local repository starts the pipeline."""
    destination = Destination(
        "iam/app", "main", f"{system.endpoint_url}/v1/repos/iam/app", may_be_missing=True
    )

    def push(folder: Path) -> None:
        push_directory(folder, destination, LOCAL_ACCESS, message="a change", allow_empty=True)

    _deploy_files(system, push)


def object_is_deployed(system: Pipeline) -> None:
    """The upload starts the pipeline."""
    destination = ObjectDestination(system.outputs["SourceBucketName"], "source.zip")
    _deploy_files(
        system,
        lambda folder: upload_directory(system.client("s3"), folder, destination, allow_empty=True),
    )


def _deploy_files(system: Pipeline, push: Callable[[Path], object]) -> None:
    name = unique_name()
    request = {"environmentName": "iam", "stackName": name, "templatePath": "template.json"}
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "state_machine_input.json").write_text(json.dumps(request))
        (Path(folder) / "template.json").write_text(json.dumps(template()))
        system.started_by(lambda: push(Path(folder))).assert_status("Succeeded")
    system.assert_stack_status(f"iam-{name}", "CREATE_COMPLETE")


logged_machine_is_created_updated_and_deleted = logged_machine_scenario("DeployStateMachineRole")

SYSTEM = Pipeline
LANES: tuple[Lane, ...] = (
    # One execution of the pipeline at a time; the first push creates the branch.
    (
        push_deploys_a_stack,
        push_with_invalid_input_fails,
        ended_action_changes_no_stack,
        source_action_is_abandoned,
        change_is_approved_by_a_colleague,
        abandoned_action_stops_its_execution,
        failed_execution_is_redriven,
        sweep_runs,
    ),
    # They check that no temporary template is left.
    (large_stack_is_created, large_stack_is_updated, leftovers_of_an_execution_are_deleted),
    (
        stack_of_a_failed_creation_is_replaced,
        failed_creation_is_explained,
        invalid_properties_are_named,
        failed_update_is_explained,
        denied_creation_is_explained,
        denied_update_is_explained,
        denied_deletion_is_explained,
        logged_machine_is_created_updated_and_deleted,
    ),
    (
        execution_past_its_deadline_is_stopped,
        stack_without_changes_is_not_updated,
        application_is_created_changed_and_reduced,
        template_with_a_transform_is_deployed,
        refused_change_set_is_deleted,
        repeated_creation_creates_one_stack,
        repeated_update_executes_one_change_set,
        failed_deletion_is_explained,
        unanswered_request_expires,
    ),
)


def stack_of_a_target_is_created_and_updated(system: Pipeline) -> None:
    name, place = unique_name(), target()
    queue = {"Type": "AWS::SQS::Queue"}
    for value, resources in (("1", {"Queue": queue}), ("2", {"Queue": queue})):
        request = system.request(name, template=template(value, **resources), configuration=_CONFIGURATION)
        system.deploy(request | place).assert_status("SUCCEEDED")
    cloudformation = system.client_of(TARGET_ACCOUNT, "cloudformation", "eu-west-1")
    (stack,) = cloudformation.describe_stacks(StackName=f"iam-{name}")["Stacks"]
    assert stack["StackStatus"] == "UPDATE_COMPLETE"
    ended = system.deploy(system.request(name, template=template("2")) | place)
    ended.assert_status("FAILED")
    assert "Queue" in ended.reason, ended.reason


def failed_stack_of_a_target_is_replaced(system: Pipeline) -> None:
    name, place = unique_name(), target()
    system.deploy(system.request(name, template=template(Broken=BROKEN)) | place).assert_status("FAILED")
    system.deploy(system.request(name, template=template()) | place).assert_status("SUCCEEDED")


def leftovers_in_a_target_are_deleted(system: Pipeline) -> None:
    """An execution is stopped while its change waits for an approval."""
    name, place = unique_name(), target()
    queue = {"Type": "AWS::SQS::Queue"}
    system.deploy(system.request(name, template=template(Queue=queue)) | place).assert_status("SUCCEEDED")
    asks = system.request(name, template=template("2")) | place | {"approval": True}
    execution = system.start_deploy(asks)
    cloudformation = system.client_of(TARGET_ACCOUNT, "cloudformation", "eu-west-1")

    def change_sets() -> list[str]:
        found = cloudformation.list_change_sets(StackName=f"iam-{name}")["Summaries"]
        return [item["ExecutionStatus"] for item in found]

    system.wait_for(change_sets, lambda found: found == ["AVAILABLE"])
    system.client("stepfunctions").stop_execution(executionArn=execution)
    event = {"detail-type": "Step Functions Execution Status Change", "detail": {"executionArn": execution}}
    with pytest.raises(AssertionError, match="CleanUpIncompleteError"):  # a task may still be running
        system.invoke("clean-up", event)
    assert change_sets() == []


VARIANTS = (
    Variant({"DeployAction": "Lambda"}, (push_deploys_a_stack, push_with_invalid_input_fails)),
    Variant(
        {"DeployAction": "Lambda", "HoldMinutes": "10"},
        (abandoned_lambda_action_with_a_held_job_stops_its_execution, sweep_of_held_jobs_runs),
    ),
    Variant({"Build": "Commands"}, (pushed_code_is_built,), prepare=allow_layers),
    Variant({"Build": "CodeBuild"}, (pushed_code_is_built,), prepare=allow_layers),
    Variant(
        PARAMETERS,
        (
            other_state_machine_is_polled_and_stopped,
            express_state_machine_is_started_once,
            claim_of_a_denied_express_execution_is_deleted,
            input_is_read_from_a_bucket,
            custom_action_runs_another_state_machine,
            timeout_of_a_custom_action_stops_its_execution,
            custom_action_runs_an_express_state_machine,
            result_of_an_interrupted_worker_is_reported,
            denied_express_execution_fails_the_custom_action,
            custom_action_reads_its_input_from_a_bucket,
            stack_is_deployed_with_another_role,
            macro_of_the_account_is_used,
            stack_of_a_target_is_created_and_updated,
            failed_stack_of_a_target_is_replaced,
            change_in_a_target_is_approved,
            leftovers_in_a_target_are_deleted,
        ),
        prepare=create_other_resources,
    ),
    # Large data apart from the Express executions above, whose claims have the same key ...
    Variant(
        {**PARAMETERS, "LargeData": "true"},
        (
            missing_large_output_of_a_lambda_action_is_reported,
            missing_large_output_of_a_custom_action_is_reported,
        ),
        prepare=create_other_resources,
    ),
    # ... and from other state machines.
    Variant(
        {"LargeData": "true", "InputBucketName": INPUT_BUCKET},
        (large_input_of_a_repeated_job_is_stored_once, large_input_of_an_interrupted_worker_is_found),
        prepare=create_input_bucket,
    ),
    # The last ones: they remove the repository, which the scenarios before them push to.
    *(
        Variant(
            {
                "Source": "Connection",
                "ConnectionArn": f"arn:aws:{prefix}:{REGION}:{ACCOUNT}:connection/1",
                "FullRepositoryId": "iam/app",
            },
            (commit_of_a_connection_is_deployed,),
        )
        for prefix in ("codeconnections", "codestar-connections")
    ),
    Variant({"Source": "S3"}, (object_is_deployed,)),
)


def _execution() -> dict[str, Any]:
    name = str(uuid.uuid4())
    arn = f"arn:aws:states:{REGION}:{ACCOUNT}:execution:stepline-deploy:{name}"
    return {"id": arn, "name": name, "startTime": "2026-01-01T12:00:00.000Z", "attempt": 1}


def _wait_for_change_set(system: Pipeline, change_set: str) -> None:
    waiter = system.client("cloudformation").get_waiter("change_set_create_complete")
    waiter.wait(ChangeSetName=change_set, WaiterConfig={"Delay": 0, "MaxAttempts": 200})


def _assert_explained(reason: str, *, denied: str, further: str) -> None:
    assert denied in reason, reason
    assert "the parameter ApplicationPolicyArns of the stack stepline" in reason, reason
    assert further in reason.partition("further actions")[2], reason


def _assert_no_template_left(system: Pipeline) -> None:
    left = system.client("s3").list_objects_v2(Bucket=system.bucket, Prefix="templates/")
    assert left["KeyCount"] == 0, "a temporary template was not deleted"


def _assert_no_change_set_left(system: Pipeline, stack_id: str) -> None:
    left = system.client("cloudformation").list_change_sets(StackName=stack_id)["Summaries"]
    assert left == [], "the change set was not deleted"
