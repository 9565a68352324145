"""Scenarios of the custom action, in a pipeline of their own with the roles of the application's."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from statemachines.deploy.ownership import OWNER_TAG
from tests.iam.other_resources import INPUT_BUCKET
from tests.iam.pipeline import Pipeline, continuation_token
from tests.iam.system import ACCOUNT, REGION

_NAME = "iam-custom-action"
_ACTION = "Deploy"
_TABLE = "stepline-open-jobs"
_CLAIMS = "stepline/express/"
_SECONDS_SINCE_START = 50


def abandoned_action_stops_its_execution(system: Pipeline) -> None:
    _abandon_a_deployment(system, lambda request: {"Input": json.dumps(request)})


def abandoned_lambda_action_with_a_held_job_stops_its_execution(system: Pipeline) -> None:
    function = system.resources["TriggerFunction"]
    _abandon_a_deployment(
        system,
        lambda request: {"FunctionName": function, "UserParameters": json.dumps({"input": request})},
    )


def sweep_of_held_jobs_runs(system: Pipeline) -> None:
    assert system.invoke("worker", {"detail-type": "Held Jobs"}) is None


def _abandon_a_deployment(
    system: Pipeline, configuration: Callable[[dict[str, str]], Mapping[str, str]]
) -> None:
    """The execution waits for a stack that is busy until its wait condition is signaled at the end."""
    handle = {"Type": "AWS::CloudFormation::WaitConditionHandle"}
    properties = {"Handle": {"Ref": "Handle"}, "Timeout": "300"}
    signal = {"Type": "AWS::CloudFormation::WaitCondition", "Properties": properties}
    cloudformation = system.client("cloudformation")
    name = f"iam-busy-{system.head()[:12]}"
    cloudformation.create_stack(
        StackName=name,
        TemplateBody=json.dumps({"Resources": {"Handle": handle, "Signal": signal}}),
        RoleARN=system.role_arn("ApplicationRole"),
        Tags=[{"Key": OWNER_TAG, "Value": system.stack_name}],
    )
    request = {"environmentName": "iam", "stackName": name.removeprefix("iam-"), "templatePath": "t.json"}
    with running_action(system, configuration(request)) as target:
        _abandon(system, target)
    cloudformation.signal_resource(StackName=name, LogicalResourceId="Signal", UniqueId="1", Status="SUCCESS")
    cloudformation.delete_stack(StackName=name)


def sweep_runs(system: Pipeline) -> None:
    assert system.invoke("worker", {"detail-type": "Scheduled Event", "detail": {}}) is None


def failed_execution_is_redriven(system: Pipeline) -> None:
    with running_action(system, {"Input": "{}", "Retry": "Redrive"}) as target:
        assert end_of_action(system, target)["status"] == "Failed"
        failed = _execution_arn(system, target)
        _retry(system, target)
        assert end_of_action(system, target)["status"] == "Failed"
        assert _execution_arn(system, target) == failed


def custom_action_runs_another_state_machine(system: Pipeline) -> None:
    """Its execution is stopped with the action, and redriven with the stage."""
    configuration = {"StateMachine": "iam-standard", "Input": "{}", "Retry": "Redrive"}
    with running_action(system, configuration) as target:
        _abandon(system, target)
        _retry(system, target)
        _abandon(system, target)


def custom_action_runs_an_express_state_machine(system: Pipeline) -> None:
    with running_action(system, {"StateMachine": "iam-express", "Input": "{}"}) as target:
        assert end_of_action(system, target)["status"] == "Succeeded"


def denied_express_execution_fails_the_custom_action(system: Pipeline) -> None:
    """The claim is deleted, and then looked for."""
    deny = {"Effect": "Deny", "Action": "states:StartSyncExecution", "Resource": "*"}
    policy = {"RoleName": system.resources["WorkerRole"], "PolicyName": "deny"}
    system.client("iam").put_role_policy(**policy, PolicyDocument=json.dumps({"Statement": [deny]}))
    try:
        with running_action(system, {"StateMachine": "iam-express", "Input": "{}"}) as target:
            assert end_of_action(system, target)["status"] == "Failed"
    finally:
        system.client("iam").delete_role_policy(**policy)


def result_of_an_interrupted_worker_is_reported(system: Pipeline) -> None:
    """A worker recorded the result of the Express execution, and was killed; the sweep goes on."""
    s3 = system.client("s3")
    claims = s3.list_objects_v2(Bucket=system.bucket, Prefix=_CLAIMS)["Contents"]
    with interrupted_worker(system, {"StateMachine": "iam-express", "Input": "{}"}) as (target, job):
        s3.copy_object(
            Bucket=system.bucket,
            Key=f"{_CLAIMS}codepipeline-{job['id']}.json",
            CopySource={"Bucket": system.bucket, "Key": claims[0]["Key"]},
        )
        sweep_runs(system)
        assert end_of_action(system, target)["status"] == "Succeeded"


@contextlib.contextmanager
def interrupted_worker(
    system: Pipeline, configuration: Mapping[str, str]
) -> Iterator[tuple[dict[str, str], dict[str, Any]]]:
    """Run an action whose first job was taken by a worker that was killed; yield both."""
    codepipeline, events = system.client("codepipeline"), system.client("events")
    rule = system.resources["WorkerFunctionActionChanged"]
    (action_type,) = codepipeline.list_action_types(actionOwnerFilter="Custom")["actionTypes"]
    events.disable_rule(Name=rule)
    try:
        with running_action(system, configuration) as target:
            (job,) = system.wait_for(
                lambda: codepipeline.poll_for_jobs(actionTypeId=action_type["id"])["jobs"], bool
            )
            codepipeline.acknowledge_job(jobId=job["id"], nonce=job["nonce"])
            item = {"firstJob": {"S": job["id"]}, "job": {"S": job["id"]}, "changed": {"N": "0"}}
            system.client("dynamodb").put_item(TableName=_TABLE, Item=item)
            yield target, job
    finally:
        events.enable_rule(Name=rule)


def timeout_of_a_custom_action_stops_its_execution(system: Pipeline) -> None:
    """The action began almost a minute ago, as the continuation token says, and no event of it was sent."""
    codepipeline, events = system.client("codepipeline"), system.client("events")
    rule = system.resources["WorkerFunctionActionChanged"]
    (action_type,) = codepipeline.list_action_types(actionOwnerFilter="Custom")["actionTypes"]
    machine = f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:iam-standard"
    events.disable_rule(Name=rule)
    try:
        configuration = {"StateMachine": "iam-standard", "Input": "{}", "TimeoutMinutes": "1"}
        with running_action(system, configuration) as target:
            (job,) = system.wait_for(
                lambda: codepipeline.poll_for_jobs(actionTypeId=action_type["id"])["jobs"], bool
            )
            codepipeline.acknowledge_job(jobId=job["id"], nonce=job["nonce"])
            execution = system.client("stepfunctions").start_execution(
                stateMachineArn=machine, name=f"codepipeline-{job['id']}", input="{}"
            )["executionArn"]
            token = continuation_token(job["id"], execution, seconds=_SECONDS_SINCE_START)
            codepipeline.put_job_success_result(jobId=job["id"], continuationToken=token)
            system.wait_for(
                lambda: _open_job_after_a_sweep(system, job["id"]), lambda item: "execution" in item
            )
            system.wait_for_execution(execution).assert_status("ABORTED")
            assert end_of_action(system, target)["status"] == "Failed"
    finally:
        events.enable_rule(Name=rule)


def _open_job_after_a_sweep(system: Pipeline, first_job: str) -> dict[str, Any]:
    sweep_runs(system)
    return _open_job(system, first_job)


def custom_action_reads_its_input_from_a_bucket(system: Pipeline) -> None:
    system.client("s3").put_object(Bucket=INPUT_BUCKET, Key="custom.json", Body=b"{}")
    configuration = {"StateMachine": "iam-express", "InputFile": f"s3://{INPUT_BUCKET}/custom.json"}
    with running_action(system, configuration) as target:
        assert end_of_action(system, target)["status"] == "Succeeded"


@contextlib.contextmanager
def running_action(system: Pipeline, configuration: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Run a copy of the application's pipeline with this configuration of its action."""
    client = system.client("codepipeline")
    pipeline: dict[str, Any] = client.get_pipeline(name="stepline")["pipeline"]
    pipeline["name"] = _NAME
    (action,) = next(stage["actions"] for stage in pipeline["stages"] if stage["name"] == _ACTION)
    action["configuration"] = dict(configuration)
    action.pop("namespace", None)
    pipeline.pop("version")
    client.create_pipeline(pipeline=pipeline)
    try:
        execution = client.start_pipeline_execution(name=_NAME)["pipelineExecutionId"]
        yield {"pipelineName": _NAME, "pipelineExecutionId": execution}
    finally:
        client.delete_pipeline(name=_NAME)


