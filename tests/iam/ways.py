"""Every way through the application that needs a permission no other way needs; see `proofs.py`."""

from __future__ import annotations

import json
import os
import time
import uuid
from collections.abc import Mapping
from typing import Any

import pytest

from tests.iam.logged_machines import logged_machine_of
from tests.iam.others import INPUT_BUCKET, PARAMETERS, make_others
from tests.iam.pipeline import Pipeline
from tests.iam.proofs import Lane, Variant
from tests.iam.stacks import APPLICATION
from tests.iam.system import ACCOUNT, REGION

_LARGE_FILES = 5
_LARGE_FILE_BYTES = 5_000_000  # a file of a request has 6 MB at most
_LARGE_CHARACTERS = 52_000  # above what CloudFormation takes in a request
_POLICY = {
    "StackPolicy": {
        "Statement": [{"Effect": "Allow", "Action": "Update:*", "Principal": "*", "Resource": "*"}]
    }
}
_CONFIGURATION = {"Tags": {"team": "iam"}, **_POLICY}
BROKEN = {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "not-called-fifo", "FifoQueue": True}}
"""CloudFormation accepts it, and the service refuses it."""


def template(value: str = "1", **more: Any) -> dict[str, Any]:
    """A stack of one parameter, and of more resources."""
    parameter = {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": value}}
    return {"Resources": {"Parameter": parameter, **more}}


def large_template(value: str = "1") -> dict[str, Any]:
    return template(value) | {"Metadata": {"Filling": "x" * _LARGE_CHARACTERS}}


def fresh() -> str:
    return uuid.uuid4().hex[:12]


# --- the pipeline


def push_deploys(system: Pipeline) -> None:
    name = fresh()
    request = {"environmentName": "iam", "stackName": name, "templatePath": "template.json"}
    system.push(state_machine_input=request, template=template()).must_be("Succeeded")
    system.stack_must_be(f"iam-{name}", "CREATE_COMPLETE")


def push_fails(system: Pipeline) -> None:
    ended = system.push(state_machine_input={"environmentName": "iam"}, template=template())
    ended.must_be("Failed")
    assert "stackName" in ended.reason, ended.reason


def source_is_abandoned(system: Pipeline) -> None:
    """While CodeCommit packs a large commit, of a branch that starts nothing."""
    codecommit, pipelines = system.client("codecommit"), system.client("codepipeline")
    branch, head = f"large-{fresh()}", system.head()
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
    execution = pipelines.start_pipeline_execution(name=APPLICATION, sourceRevisions=[revision])
    place = {"pipelineName": APPLICATION, "pipelineExecutionId": execution["pipelineExecutionId"]}
    system.wait_for(lambda: system.action_status(place["pipelineExecutionId"]), "InProgress".__eq__)
    pipelines.stop_pipeline_execution(**place, abandon=True)
    assert system.action_status(place["pipelineExecutionId"]) == "Abandoned"
    system.wait_for(lambda: "codecommit:CancelUploadArchive" in system.decided(), bool)
    codecommit.delete_branch(repositoryName="stepline-app", branchName=branch)


def late_execution_is_stopped(system: Pipeline) -> None:
    """The stack waits for a signal that never comes."""
    job = str(uuid.uuid4())
    handle = {"Type": "AWS::CloudFormation::WaitConditionHandle"}
    properties = {"Handle": {"Ref": "Handle"}, "Timeout": "30"}
    signal = {"Type": "AWS::CloudFormation::WaitCondition", "Properties": properties}
    request = system.request(fresh(), template=template(Handle=handle, Signal=signal))
    execution = system.start_deploy(request, name=f"codepipeline-{job}")
    system.invoke("trigger", _job({}, token=_token(job, execution)))
    system.end_of(execution).must_be("ABORTED")


# --- the Deploy state machine


def large_stack_is_created(system: Pipeline) -> None:
    name = fresh()
    request = system.request(name, template=large_template(), configuration=_CONFIGURATION)
    system.deploy(request).must_be("SUCCEEDED")
    stack = system.client("cloudformation").describe_stacks(StackName=f"iam-{name}")["Stacks"][0]
    assert {"Key": "team", "Value": "iam"} in stack["Tags"]
    _no_template_left(system)


def large_stack_is_updated(system: Pipeline) -> None:
    name = fresh()
    stack_id = system.stack(f"iam-{name}", template())
    request = system.request(name, template=large_template("2"), configuration=_CONFIGURATION)
    system.deploy(request).must_be("SUCCEEDED")
    cloudformation = system.client("cloudformation")
    system.stack_must_be(stack_id, "UPDATE_COMPLETE")
    assert "StackPolicyBody" in cloudformation.get_stack_policy(StackName=stack_id)
    _no_template_left(system)


def unchanged_stack_is_left_alone(system: Pipeline) -> None:
    name = fresh()
    stack_id = system.stack(f"iam-{name}", template())
    system.deploy(system.request(name, template=template())).must_be("SUCCEEDED")
    system.stack_must_be(stack_id, "CREATE_COMPLETE")
    _no_change_set_left(system, stack_id)


def refused_change_leaves_nothing(system: Pipeline) -> None:
    name = fresh()
    queue = {"Type": "AWS::SQS::Queue"}
    stack_id = system.stack(f"iam-{name}", template(Queue=queue))
    ended = system.deploy(system.request(name, template=template()))
    ended.must_be("FAILED")
    assert "Queue" in ended.reason, ended.reason
    _no_change_set_left(system, stack_id)


def remains_are_deleted(system: Pipeline) -> None:
    name = fresh()
    system.stack(f"iam-{name}", template(Broken=BROKEN))
    system.deploy(system.request(name, template=template())).must_be("SUCCEEDED")
    system.stack_must_be(f"iam-{name}", "CREATE_COMPLETE")


def failed_creation_tells_why(system: Pipeline) -> None:
    ended = system.deploy(system.request(fresh(), template=template(Broken=BROKEN)))
    ended.must_be("FAILED")
    assert "Broken" in ended.reason, ended.reason


def failed_update_tells_why(system: Pipeline) -> None:
    name = fresh()
    system.stack(f"iam-{name}", template())
    ended = system.deploy(system.request(name, template=template("2", Broken=BROKEN)))
    ended.must_be("FAILED")
    assert "Broken" in ended.reason, ended.reason


# --- tasks that Lambda or Step Functions runs twice


def creation_is_repeated(system: Pipeline) -> None:
    event = {"request": system.request(fresh(), template=template()), "execution": _execution()}
    first, second = (system.invoke("create-stack", event) for _ in range(2))
    assert first["stackId"] == second["stackId"]
    system.stack_at_rest(first["stackId"])


def update_is_repeated(system: Pipeline) -> None:
    name = fresh()
    stack_id = system.stack(f"iam-{name}", template())
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
    system.stack_at_rest(stack_id)
    # CloudFormation forgets a change set after it was executed; the stack's events remain.
    system.client("cloudformation").delete_change_set(ChangeSetName=change_set["id"], StackName=stack_id)
    assert system.invoke("execute-change-set", step)["token"] == operation["token"]


def failed_deletion_tells_why(system: Pipeline) -> None:
    network = {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/16"}}
    stack_id = system.stack(f"iam-{fresh()}", template(Network=network))
    found = system.client("cloudformation").describe_stack_resources(StackName=stack_id)["StackResources"]
    vpc = next(item["PhysicalResourceId"] for item in found if item["LogicalResourceId"] == "Network")
    system.client("ec2").create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")  # keeps its network alive
    system.client("cloudformation").delete_stack(StackName=stack_id, ClientRequestToken="deletion")
    system.stack_must_be(stack_id, "DELETE_FAILED")
    progress = {"waitedSeconds": 0, "waitSeconds": 1}
    operation = {"stackId": stack_id, "token": "deletion", "since": "", "progress": progress}
    with pytest.raises(AssertionError, match="StackDeletionFailedError"):
        system.invoke("check-stack-deletion-status", {"operation": operation})


# --- other state machines, and inputs from a bucket


def other_machine_is_watched_and_stopped(system: Pipeline) -> None:
    parameters = {"stateMachine": "iam-standard", "input": {}, "timeoutMinutes": 1}
    job = str(uuid.uuid4())
    system.invoke("trigger", _job(parameters, job=job))
    execution = f"arn:aws:states:{REGION}:{ACCOUNT}:execution:iam-standard:codepipeline-{job}"
    system.invoke("trigger", _job(parameters, token=_token(job, execution)))
    system.end_of(execution).must_be("ABORTED")


def express_machine_is_started_once(system: Pipeline) -> None:
    parameters = {"stateMachine": "iam-express", "input": {}}
    job = str(uuid.uuid4())
    for _ in range(2):
        system.invoke("trigger", _job(parameters, job=job))
    claim = system.client("s3").get_object(
        Bucket=system.bucket, Key=f"stepline/express/codepipeline-{job}.json"
    )
    assert json.loads(claim["Body"].read())["result"]["status"] == "SUCCEEDED"


def refused_express_machine_leaves_no_claim(system: Pipeline) -> None:
    """Somebody forbids the start: what was not started must not stay claimed, nor seem to be."""
    job = str(uuid.uuid4())
    deny = {"Effect": "Deny", "Action": "states:StartSyncExecution", "Resource": "*"}
    place = {"RoleName": system.resources["TriggerRole"], "PolicyName": "deny"}
    system.client("iam").put_role_policy(**place, PolicyDocument=json.dumps({"Statement": [deny]}))
    try:
        system.invoke("trigger", _job({"stateMachine": "iam-express", "input": {}}, job=job))
    finally:
        system.client("iam").delete_role_policy(**place)
    left = system.client("s3").list_objects_v2(
        Bucket=system.bucket, Prefix=f"stepline/express/codepipeline-{job}"
    )
    assert left["KeyCount"] == 0
    # The job fails at once, because it has no such input, and not as if its claim were unreadable.
    system.invoke("trigger", _job({"stateMachine": "iam-express", "inputFile": "no.json"}, job=job))


def input_comes_from_a_bucket(system: Pipeline) -> None:
    key = f"{fresh()}.json"
    system.client("s3").put_object(Bucket=INPUT_BUCKET, Key=key, Body=b'{"from": "bucket"}')
    job = str(uuid.uuid4())
    parameters = {"stateMachine": "iam-standard", "inputS3": f"s3://{INPUT_BUCKET}/{key}"}
    system.invoke("trigger", _job(parameters, job=job))
    execution = f"arn:aws:states:{REGION}:{ACCOUNT}:execution:iam-standard:codepipeline-{job}"
    stepfunctions = system.client("stepfunctions")
    assert "bucket" in stepfunctions.describe_execution(executionArn=execution)["input"]
    stepfunctions.stop_execution(executionArn=execution)


logged_machine_lives_and_goes = logged_machine_of("DeployStateMachineRole")

SYSTEM = Pipeline
LANES: tuple[Lane, ...] = (
    # The pipeline does one thing after the other; its first push makes the branch.
    (push_deploys, push_fails, source_is_abandoned),
    # Both look for temporary templates.
    (large_stack_is_created, large_stack_is_updated),
    (remains_are_deleted, failed_creation_tells_why, failed_update_tells_why, logged_machine_lives_and_goes),
    (
        late_execution_is_stopped,
        unchanged_stack_is_left_alone,
        refused_change_leaves_nothing,
        creation_is_repeated,
        update_is_repeated,
        failed_deletion_tells_why,
    ),
)
VARIANTS = (
    Variant(
        PARAMETERS,
        (
            other_machine_is_watched_and_stopped,
            express_machine_is_started_once,
            refused_express_machine_leaves_no_claim,
            input_comes_from_a_bucket,
        ),
        prepare=make_others,
    ),
)


def _job(parameters: Mapping[str, Any], *, job: str = "", token: str | None = None) -> dict[str, Any]:
    """A job event for the trigger. No such job is open: an answer to it is refused, after all else."""
    configuration = {"FunctionName": "trigger", "UserParameters": json.dumps(parameters)}
    data: dict[str, Any] = {
        "actionConfiguration": {"configuration": configuration},
        "inputArtifacts": [],
        "outputArtifacts": [],
        "artifactCredentials": {"accessKeyId": "a", "secretAccessKey": "b", "sessionToken": "c"},
    }
    if token is not None:
        data["continuationToken"] = token
    return {"CodePipeline.job": {"id": job or str(uuid.uuid4()), "accountId": ACCOUNT, "data": data}}


def _token(job: str, execution: str) -> str:
    """Of an execution that began a day ago."""
    began = int(time.time()) - 86_000
    members = {"v": 1, "job": job, "since": began, "percent": 0, "execution": execution, "started": began}
    return json.dumps(members)


def _execution() -> dict[str, Any]:
    name = str(uuid.uuid4())
    arn = f"arn:aws:states:{REGION}:{ACCOUNT}:execution:stepline-deploy:{name}"
    return {"id": arn, "name": name, "startTime": "2026-01-01T12:00:00.000Z", "attempt": 1}


def _wait_for_change_set(system: Pipeline, change_set: str) -> None:
    waiter = system.client("cloudformation").get_waiter("change_set_create_complete")
    waiter.wait(ChangeSetName=change_set, WaiterConfig={"Delay": 0, "MaxAttempts": 200})


def _no_template_left(system: Pipeline) -> None:
    left = system.client("s3").list_objects_v2(Bucket=system.bucket, Prefix="templates/")
    assert left["KeyCount"] == 0, "a temporary template is still there"


def _no_change_set_left(system: Pipeline, stack_id: str) -> None:
    left = system.client("cloudformation").list_change_sets(StackName=stack_id)["Summaries"]
    assert left == [], "the change set is still there"
