"""CodeBuild and Commands actions: what they ask CodeBuild to do, and how they end."""

from __future__ import annotations

import json
from typing import Any

import pytest

from stepline.localaws.codepipeline import Settings
from tests.localaws.codepipeline.fakes import (
    COMMIT,
    FakeBuild,
    World,
    client_error,
    lambda_action,
    source_action,
    stage,
)


def build_action(category: str = "Build", **changes: Any) -> dict[str, Any]:
    """Return a CodeBuild action named Deploy, as `World.latest` expects it."""
    configuration = {"ProjectName": "app", **changes.pop("configuration", {})}
    return {
        "name": "Deploy",
        "actionTypeId": {"category": category, "owner": "AWS", "provider": "CodeBuild", "version": "1"},
        "configuration": configuration,
        "inputArtifacts": [{"name": "SourceOutput"}],
        **changes,
    }


def commands_action(*commands: str, **changes: Any) -> dict[str, Any]:
    return {
        "name": "Deploy",
        "actionTypeId": {"category": "Compute", "owner": "AWS", "provider": "Commands", "version": "1"},
        "inputArtifacts": [{"name": "SourceOutput"}],
        "commands": list(commands),
        **changes,
    }


def start(world: World, action: dict[str, Any], **changes: Any) -> str:
    world.create(stage("Deploy", action), **changes)
    execution_id = world.start()
    world.clock.advance(0)
    return execution_id


def only(world: World) -> FakeBuild:
    (build,) = world.builds.started
    return build


@pytest.mark.parametrize("category", ["Build", "Test"])
def test_build_gets_source_and_initiator(world: World, category: str) -> None:
    start(world, build_action(category))

    build = only(world)
    assert build.project_name == "app"
    assert build.request.initiator == "codepipeline/app"
    assert [(item.name, item.revision) for item in build.request.inputs] == [("SourceOutput", COMMIT)]
    assert build.request.buildspec is None


def test_action_is_in_progress_until_the_build_has_ended(world: World) -> None:
    execution_id = start(world, build_action(namespace="Built"))
    world.clock.advance(60)
    assert world.latest()["status"] == "InProgress"
    assert world.latest()["externalExecutionId"] == "app:1"
    assert world.latest()["externalExecutionUrl"].endswith("#/builds/app:1/view/new")

    only(world).end(IMAGE="app:3")
    world.clock.run()
    assert world.status(execution_id) == "Succeeded"
    assert world.actions(execution_id)[0]["output"]["outputVariables"] == {"IMAGE": "app:3"}


def test_failed_build_fails_the_action_with_phase_code_and_message(world: World) -> None:
    start(world, build_action())
    only(world).end("FAILED", "Phase: BUILD, Code: COMMAND_EXECUTION_ERROR, Message: exit status 1")
    world.clock.run()

    assert world.latest()["errorDetails"] == {
        "code": "JobFailed",
        "message": "Build terminated with state: FAILED. Phase: BUILD, Code: COMMAND_EXECUTION_ERROR, "
        "Message: exit status 1",
    }


def test_stopped_build_fails_the_action(world: World) -> None:
    start(world, build_action())
    only(world).end("STOPPED")
    world.clock.run()
    assert world.latest()["errorDetails"]["message"] == "Build terminated with state: STOPPED"


@pytest.mark.parametrize(
    ("code", "expected"),
    [("AccessDeniedException", "PermissionError"), ("ResourceNotFoundException", "ConfigurationError")],
)
def test_build_that_is_not_started_fails_the_action(world: World, code: str, expected: str) -> None:
    world.builds.error = client_error(code, "StartBuild", "Error calling startBuild: no")
    start(world, build_action())
    assert world.latest()["errorDetails"] == {"code": expected, "message": "Error calling startBuild: no"}


def test_environment_variables_and_buildspec_are_overridden(world: World) -> None:
    variables = [
        {"name": "COMMIT", "value": "#{SourceVariables.CommitId}"},
        {"name": "TOKEN", "value": "token", "type": "SECRETS_MANAGER"},
    ]
    configuration = {"EnvironmentVariables": json.dumps(variables), "BuildspecOverride": "ci.yml"}
    start(world, build_action(configuration=configuration))

    request = only(world).request
    assert request.buildspec == "ci.yml"
    assert request.variables == [
        {"name": "COMMIT", "value": COMMIT, "type": "PLAINTEXT"},
        {"name": "TOKEN", "value": "token", "type": "SECRETS_MANAGER"},
    ]


