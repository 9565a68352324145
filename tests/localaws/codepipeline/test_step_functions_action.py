"""The StepFunctions action, with a fake of Step Functions, and once with the local one."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import pytest

from stepline.localaws.codepipeline import Settings
from tests.fakes.clients import client_of
from tests.fakes.step_functions import FakeExecution, FakeStepFunctions
from tests.localaws.codepipeline.fakes import World, approval_action, pipeline, stage
from tests.localaws.codepipeline.remote import ALLOW_ALL, RemotePipeline

MACHINE = "arn:aws:states:us-east-1:000000000000:stateMachine:deploy"
ACTION_TYPE = {"category": "Invoke", "owner": "AWS", "provider": "StepFunctions", "version": "1"}


@pytest.fixture
def machines(world: World) -> FakeStepFunctions:
    fake = FakeStepFunctions(machines={MACHINE: "STANDARD"})
    world.services["stepfunctions"] = client_of(fake)
    return fake


def action(**changes: Any) -> dict[str, Any]:
    configuration = {"StateMachineArn": MACHINE, **changes.pop("configuration", {})}
    return {"name": "Deploy", "actionTypeId": ACTION_TYPE, "configuration": configuration, **changes}


def start(world: World, **changes: Any) -> str:
    """Create a pipeline with the action, start it, and let the execution of the machine start."""
    world.create(stage("Deploy", action(**changes)))
    execution_id = world.start()
    world.clock.advance(1)
    return execution_id


def only(machines: FakeStepFunctions) -> FakeExecution:
    (execution,) = machines.executions.values()
    return execution


def test_action_ends_when_the_execution_has_succeeded(world: World, machines: FakeStepFunctions) -> None:
    execution_id = start(world)
    world.clock.advance(60)
    assert world.latest()["status"] == "InProgress"
    assert world.latest()["externalExecutionId"] == only(machines).arn

    only(machines).succeed()
    world.clock.run()

    assert world.status(execution_id) == "Succeeded"
    assert world.actions(execution_id)[0]["output"]["outputVariables"] == {
        "StateMachineArn": MACHINE,
        "ExecutionArn": only(machines).arn,
    }


def test_execution_is_named_after_the_action_execution(world: World, machines: FakeStepFunctions) -> None:
    execution_id = start(world)
    assert only(machines).name == world.actions(execution_id)[0]["actionExecutionId"]


def test_prefix_is_prepended_to_the_name(world: World, machines: FakeStepFunctions) -> None:
    execution_id = start(world, configuration={"ExecutionNamePrefix": "release"})
    assert only(machines).name == f"release-{world.actions(execution_id)[0]['actionExecutionId']}"


def test_literal_input_is_passed_with_its_variables_resolved(
    world: World, machines: FakeStepFunctions
) -> None:
    start(world, configuration={"Input": '{"commit": "#{SourceVariables.CommitId}"}'})
    assert json.loads(only(machines).input) == {"commit": "1" * 40}


def test_input_is_an_empty_object_by_default(world: World, machines: FakeStepFunctions) -> None:
    start(world)
    assert only(machines).input == "{}"


def test_input_is_read_from_the_artifact(world: World, machines: FakeStepFunctions) -> None:
    world.source.files = {"assets/input.json": b'{"size": 3}'}
    start(
        world,
        configuration={"InputType": "FilePath", "Input": "assets/input.json"},
        inputArtifacts=[{"name": "SourceOutput"}],
    )
    assert only(machines).input == '{"size": 3}'


def test_missing_input_file_fails_the_action(world: World, machines: FakeStepFunctions) -> None:
    world.source.files = {"other.json": b"{}"}
    start(
        world,
        configuration={"InputType": "FilePath", "Input": "input.json"},
        inputArtifacts=[{"name": "SourceOutput"}],
    )
    assert world.latest()["status"] == "Failed"
    assert "input.json" in world.latest()["errorDetails"]["message"]
    assert machines.executions == {}


def test_output_artifact_holds_the_output_of_the_execution(world: World, machines: FakeStepFunctions) -> None:
    start(world, outputArtifacts=[{"name": "Result"}])
    only(machines).succeed('{"done": true}')
    world.clock.run()

    with zipfile.ZipFile(io.BytesIO(world.artifacts[-1])) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == {"output.json": b'{"done": true}'}


@pytest.mark.parametrize("status", ["FAILED", "TIMED_OUT", "ABORTED"])
def test_failed_execution_fails_the_action_with_its_error_and_cause(
    world: World, machines: FakeStepFunctions, status: str
) -> None:
    start(world)
    only(machines).fail("Broken", "the disk is full", status=status)
    world.clock.run()

    details = world.latest()["errorDetails"]
    assert details["code"] == "JobFailed"
    assert status in details["message"]
    assert "Broken: the disk is full" in details["message"]


def test_express_execution_is_not_waited_for(world: World, machines: FakeStepFunctions) -> None:
    machines.machines[MACHINE] = "EXPRESS"
    execution_id = start(world)
    assert world.status(execution_id) == "Succeeded"
    assert world.actions(execution_id)[0]["output"]["outputVariables"] == {"StateMachineArn": MACHINE}


def test_missing_state_machine_fails_the_action(world: World, machines: FakeStepFunctions) -> None:
    machines.machines.clear()
    start(world)
    assert world.latest()["errorDetails"] == {
        "code": "ConfigurationError",
        "message": f"State Machine Does Not Exist: '{MACHINE}'",
    }


def test_abandoned_action_leaves_the_execution_running(world: World, machines: FakeStepFunctions) -> None:
    execution_id = start(world)
    world.client.stop_pipeline_execution(pipelineName="app", pipelineExecutionId=execution_id, abandon=True)
    world.clock.run()
    assert world.latest()["status"] == "Abandoned"
    assert only(machines).status == "RUNNING"


def test_action_times_out_after_seven_days() -> None:
    world = World(settings=Settings(start_on_create=False, poll_seconds=3600))
    fake = FakeStepFunctions(machines={MACHINE: "STANDARD"})
    world.services["stepfunctions"] = client_of(fake)
    start(world)
    world.clock.advance(7 * 24 * 3600)
    assert world.latest()["status"] == "Failed"
    assert "timed out" in world.latest()["errorDetails"]["message"]
    assert only(fake).status == "RUNNING"


@pytest.mark.parametrize(
    ("configuration", "message"),
    [
        ({"InputType": "Text"}, "invalid InputType 'Text'"),
        ({"InputType": "FilePath", "Input": "input.json"}, "needs an input artifact"),
    ],
)
def test_invalid_input_type_is_refused(world: World, configuration: dict[str, str], message: str) -> None:
    document = pipeline(stage("Deploy", action(configuration=configuration), approval_action()))
    with pytest.raises(world.client.exceptions.InvalidActionDeclarationException) as caught:
        world.client.create_pipeline(pipeline=document)
    assert message in str(caught.value)


def test_action_runs_a_machine_of_the_local_aws(remote: RemotePipeline) -> None:
    """The role has the permissions that AWS documents; the machine reads its input from the artifact."""
    done = {"Type": "Pass", "Parameters": {"doubled.$": "States.MathAdd($.size, $.size)"}, "End": True}
    machine = remote.server.client("stepfunctions").create_state_machine(
        name=remote.name,
        definition=json.dumps({"StartAt": "Done", "States": {"Done": done}}),
        roleArn=remote.create_role(f"{remote.name}-machine", "states", ALLOW_ALL),
    )["stateMachineArn"]
    configuration = {"StateMachineArn": machine, "InputType": "FilePath", "Input": "input.json"}
    states = ["states:DescribeStateMachine", "states:StartExecution", "states:DescribeExecution"]
    remote.create(
        [
            action(
                configuration=configuration,
                inputArtifacts=[{"name": "Source"}],
                outputArtifacts=[{"name": "Result"}],
            )
        ],
        statements=[
            {"Effect": "Allow", "Action": "s3:*", "Resource": "*"},
            {"Effect": "Allow", "Action": states, "Resource": "*"},
        ],
    ).run({"input.json": '{"size": 3}'})

    assert remote.files("Deploy") == {"output.json": b'{"doubled":6}'}
    assert remote.variables("Deploy")["StateMachineArn"] == machine
