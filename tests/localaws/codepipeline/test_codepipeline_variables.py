"""Variables and namespaces: resolved where they stand, never escaped, missed loudly."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.localaws.codepipeline.fakes import COMMIT, Job, World, lambda_action, pipeline, stage


def user_parameters(world: World, index: int = 0) -> str:
    return str(world.lambda_.jobs[index]["data"]["actionConfiguration"]["configuration"]["UserParameters"])


def deploy(text: str, **changes: Any) -> dict[str, object]:
    return stage("Deploy", lambda_action(configuration={"UserParameters": text}, **changes))


def test_source_pipeline_and_execution_variables(world: World) -> None:
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
    shown = world.actions(given)[0]["input"]
    assert shown["configuration"]["UserParameters"].startswith("#{SourceVariables.CommitId}")
    assert shown["resolvedConfiguration"]["UserParameters"].startswith(COMMIT)


def test_a_quote_in_a_commit_message_breaks_the_json_around_it_as_on_aws(world: World) -> None:
    world.lambda_.functions["trigger"] = world.succeed
    world.source.message = 'Say "hello"\n\\'
    world.create(deploy('{"message": "#{SourceVariables.CommitMessage}"}'))

    world.run()

    assert user_parameters(world) == '{"message": "Say "hello"\n\\"}'
    with pytest.raises(json.JSONDecodeError):
        json.loads(user_parameters(world))


def test_a_later_action_reads_what_an_earlier_one_put_out(world: World) -> None:
    world.lambda_.functions["first"] = lambda job: world.succeed(job, outputVariables={"Url": "https://a"})
    world.lambda_.functions["trigger"] = world.succeed
    world.create(
        stage("First", lambda_action("First", "first", namespace="Made")),
        deploy("#{Made.Url}/#{Made.Url}"),
    )

    world.run()

    assert user_parameters(world, 1) == "https://a/https://a"


def test_a_value_that_looks_like_a_reference_is_left_alone(world: World) -> None:
    world.lambda_.functions["trigger"] = world.succeed
    world.source.message = "#{SourceVariables.CommitId}"
    world.create(deploy("#{SourceVariables.CommitMessage}"))

    world.run()

    assert user_parameters(world) == "#{SourceVariables.CommitId}"


def test_a_variable_that_nobody_put_out_fails_the_action_and_is_named(world: World) -> None:
    world.create(deploy("#{SourceVariables.Nope} #{SourceVariables.CommitId}"))

    execution_id = world.run()

    error = world.latest()["errorDetails"]
    assert world.status(execution_id) == "Failed"
    assert error["code"] == "ConfigurationError"
    assert "#{SourceVariables.Nope}" in error["message"]
    assert "CommitId" not in error["message"]
    assert not world.lambda_.events


def test_user_parameters_may_be_absent(world: World) -> None:
    def look(job: Job) -> None:
        assert "UserParameters" not in job["data"]["actionConfiguration"]["configuration"]
        world.succeed(job)

    world.lambda_.functions["trigger"] = look
    world.create()

    assert world.status(world.run()) == "Succeeded"


def test_a_retry_reads_the_variables_anew(world: World) -> None:
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
def test_variables_that_do_not_fit(
    world: World, variables: list[dict[str, str]], given: list[dict[str, str]], named: str
) -> None:
    world.client.create_pipeline(pipeline=pipeline(variables=variables))
    params = {"variables": given} if given else {}

    with pytest.raises(world.client.exceptions.ClientError, match=f"ValidationException.*{named}"):
        world.start(**params)