@pytest.mark.parametrize("text", ["no JSON", '{"name": "A"}', '[{"name": "A", "value": "1", "type": "X"}]'])
def test_invalid_environment_variables_fail_the_action(world: World, text: str) -> None:
    start(world, build_action(configuration={"EnvironmentVariables": text}))
    assert world.latest()["errorDetails"]["code"] == "ConfigurationError"
    assert "EnvironmentVariables" in world.latest()["errorDetails"]["message"]


def two_sources() -> list[dict[str, Any]]:
    other = source_action(name="Other", namespace="Others", outputArtifacts=[{"name": "OtherOutput"}])
    return [source_action(), other]


@pytest.mark.parametrize("primary", ["SourceOutput", "OtherOutput"])
def test_primary_source_comes_first(world: World, primary: str) -> None:
    action = build_action(
        configuration={"PrimarySource": primary},
        inputArtifacts=[{"name": "SourceOutput"}, {"name": "OtherOutput"}],
    )
    start(world, action, stages=[stage("Source", *two_sources()), stage("Deploy", action)])
    assert only(world).request.inputs[0].name == primary
    assert {item.name for item in only(world).request.inputs} == {"SourceOutput", "OtherOutput"}


def test_several_inputs_need_a_primary_source(world: World) -> None:
    action = build_action(inputArtifacts=[{"name": "SourceOutput"}, {"name": "OtherOutput"}])
    start(world, action, stages=[stage("Source", *two_sources()), stage("Deploy", action)])
    assert "SourceOutput, OtherOutput" in world.latest()["errorDetails"]["message"]


def test_batch_builds_are_refused_by_name(world: World) -> None:
    with pytest.raises(world.client.exceptions.InvalidActionDeclarationException, match="BatchEnabled"):
        world.create(stage("Deploy", build_action(configuration={"BatchEnabled": "true"})))


def test_action_times_out_after_36_hours() -> None:
    world = World(settings=Settings(start_on_create=False, poll_seconds=3600))
    start(world, build_action())
    world.clock.advance(36 * 3600)
    assert "timed out" in world.latest()["errorDetails"]["message"]


def test_commands_become_a_buildspec(world: World) -> None:
    action = commands_action(
        "echo #{SourceVariables.BranchName}",
        "echo #{Unknown.Name}",
        outputArtifacts=[{"name": "Built", "files": ["dist/**/*"]}],
        outputVariables=["VERSION"],
        environmentVariables=[
            {"name": "COMMIT", "value": "#{SourceVariables.CommitId}"},
            {"name": "TOKEN", "value": "token", "type": "SECRETS_MANAGER"},
        ],
    )
    start(world, action)

    build = only(world)
    assert json.loads(build.request.buildspec or "") == {
        "version": "0.2",
        "env": {"exported-variables": ["VERSION"]},
        "phases": {"build": {"commands": ["echo main", "echo #{Unknown.Name}"]}},
        "artifacts": {"files": ["dist/**/*"]},
    }
    assert build.request.variables == [
        {"type": "PLAINTEXT", "name": "COMMIT", "value": COMMIT},
        {"type": "SECRETS_MANAGER", "name": "TOKEN", "value": "token"},
    ]
    assert build.settings["log_group"] == "/aws/codepipeline/app"
    assert build.settings["timeout_minutes"] == 55
    assert build.settings["actor"].role_arn == "arn:aws:iam::000000000000:role/pipeline"


def test_commands_report_their_log_and_their_variables(world: World) -> None:
    execution_id = start(world, commands_action("true", outputVariables=["VERSION"], namespace="Built"))
    only(world).end(VERSION="1.2")
    world.clock.run()
    assert world.status(execution_id) == "Succeeded"
    assert world.latest()["logStreamARN"] == only(world).log_stream_arn
    action = world.actions(execution_id)[0]["output"]
    assert action["executionResult"]["logStreamARN"] == only(world).log_stream_arn
    assert action["outputVariables"] == {"VERSION": "1.2"}


def test_commands_without_files_keep_all_files(world: World) -> None:
    start(world, commands_action("true", outputArtifacts=[{"name": "Built"}]))
    assert json.loads(only(world).request.buildspec or "")["artifacts"] == {"files": ["**/*"]}


def test_output_variables_of_a_build_configure_a_later_action(world: World) -> None:
    world.lambda_.functions["trigger"] = world.succeed
    invoke = lambda_action("Use", configuration={"UserParameters": "#{Built.VERSION}"}, runOrder=2)
    world.create(stage("Deploy", build_action(namespace="Built"), invoke))
    execution_id = world.start()
    world.clock.advance(0)
    only(world).end(VERSION="1.2")
    world.clock.run()
    assert world.status(execution_id) == "Succeeded"
    configuration = world.lambda_.jobs[0]["data"]["actionConfiguration"]["configuration"]
    assert configuration["UserParameters"] == "1.2"
