"""The API: pipelines are declared, versioned, listed, tagged and started."""

from __future__ import annotations

import json

import pytest

from stepline.localaws.codepipeline import CodePipeline, Settings
from stepline.localaws.codepipeline.actions import DEFINITIONS
from stepline.localaws.protocol import AwsError
from tests.localaws.codepipeline.fakes import COMMIT, World, lambda_action, pipeline, source_action, stage

ARN = "arn:aws:codepipeline:us-east-1:000000000000:app"
RULE = "arn:aws:events:us-east-1:000000000000:rule/push"
UNKNOWN = "00000000-0000-4000-8000-000000000000"

IMPLEMENTED = {
    "AcknowledgeJob",
    "CreateCustomActionType",
    "CreatePipeline",
    "DeleteCustomActionType",
    "DeletePipeline",
    "DisableStageTransition",
    "EnableStageTransition",
    "GetJobDetails",
    "GetPipeline",
    "GetPipelineExecution",
    "GetPipelineState",
    "ListActionExecutions",
    "ListActionTypes",
    "ListPipelineExecutions",
    "ListPipelines",
    "ListTagsForResource",
    "PollForJobs",
    "PutApprovalResult",
    "PutJobFailureResult",
    "PutJobSuccessResult",
    "RetryStageExecution",
    "StartPipelineExecution",
    "StopPipelineExecution",
    "TagResource",
    "UntagResource",
    "UpdatePipeline",
}


def test_implemented_operations_are_those_published() -> None:
    assert set(CodePipeline.operations()) == IMPLEMENTED


def test_missing_operation_is_refused(world: World) -> None:
    with pytest.raises(world.client.exceptions.ClientError, match="does not implement"):
        world.client.list_webhooks()


def test_pipeline_is_created_read_updated_and_deleted(world: World) -> None:
    created = world.client.create_pipeline(pipeline=pipeline(), tags=[{"key": "a", "value": "b"}])
    assert created["tags"] == [{"key": "a", "value": "b"}]
    assert created["pipeline"]["version"] == 1
    assert created["pipeline"]["executionMode"] == "SUPERSEDED"
    assert created["pipeline"]["stages"][0]["actions"][0]["runOrder"] == 1
    with pytest.raises(world.client.exceptions.PipelineNameInUseException):
        world.create()

    world.clock.advance(60)
    updated = world.client.update_pipeline(pipeline=pipeline(executionMode="QUEUED"))
    assert updated["pipeline"]["version"] == 2
    got = world.client.get_pipeline(name="app")
    assert got["pipeline"] == updated["pipeline"]
    assert got["metadata"]["pipelineArn"] == ARN
    assert got["metadata"]["updated"] > got["metadata"]["created"]
    assert world.client.get_pipeline(name="app", version=1)["pipeline"] == created["pipeline"]
    with pytest.raises(world.client.exceptions.PipelineVersionNotFoundException):
        world.client.get_pipeline(name="app", version=3)

    world.client.delete_pipeline(name="app")
    world.client.delete_pipeline(name="app")
    for call in (
        world.client.get_pipeline,
        world.client.get_pipeline_state,
        world.client.start_pipeline_execution,
    ):
        with pytest.raises(world.client.exceptions.PipelineNotFoundException):
            call(name="app")
    with pytest.raises(world.client.exceptions.PipelineNotFoundException):
        world.client.update_pipeline(pipeline=pipeline())


def test_pipelines_are_listed_in_pages(world: World) -> None:
    for name in ("b", "a", "c"):
        world.create(name=name)

    pages = world.client.get_paginator("list_pipelines").paginate(PaginationConfig={"PageSize": 2})

    assert [[item["name"] for item in page["pipelines"]] for page in pages] == [["a", "b"], ["c"]]
    with pytest.raises(world.client.exceptions.InvalidNextTokenException):
        world.client.list_pipelines(nextToken="nonsense")


