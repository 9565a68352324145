from __future__ import annotations

from typing import Any

from stepline.aws.target import Target
from stepline.console.pages import Console, Query
from stepline.console.views import overview
from tests.aws.fakes import Answers
from tests.cli.local_pipeline import ONE_STATE, WAITING, LocalPipeline
from tests.console.client import open_console
from tests.localaws.codepipeline.fakes import COMMIT


def target(pipeline: LocalPipeline) -> Target:
    return pipeline.target(dynamodb=Answers({"list_tables": {"TableNames": ["other"]}}))


def read(pipeline: LocalPipeline) -> Any:
    response = open_console(target(pipeline)).get("/index.json")
    assert response.status_code == 200, response.text
    return response.json()


def test_pipelines_are_shown_with_their_stages_and_latest_execution() -> None:
    pipeline = LocalPipeline(WAITING)
    execution_id = pipeline.start_for(COMMIT)
    pipeline.world.clock.advance(5)
    (shown,) = read(pipeline)["pipelines"]
    assert shown["name"] == "app"
    assert [(stage["name"], stage["status"]) for stage in shown["stages"]] == [
        ("Source", "Succeeded"),
        ("Deploy", "InProgress"),
    ]
    assert shown["latest"]["id"] == execution_id
    assert shown["latest"]["revisions"][0]["revisionId"] == COMMIT


def test_pipeline_that_never_ran_has_no_execution() -> None:
    (shown,) = read(LocalPipeline(ONE_STATE))["pipelines"]
    assert shown["latest"] is None
    assert open_console(target(LocalPipeline(ONE_STATE))).get("/").status_code == 200


def test_page_shows_what_its_twin_has() -> None:
    pipeline = LocalPipeline(ONE_STATE)
    execution_id = pipeline.start_for(COMMIT)
    pipeline.world.clock.advance(60)
    html = open_console(target(pipeline)).get("/").text
    assert f"/pipelines/app/executions/{execution_id}" in html
    assert COMMIT[:8] in html
    assert "succeeded" in html


def test_commit_message_is_text() -> None:
    pipeline = LocalPipeline(ONE_STATE)
    execution = {
        "pipelineExecutionId": "1",
        "status": "Succeeded",
        "sourceRevisions": [
            {"actionName": "Source", "revisionId": "abc", "revisionSummary": "<script>alert(1)</script>"}
        ],
    }
    html = (
        open_console(
            pipeline.target(
                codepipeline=Answers(
                    {
                        "list_pipelines": {"pipelines": [{"name": "app"}]},
                        "get_pipeline_state": {"stageStates": []},
                        "list_pipeline_executions": {"pipelineExecutionSummaries": [execution]},
                    }
                ),
                dynamodb=Answers({"list_tables": {"TableNames": []}}),
            )
        )
        .get("/")
        .text
    )
    assert "<script>alert" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html


def test_no_pipeline() -> None:
    stub: Any = {"list_pipelines": {"pipelines": []}}
    empty = LocalPipeline(ONE_STATE).target(
        codepipeline=Answers(stub), dynamodb=Answers({"list_tables": {"TableNames": []}})
    )
    assert "No pipeline exists" in open_console(empty).get("/").text


def test_unchanged_pipeline_costs_one_request_a_reading() -> None:
    pipeline = LocalPipeline(ONE_STATE)
    pipeline.start_for(COMMIT)
    pipeline.world.clock.advance(60)
    calls: list[str] = []
    counting = _Counting(pipeline.world.client, calls)
    console = Console(
        pipeline.target(codepipeline=counting, dynamodb=Answers({"list_tables": {"TableNames": []}})),
        True,
        "",
    )
    reading = overview.PAGES[0].open(console, Query({}, {}))
    reading()
    calls.clear()
    reading()
    assert calls == ["get_pipeline_state"]


class _Counting:
    def __init__(self, client: Any, calls: list[str]) -> None:
        self._client = client
        self._calls = calls

    def __getattr__(self, name: str) -> Any:
        self._calls.append(name)
        return getattr(self._client, name)