def action_execution(system: Pipeline, target: Mapping[str, str]) -> dict[str, Any]:
    found = system.client("codepipeline").list_action_executions(
        pipelineName=target["pipelineName"],
        filter={"pipelineExecutionId": target["pipelineExecutionId"]},
    )["actionExecutionDetails"]
    return next((item for item in found if item["actionName"] == _ACTION), {"status": ""})


def _execution_arn(system: Pipeline, target: Mapping[str, str]) -> str:
    output = action_execution(system, target).get("output", {})
    return str(output.get("executionResult", {}).get("externalExecutionId", ""))


def end_of_action(system: Pipeline, target: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = system.wait_for(
        lambda: action_execution(system, target),
        lambda item: item["status"] not in {"", "InProgress"},
    )
    return found


def _retry(system: Pipeline, target: Mapping[str, str]) -> None:
    system.client("codepipeline").retry_stage_execution(
        **target, stageName=_ACTION, retryMode="FAILED_ACTIONS"
    )


def _abandon(system: Pipeline, target: Mapping[str, str]) -> None:
    """Abandon the action once its job is held; its execution is stopped."""
    execution = system.wait_for(lambda: _execution_arn(system, target), bool)
    first_job = execution.rpartition(":codepipeline-")[2]
    system.wait_for(lambda: _open_job(system, first_job), lambda item: "execution" in item)
    system.client("codepipeline").stop_pipeline_execution(**target, abandon=True)
    system.wait_for_execution(execution).assert_status("ABORTED")
    # The status event of the end is handled, too: afterwards nothing waits for the execution.
    system.wait_for(lambda: _open_job(system, first_job), lambda item: not item)


def _open_job(system: Pipeline, first_job: str) -> dict[str, Any]:
    """Return the item of the action with this first job; an empty one if there is none."""
    response = system.client("dynamodb").get_item(
        TableName=_TABLE, Key={"firstJob": {"S": first_job}}, ConsistentRead=True
    )
    item: dict[str, Any] = response.get("Item", {})
    return item