def test_tags_are_added_removed_listed_and_limited(world: World) -> None:
    world.create()
    world.client.tag_resource(resourceArn=ARN, tags=[{"key": "a", "value": "1"}, {"key": "b", "value": "2"}])
    world.client.untag_resource(resourceArn=ARN, tagKeys=["a"])

    assert world.client.list_tags_for_resource(resourceArn=ARN)["tags"] == [{"key": "b", "value": "2"}]
    with pytest.raises(world.client.exceptions.InvalidTagsException):
        world.client.tag_resource(resourceArn=ARN, tags=[{"key": "aws:x", "value": "1"}])
    with pytest.raises(world.client.exceptions.TooManyTagsException):
        world.client.tag_resource(
            resourceArn=ARN, tags=[{"key": str(number), "value": ""} for number in range(50)]
        )
    with pytest.raises(world.client.exceptions.ResourceNotFoundException):
        world.client.list_tags_for_resource(resourceArn=ARN + "2")


def test_executions_are_listed_newest_first_in_pages(world: World) -> None:
    world.lambda_.functions["trigger"] = world.succeed
    world.create()
    executions = [world.run() for _ in range(5)]

    pages = list(
        world.client.get_paginator("list_pipeline_executions").paginate(
            pipelineName="app", PaginationConfig={"PageSize": 2}
        )
    )

    summaries = [item for page in pages for item in page["pipelineExecutionSummaries"]]
    assert len(pages) == 3
    assert [item["pipelineExecutionId"] for item in summaries] == executions[::-1]
    assert summaries[0]["sourceRevisions"] == [
        {
            "actionName": "Source",
            "revisionId": COMMIT,
            "revisionSummary": "First commit",
            "revisionUrl": "https://example.com/commit",
        }
    ]
    actions = world.client.get_paginator("list_action_executions").paginate(
        pipelineName="app", PaginationConfig={"PageSize": 3}
    )
    listed = [item["pipelineExecutionId"] for page in actions for item in page["actionExecutionDetails"]]
    assert listed == [execution_id for execution_id in executions[::-1] for _ in range(2)]


def test_executions_are_filtered_by_the_stage_in_which_they_succeeded(world: World) -> None:
    world.lambda_.functions["trigger"] = world.fail
    world.create()
    failed = world.run()

    def listed(stage_name: str) -> list[str]:
        answer = world.client.list_pipeline_executions(
            pipelineName="app", filter={"succeededInStage": {"stageName": stage_name}}
        )
        return [item["pipelineExecutionId"] for item in answer["pipelineExecutionSummaries"]]

    assert listed("Source") == [failed]
    assert listed("Deploy") == []


def test_unknown_execution_is_refused(world: World) -> None:
    world.create()
    with pytest.raises(world.client.exceptions.PipelineExecutionNotFoundException):
        world.status(UNKNOWN)
    with pytest.raises(world.client.exceptions.PipelineExecutionNotFoundException):
        world.actions(UNKNOWN)


def test_trigger_of_an_execution_is_returned(world: World) -> None:
    world.create()
    by_caller = world.start()
    by_rule = world.service.start_from_event(ARN, rule_arn=RULE)

    def trigger(execution_id: str) -> object:
        answer = world.client.get_pipeline_execution(pipelineName="app", pipelineExecutionId=execution_id)
        return answer["pipelineExecution"]["trigger"]

    assert trigger(by_rule) == {"triggerType": "CloudWatchEvent", "triggerDetail": RULE}
    caller = {"triggerType": "StartPipelineExecution", "triggerDetail": "arn:aws:iam::000000000000:root"}
    assert trigger(by_caller) == caller
    started = world.events[0].detail
    assert started["execution-trigger"] == {
        "trigger-type": caller["triggerType"],
        "trigger-detail": caller["triggerDetail"],
    }


@pytest.mark.parametrize("arn", [ARN + "2", "arn:aws:codepipeline:us-east-1:000000000000", "nonsense"])
def test_rule_with_a_wrong_target_starts_nothing(world: World, arn: str) -> None:
    world.create()
    with pytest.raises(AwsError):
        world.service.start_from_event(arn, rule_arn=RULE)


def test_same_client_request_token_starts_one_execution(world: World) -> None:
    world.create()
    first = world.start(clientRequestToken="once")

    assert world.start(clientRequestToken="once") == first
    assert world.start(clientRequestToken="twice") != first


