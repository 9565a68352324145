"""Variables and namespaces: they are resolved without escaping; a missing one fails the action."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.localaws.codepipeline.fakes import COMMIT, Job, World, lambda_action, pipeline, stage


def user_parameters(world: World, index: int = 0) -> str:
    return str(world.lambda_.jobs[index]["data"]["actionConfiguration"]["configuration"]["UserParameters"])


def deploy(text: str, **changes: Any) -> dict[str, object]:
    return stage("Deploy", lambda_action(configuration={"UserParameters": text}, **changes))


def test_variables_of_source_pipeline_and_execution_are_resolved(world: World) -> None:
    world.lambda_.functions["trigger"] = world.succeed
    world.create(
        deploy("#{SourceVariables.CommitId} #{codepipeline.PipelineExecutionId} #{variables.Env} #{no}"),
        variables=[{"name": "Env", "defaultValue": "dev"}],
    )

    by_default = world.run()
    given = world.run(variables=[{"name": "Env", "value": "prod"}])

    assert user_parameters(world, 0) == f"{COMMIT} {by_default} dev #{{no}}"
    assert user_parameters(world, 1) == f"{COMMIT} {given} prod #{{no}}"
    answer = world.client.get_pipeline_execution(pipelineName="app", pipelineExecutionId=given)
    assert answer["pipelineExecution"]["variables"] == [{"name": "Env", "resolvedValue": "prod"}]
    action_input = world.actions(given)[0]["input"]
    assert action_input["configuration"]["UserParameters"].startswith("#{SourceVariables.CommitId}")
    assert action_input["resolvedConfiguration"]["UserParameters"].startswith(COMMIT)


def test_values_are_not_escaped(world: World) -> None:
    world.lambda_.functions["trigger"] = world.succeed
    world.source.message = 'Say "hello"\n\\'
    world.create(deploy('{"message": "#{SourceVariables.CommitMessage}"}'))

    world.run()

    assert user_parameters(world) == '{"message": "Say "hello"\n\\"}'
    with pytest.raises(json.JSONDecodeError):
        json.loads(user_parameters(world))


def test_output_variables_are_resolved_in_a_later_action(world: World) -> None:
    world.lambda_.functions["first"] = lambda job: world.succeed(job, outputVariables={"Url": "https://a"})
    world.lambda_.functions["trigger"] = world.succeed
    world.create(
        stage("First", lambda_action("First", "first", namespace="Made")),
        deploy("#{Made.Url}/#{Made.Url}"),
    )

    world.run()

    assert user_parameters(world, 1) == "https://a/https://a"


def test_reference_in_a_value_is_not_resolved(world: World) -> None:
    world.lambda_.functions["trigger"] = world.succeed
    world.source.message = "#{SourceVariables.CommitId}"
    world.create(deploy("#{SourceVariables.CommitMessage}"))

    world.run()

    assert user_parameters(world) == "#{SourceVariables.CommitId}"


def test_unresolved_variable_fails_the_action_with_its_name(world: World) -> None:
    world.create(deploy("#{SourceVariables.Nope} #{SourceVariables.CommitId}"))

    execution_id = world.run()

    error = world.latest()["errorDetails"]
    assert world.status(execution_id) == "Failed"
    assert error["code"] == "ConfigurationError"
    assert "#{SourceVariables.Nope}" in error["message"]
    assert "CommitId" not in error["message"]
    assert not world.lambda_.events


def test_job_without_user_parameters_has_no_such_key(world: World) -> None:
    def trigger(job: Job) -> None:
        assert "UserParameters" not in job["data"]["actionConfiguration"]["configuration"]
        world.succeed(job)

    world.lambda_.functions["trigger"] = trigger
    world.create()

    assert world.status(world.run()) == "Succeeded"


def test_retry_resolves_variables_again(world: World) -> None:
    world.lambda_.functions["first"] = lambda job: world.succeed(
        job, outputVariables={"Run": str(len(world.lambda_.jobs))}
    )
    world.lambda_.functions["trigger"] = world.fail
    world.create(
        stage(
            "Deploy",
            lambda_action("First", "first", namespace="Made"),
            lambda_action(configuration={"UserParameters": "#{Made.Run}"}, runOrder=2),
        )
    )
    execution_id = world.run()

    world.client.retry_stage_execution(
        pipelineName="app", stageName="Deploy", pipelineExecutionId=execution_id, retryMode="ALL_ACTIONS"
    )
    world.clock.run()

    assert (user_parameters(world, 1), user_parameters(world, 3)) == ("1", "3")


@pytest.mark.parametrize(
    ("variables", "given", "named"),
    [
        ([{"name": "Env"}], [], "Env"),
        ([{"name": "Env", "defaultValue": "dev"}], [{"name": "Other", "value": "x"}], "Other"),
    ],
)
def test_missing_or_undeclared_variable_is_refused(
    world: World, variables: list[dict[str, str]], given: list[dict[str, str]], named: str
) -> None:
    world.client.create_pipeline(pipeline=pipeline(variables=variables))
    params = {"variables": given} if given else {}

    with pytest.raises(world.client.exceptions.ClientError, match=f"ValidationException.*{named}"):
        world.start(**params)
