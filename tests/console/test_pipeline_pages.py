"""The pages of a pipeline and of its executions, over the local CodePipeline and Step Functions."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import pytest
from starlette.testclient import TestClient

from stepline.aws.execution_watch import watch_execution
from stepline.aws.pipelines import find_pipeline, read_execution
from stepline.aws.target import Target
from stepline.console.pages import Console, Query, Read
from stepline.console.views import pipeline_executions, pipelines
from tests.cli.local_pipeline import ONE_STATE, WAITING, LocalPipeline, task
from tests.console.client import TOKEN
from tests.console.pipelines import (
    Commits,
    CountingClient,
    console_of,
    failing_pipeline,
    target_with_commits,
)
from tests.localaws.codepipeline.fakes import COMMIT, approval_action, client_error, lambda_action, stage

SCRIPT = "<script>alert(1)</script>"
SHOWN = "&lt;script&gt;alert(1)&lt;/script&gt;"
OTHER = "2" * 40


def read(client: TestClient, address: str) -> Any:
    response = client.get(f"{address}.json")
    assert response.status_code == 200, response.text
    return response.json()


def actions(document: Any) -> dict[str, Any]:
    return {action["name"]: action for stage in document["stages"] for action in stage["actions"]}


def run(pipeline: LocalPipeline, seconds: float = 120) -> str:
    execution_id = pipeline.start_for(COMMIT)
    pipeline.world.clock.advance(seconds)
    return execution_id


# --- the page of a pipeline ---------------------------------------------------------------------------


def test_stages_have_their_actions_and_a_link_into_the_workflow() -> None:
    pipeline = LocalPipeline(WAITING)
    execution_id = run(pipeline, 5)
    client = console_of(pipeline)
    document = read(client, "/pipelines/app")
    assert [(each["name"], each["status"]) for each in document["stages"]] == [
        ("Source", "Succeeded"),
        ("Deploy", "InProgress"),
    ]
    deploy = actions(document)["Deploy"]
    assert (deploy["provider"], deploy["percent"], deploy["seconds"]) == ("Lambda", 50, None)
    assert deploy["since"] is not None
    assert deploy["address"] == f"/executions/{deploy['workflow']}"
    html = client.get("/pipelines/app").text
    assert f'href="{deploy["address"]}"' in html
    assert f"/pipelines/app/executions/{execution_id}" in html


def test_executions_have_their_commits_with_authors() -> None:
    pipeline = LocalPipeline(ONE_STATE)
    execution_id = run(pipeline)
    client = console_of(pipeline, Commits("Fix the queue\n\nIt was full.", "Ada Lovelace"))
    (shown,) = read(client, "/pipelines/app")["executions"]
    assert (shown["id"], shown["status"]) == (execution_id, "Succeeded")
    assert shown["revisions"] == [
        {
            "action": "Source",
            "revisionId": COMMIT,
            "summary": "Fix the queue\n\nIt was full.",
            "author": "Ada Lovelace",
        }
    ]
    html = client.get("/pipelines/app").text
    assert "Fix the queue <span" in html
    assert "by Ada Lovelace" in html


def test_commit_that_may_not_be_read_has_the_message_that_the_pipeline_has() -> None:
    pipeline = LocalPipeline(ONE_STATE)
    run(pipeline)
    commits = Commits()
    commits.error = client_error("AccessDeniedException", "BatchGetCommits", status=403)
    client = console_of(pipeline, commits)
    (shown,) = read(client, "/pipelines/app")["executions"]
    assert (shown["revisions"][0]["summary"], shown["revisions"][0]["author"]) == ("First commit", None)


def test_commit_is_read_once_for_all_pages() -> None:
    pipeline = LocalPipeline(ONE_STATE)
    execution_id = run(pipeline)
    commits = Commits()
    client = console_of(pipeline, commits)
    read(client, "/pipelines/app")
    read(client, f"/pipelines/app/executions/{execution_id}")
    assert commits.calls == [[COMMIT]]


def test_message_of_a_connection_is_taken_from_its_json() -> None:
    pipeline = LocalPipeline(ONE_STATE)
    pipeline.world.source.message = json.dumps({"ProviderType": "GitHub", "CommitMessage": "Fix it"})
    source = {
        "name": "Source",
        "actionTypeId": {
            "category": "Source",
            "owner": "AWS",
            "provider": "CodeStarSourceConnection",
            "version": "1",
        },
        "configuration": {
            "ConnectionArn": "arn:aws:codestar-connections:us-east-1:000000000000:connection/x",
            "FullRepositoryId": "acme/app",
            "BranchName": "main",
        },
        "outputArtifacts": [{"name": "SourceOutput"}],
    }
    definition = pipeline.world.client.get_pipeline(name="app")["pipeline"]
    definition["stages"][0] = stage("Source", source)
    pipeline.world.client.update_pipeline(pipeline=definition)
    pipeline.world.start()
    pipeline.world.clock.advance(60)
    commits = Commits()
    (shown,) = read(console_of(pipeline, commits), "/pipelines/app")["executions"]
    assert shown["revisions"][0]["summary"] == "Fix it"
    assert commits.calls == []


def test_executions_are_shown_twenty_a_page() -> None:
    pipeline = LocalPipeline(ONE_STATE)
    ids = [run(pipeline) for _ in range(25)][::-1]
    client = console_of(pipeline)
    first = read(client, "/pipelines/app")
    assert [each["id"] for each in first["executions"]] == ids[:20]
    link = f"/pipelines/app?token={quote(first['nextToken'])}"
    assert link in client.get("/pipelines/app").text
    second = client.get("/pipelines/app.json", params={"token": first["nextToken"]}).json()
    assert [each["id"] for each in second["executions"]] == ids[20:]
    assert (second["nextToken"], second["isLive"]) == (None, False)


def test_page_with_an_expired_token_says_so() -> None:
    response = console_of(LocalPipeline(ONE_STATE)).get("/pipelines/app?token=gone")
    assert "begin again at the first one" in response.text


def test_disabled_transition_has_its_reason_and_what_waits_before_it() -> None:
    pipeline = LocalPipeline(ONE_STATE)
    pipeline.world.client.disable_stage_transition(
        pipelineName="app", stageName="Deploy", transitionType="Inbound", reason="freeze"
    )
    execution_id = run(pipeline)
    client = console_of(pipeline)
    deploy = read(client, "/pipelines/app")["stages"][1]
    assert (deploy["transitionEnabled"], deploy["disabledReason"]) == (False, "freeze")
    assert [each["id"] for each in deploy["inbound"]] == [execution_id]
    blocked = read(client, f"/pipelines/app/executions/{execution_id}")["stages"][1]
    assert blocked["blocked"] == "freeze"


class ChangedState(CountingClient):
    """The client of a pipeline whose last stage has other members than the local AWS can have."""

    def __init__(self, pipeline: LocalPipeline, **members: Any) -> None:
        super().__init__(pipeline.world.client)
        self._members = members

    def get_pipeline_state(self, **params: Any) -> Any:
        answer = self._client.get_pipeline_state(**params)
        answer["stageStates"][-1] |= self._members
        return answer


def test_reason_of_a_disabled_transition_is_text() -> None:
    pipeline = LocalPipeline(ONE_STATE)
    execution_id = pipeline.start_for(COMMIT)
    transition = {"enabled": False, "disabledReason": f"freeze {SCRIPT}"}
    client = console_of(pipeline, codepipeline=ChangedState(pipeline, inboundTransitionState=transition))
    for address in ("/pipelines/app", f"/pipelines/app/executions/{execution_id}"):
        html = client.get(address).text
        assert SCRIPT not in html
        assert f"freeze {SHOWN}" in html


def approval_pipeline(mode: str = "SUPERSEDED") -> LocalPipeline:
    pipeline = LocalPipeline(ONE_STATE)
    definition = pipeline.world.client.get_pipeline(name="app")["pipeline"]
    definition["stages"].insert(1, stage("Ask", approval_action("Approve")))
    pipeline.world.client.update_pipeline(pipeline=definition | {"executionMode": mode})
    return pipeline


@pytest.mark.parametrize("mode", ["SUPERSEDED", "PARALLEL"])
def test_approval_that_waits_is_on_top_without_its_token(mode: str) -> None:
    pipeline = approval_pipeline(mode)
    execution_id = run(pipeline, 5)
    client = console_of(pipeline)
    address = f"/approvals/app/Ask/Approve/{execution_id}"
    token = pipeline.world.latest("Ask", "Approve").get("token") or "no token"
    for page in ("/pipelines/app", f"/pipelines/app/executions/{execution_id}"):
        assert [each["address"] for each in read(client, page)["waiting"]] == [address]
        html = client.get(page).text
        assert f'href="{address}"' in html
        assert token not in html + client.get(f"{page}.json").text


def test_pipeline_that_does_not_exist_is_named() -> None:
    response = console_of(LocalPipeline(ONE_STATE)).get("/pipelines/ap")
    assert response.status_code == 404
    assert "did you mean" in response.text


# --- the page of an execution -------------------------------------------------------------------------


def test_execution_has_the_states_of_its_workflow() -> None:
    pipeline = LocalPipeline(WAITING)
    execution_id = run(pipeline, 5)
    client = console_of(pipeline)
    document = read(client, f"/pipelines/app/executions/{execution_id}")
    deploy = actions(document)["Deploy"]
    assert [(each["name"], each["status"]) for each in deploy["states"]] == [
        ("Create Stack", "Succeeded"),
        ("Wait", "Running"),
    ]
    assert document["isLive"]
    html = client.get(f"/pipelines/app/executions/{execution_id}").text
    assert f"{deploy['address']}/states/{deploy['states'][1]['visit']}" in html


def test_execution_that_succeeded_has_its_output_variables_and_duration() -> None:
    pipeline = LocalPipeline(ONE_STATE)
    execution_id = run(pipeline)
    client = console_of(pipeline)
    document = read(client, f"/pipelines/app/executions/{execution_id}")
    assert (document["status"], document["isLive"], document["failures"]) == ("Succeeded", False, [])
    assert actions(document)["Deploy"]["outputVariables"] == {"BucketName": "my-bucket"}
    assert document["seconds"] is not None
    assert "my-bucket" in client.get(f"/pipelines/app/executions/{execution_id}").text


def test_failure_is_on_top_with_state_error_and_cause() -> None:
    pipeline = failing_pipeline(f"the queue {SCRIPT} exists")
    execution_id = run(pipeline)
    client = console_of(pipeline)
    document = read(client, f"/pipelines/app/executions/{execution_id}")
    (failure,) = document["failures"]
    assert (failure["stage"], failure["action"], failure["state"]) == ("Deploy", "Deploy", "Create Stack")
    assert (failure["error"], failure["cause"]) == ("StackError", f"the queue {SCRIPT} exists")
    assert failure["address"] == actions(document)["Deploy"]["address"]
    html = client.get(f"/pipelines/app/executions/{execution_id}").text
    assert SCRIPT not in html
    assert html.index(f"the queue {SHOWN} exists") < html.index("Execution id")


def test_failure_without_a_workflow_has_the_action_s_message() -> None:
    pipeline = LocalPipeline(ONE_STATE)
    pipeline.world.lambda_.functions["trigger"] = lambda job: pipeline.world.fail(job, f"no {SCRIPT}")
    execution_id = run(pipeline)
    client = console_of(pipeline)
    (failure,) = read(client, f"/pipelines/app/executions/{execution_id}")["failures"]
    assert (failure["state"], failure["error"], failure["cause"]) == (None, "JobFailed", f"no {SCRIPT}")
    for page in ("/pipelines/app", f"/pipelines/app/executions/{execution_id}"):
        html = client.get(page).text
        assert SCRIPT not in html
        assert f"no {SHOWN}" in html


def test_commit_message_and_author_are_text() -> None:
    pipeline = LocalPipeline(ONE_STATE)
    execution_id = run(pipeline)
    client = console_of(pipeline, Commits(f"message {SCRIPT}", f"author {SCRIPT}"))
    for page in ("/pipelines/app", f"/pipelines/app/executions/{execution_id}"):
        html = client.get(page).text
        assert SCRIPT not in html
        assert f"message {SHOWN}" in html
        assert f"author {SHOWN}" in html


@pytest.mark.parametrize(
    ("url", "is_link"),
    [("https://example.com/job", True), ("javascript:alert(1)", False), ("data:text/html,x", False)],
)
def test_only_an_address_of_the_web_is_a_link(url: str, is_link: bool) -> None:
    pipeline = LocalPipeline(ONE_STATE)
    execution_id = run(pipeline)
    latest = {"externalExecutionUrl": url, "status": "Succeeded"}
    states = [{"actionName": "Deploy", "latestExecution": latest}]
    client = console_of(pipeline, codepipeline=ChangedState(pipeline, actionStates=states))
    assert (actions(read(client, "/pipelines/app"))["Deploy"]["link"] == url) is is_link
    assert (f'href="{url}"' in client.get("/pipelines/app").text) is is_link
    assert client.get(f"/pipelines/app/executions/{execution_id}").status_code == 200


def test_secret_in_a_message_is_hidden() -> None:
    pipeline = LocalPipeline(ONE_STATE)
    secret = "password=hunter2-hunter2"
    pipeline.world.lambda_.functions["trigger"] = lambda job: pipeline.world.fail(job, f"login: {secret}")
    execution_id = run(pipeline)
    client = console_of(pipeline)
    for page in ("/pipelines/app", f"/pipelines/app/executions/{execution_id}"):
        for address in (page, f"{page}.json"):
            text = client.get(address).text
            assert "hunter2" not in text
            assert "login" in text


@pytest.mark.parametrize("execution_id", ["12345678-0000-4000-8000-000000000000", "no-id", "%3Cscript%3E"])
def test_execution_that_does_not_exist_is_named(execution_id: str) -> None:
    response = console_of(LocalPipeline(ONE_STATE)).get(f"/pipelines/app/executions/{execution_id}")
    assert response.status_code == 404
    assert "pipeline app has no execution" in response.text
    assert "<script>" not in response.text.partition("<main")[2]


def test_old_execution_has_the_stages_of_its_own_definition() -> None:
    pipeline = LocalPipeline(ONE_STATE)
    execution_id = run(pipeline)
    definition = pipeline.world.client.get_pipeline(name="app")["pipeline"]
    definition["stages"][1] = stage("Rollout", lambda_action("Other"))
    pipeline.world.client.update_pipeline(pipeline=definition)
    document = read(console_of(pipeline), f"/pipelines/app/executions/{execution_id}")
    assert [each["name"] for each in document["stages"]] == ["Source", "Deploy"]


def test_link_to_the_console_of_aws_is_only_for_aws() -> None:
    pipeline = LocalPipeline(ONE_STATE)
    execution_id = run(pipeline)
    target = target_with_commits(pipeline)
    page = f"/pipelines/app/executions/{execution_id}"
    assert read(console_of(pipeline), page)["consoleLink"] is None
    document = reader(replace(target, is_local=False), execution_id)()
    assert document["consoleLink"] == (
        "https://us-east-1.console.aws.amazon.com/codesuite/codepipeline/pipelines/app/executions/"
        f"{execution_id}/timeline?region=us-east-1"
    )


# --- what it costs ------------------------------------------------------------------------------------


def reader(target: Target, execution_id: str | None = None, now: Any = None) -> Read:
    console = Console(target, False, TOKEN, now) if now else Console(target, False, TOKEN)
    if execution_id is None:
        return pipelines.PAGES[0].open(console, Query({"name": "app"}, {}))
    return pipeline_executions.PAGES[0].open(console, Query({"name": "app", "id": execution_id}, {}))


def counted_pipeline(
    machine: dict[str, Any], seconds: float
) -> tuple[LocalPipeline, CountingClient, str, Target]:
    pipeline = LocalPipeline(machine)
    execution_id = run(pipeline, seconds)
    client = CountingClient(pipeline.world.client)
    return pipeline, client, execution_id, target_with_commits(pipeline, codepipeline=client)


def test_reading_a_pipeline_again_is_one_call() -> None:
    pipeline, client, _, target = counted_pipeline(WAITING, 5)
    read_again = reader(target, now=pipeline.world.clock.now)
    read_again()
    before = len(client.calls)
    for _ in range(5):
        read_again()
    assert client.since(before) == ["get_pipeline_state"] * 5


def test_executions_are_listed_again_when_a_stage_changes() -> None:
    pipeline, client, _, target = counted_pipeline(WAITING, 5)
    read_again = reader(target, now=pipeline.world.clock.now)
    assert read_again()["executions"][0]["status"] == "InProgress"
    pipeline.world.clock.advance(90)
    before = len(client.calls)
    assert read_again()["executions"][0]["status"] == "Succeeded"
    assert client.since(before) == [
        "get_pipeline_state",
        "list_pipeline_executions",
        "list_action_executions",
    ]


def test_executions_are_listed_again_after_a_minute() -> None:
    pipeline, client, _, target = counted_pipeline(ONE_STATE, 120)
    read_again = reader(target, now=pipeline.world.clock.now)
    read_again()
    pipeline.world.clock.advance(61)
    before = len(client.calls)
    read_again()
    assert "list_pipeline_executions" in client.since(before)


def test_reading_an_execution_that_runs_again_is_one_call_of_codepipeline() -> None:
    _, client, execution_id, target = counted_pipeline(WAITING, 5)
    read_again = reader(target, execution_id)
    read_again()
    before = len(client.calls)
    for _ in range(5):
        read_again()
    assert client.since(before) == ["get_pipeline_state"] * 5


def test_everything_is_read_again_now_and_then() -> None:
    _, client, execution_id, target = counted_pipeline(WAITING, 5)
    read_again = reader(target, execution_id)
    for _ in range(30):
        read_again()
    assert client.calls.count("list_action_executions") == 2


def test_end_of_an_execution_is_noticed() -> None:
    pipeline, client, execution_id, target = counted_pipeline(WAITING, 5)
    read_again = reader(target, execution_id)
    assert read_again()["status"] == "InProgress"
    pipeline.world.clock.advance(90)
    before = len(client.calls)
    document = read_again()
    assert (document["status"], document["isLive"]) == ("Succeeded", False)
    assert len(client.since(before)) == 4  # the state first and last, the execution, and its actions
    assert [each["status"] for each in actions(document)["Deploy"]["states"]] == ["Succeeded"] * 3


@pytest.mark.parametrize("mode", ["SUPERSEDED", "PARALLEL"])
def test_execution_that_has_ended_is_read_with_one_call(mode: str) -> None:
    pipeline = LocalPipeline(ONE_STATE)
    definition = pipeline.world.client.get_pipeline(name="app")["pipeline"]
    pipeline.world.client.update_pipeline(pipeline=definition | {"executionMode": mode})
    execution_id = run(pipeline)
    client = CountingClient(pipeline.world.client)
    read_again = reader(target_with_commits(pipeline, codepipeline=client), execution_id)
    document = read_again()
    before = len(client.calls)
    assert read_again() == document
    assert len(client.since(before)) == 1


def test_retry_of_an_execution_that_had_ended_is_noticed() -> None:
    pipeline = failing_pipeline()
    execution_id = run(pipeline)
    read_again = reader(target_with_commits(pipeline), execution_id)
    first = read_again()
    assert first["status"] == "Failed"
    pipeline.world.client.retry_stage_execution(
        pipelineName="app", stageName="Deploy", pipelineExecutionId=execution_id, retryMode="FAILED_ACTIONS"
    )
    pipeline.world.clock.advance(120)
    second = read_again()
    assert second["status"] == "Failed"
    assert second["failures"][0]["workflow"] != first["failures"][0]["workflow"]


def test_watching_sees_each_state_with_few_calls() -> None:
    pipeline, client, execution_id, target = counted_pipeline(WAITING, 1)
    definition = find_pipeline(target, "app")
    summary = read_execution(pipeline.world.client, "app", execution_id)
    seen: list[int] = []
    before = len(client.calls)
    last = watch_execution(
        target,
        definition,
        summary,
        pipeline.new_poller(),
        lambda each: seen.append(len(each.actions[1].visits)),
    )
    assert last.status.value == "Succeeded"
    assert [visit.name for visit in last.actions[1].visits] == ["Create Stack", "Wait", "Collect Outputs"]
    assert len(client.since(before)) < 2 * len(seen)


def test_states_of_a_polling_loop_are_one_row() -> None:
    machine = {
        "StartAt": "Check",
        "States": {
            "Check": task("check", Next="Done?"),
            "Done?": {
                "Type": "Choice",
                "Choices": [{"Variable": "$.done", "BooleanEquals": True, "Next": "End"}],
                "Default": "Wait",
            },
            "Wait": {"Type": "Wait", "Seconds": 1, "Next": "Check"},
            "End": {"Type": "Pass", "Result": {}, "End": True},
        },
    }
    calls: list[int] = []

    def check(_event: Any, _context: Any) -> dict[str, bool]:
        calls.append(1)
        return {"done": len(calls) > 3}

    pipeline = LocalPipeline(machine, {"check": check})
    execution_id = run(pipeline)
    states = actions(read(console_of(pipeline), f"/pipelines/app/executions/{execution_id}"))["Deploy"][
        "states"
    ]
    assert [(each["name"], each["visits"]) for each in states] == [
        ("Check", 4),
        ("Done?", 4),
        ("Wait", 3),
        ("End", 1),
    ]