def test_source_revision_overrides_the_latest_commit(world: World) -> None:
    world.lambda_.functions["trigger"] = world.succeed
    world.create()
    revision = {"actionName": "Source", "revisionType": "COMMIT_ID", "revisionValue": "2" * 40}

    execution_id = world.run(sourceRevisions=[revision])

    answer = world.client.get_pipeline_execution(pipelineName="app", pipelineExecutionId=execution_id)
    (artifact,) = answer["pipelineExecution"]["artifactRevisions"]
    assert (artifact["name"], artifact["revisionId"]) == ("SourceOutput", "2" * 40)
    invalid = [
        {**revision, "actionName": "Other"},
        {**revision, "revisionType": "S3_OBJECT_VERSION_ID"},
    ]
    for item in invalid:
        with pytest.raises(world.client.exceptions.ClientError, match="ValidationException"):
            world.start(sourceRevisions=[item])


def test_new_pipeline_is_started_as_on_aws() -> None:
    world = World(Settings())
    world.lambda_.functions["trigger"] = world.succeed
    world.create()
    world.clock.run()

    (summary,) = world.client.list_pipeline_executions(pipelineName="app")["pipelineExecutionSummaries"]
    assert summary["trigger"]["triggerType"] == "CreatePipeline"
    assert summary["status"] == "Succeeded"


def test_list_action_types_returns_those_that_run(world: World) -> None:
    types = world.client.list_action_types(actionOwnerFilter="AWS")["actionTypes"]

    assert {item["id"]["provider"] for item in types} == {
        item.type.provider for item in DEFINITIONS if item.type.owner == "AWS"
    }
    assert world.client.list_action_types(actionOwnerFilter="Custom")["actionTypes"] == []


def test_state_of_a_new_pipeline_has_no_executions(world: World) -> None:
    world.create(stage("Deploy", *pipeline()["stages"][1]["actions"]))

    state = world.client.get_pipeline_state(name="app")

    assert [item["stageName"] for item in state["stageStates"]] == ["Source", "Deploy"]
    assert all("latestExecution" not in item for item in state["stageStates"])
    assert state["stageStates"][0]["actionStates"][0]["entityUrl"].endswith("/app/browse/main/--/")


def test_update_drops_the_state_of_removed_actions(world: World) -> None:
    world.lambda_.functions["trigger"] = world.succeed
    world.create()
    world.run()
    changed = pipeline()
    changed["stages"][0] = stage("Source", source_action(name="NewSource"))
    world.client.update_pipeline(pipeline=changed)

    (action,) = world.stage("Source")["actionStates"]
    assert "latestExecution" not in action
    assert world.status(world.run()) == "Succeeded"


def test_executions_are_reproducible() -> None:
    def record() -> list[object]:
        world = World()
        world.lambda_.functions["trigger"] = world.succeed
        world.create()
        world.run()
        return [*world.events, *world.lambda_.jobs]

    assert record() == record()


def test_input_of_a_rules_target_sets_variables_and_revisions(world: World) -> None:
    world.lambda_.functions["trigger"] = world.succeed
    configuration = {"UserParameters": "#{variables.Stage} #{SourceVariables.CommitId}"}
    world.create(
        stage("Deploy", lambda_action(configuration=configuration)),
        variables=[{"name": "Stage", "defaultValue": "dev"}],
    )
    commit = "2" * 40
    target_input = {
        "variables": [{"name": "Stage", "value": "prod"}],
        "sourceRevisions": [{"actionName": "Source", "revisionType": "COMMIT_ID", "revisionValue": commit}],
    }
    world.service.start_from_event(ARN, rule_arn=RULE, event=json.dumps(target_input))
    world.service.start_from_event(ARN, rule_arn=RULE, event=json.dumps({"detail": {}, "version": "0"}))
    world.clock.run()
    given = [job["data"]["actionConfiguration"]["configuration"] for job in world.lambda_.jobs]
    assert [item["UserParameters"] for item in given] == [f"prod {commit}", f"dev {COMMIT}"]
