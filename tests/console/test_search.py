"""The search: what is found, why, and what it costs."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.testclient import TestClient

from stepline.aws import execution_search
from stepline.aws.execution_search import ExecutionIndex, FoundPipelineExecution
from stepline.aws.search_terms import Term, parse_query
from stepline.aws.statuses import Status
from tests.aws.fakes import Answers
from tests.cli.local_pipeline import ONE_STATE, WAITING, LocalPipeline
from tests.console.pipelines import CountingClient, console_of, failing_pipeline
from tests.localaws.codepipeline.fakes import COMMIT, client_error

SCRIPT = "<script>alert(1)</script>"
SHOWN = "&lt;script&gt;alert(1)&lt;/script&gt;"


def run(pipeline: LocalPipeline, commit: str = COMMIT, message: str = "First commit") -> str:
    pipeline.world.source.message = message
    execution_id = pipeline.start_for(commit)
    pipeline.world.clock.advance(120)
    return execution_id


def search(client: TestClient, text: str) -> Any:
    response = client.get("/search.json", params={"q": text})
    assert response.status_code == 200, response.text
    return response.json()


def ids(client: TestClient, text: str) -> list[str]:
    return [each["name"] for each in search(client, text)["results"]]


@pytest.fixture
def pipeline() -> LocalPipeline:
    return failing_pipeline("the template is invalid")


@pytest.fixture
def failed(pipeline: LocalPipeline) -> str:
    return run(pipeline, "ab" * 20, "Rename the queue\n\nIt had the wrong name.")


@pytest.mark.parametrize(
    ("text", "what", "excerpt"),
    [
        ("abab", "commit", "ab" * 20),
        ("ABAB", "commit", "ab" * 20),
        ("wrong", "commit message", "wrong name"),
        ("status:failed", "status", "failed"),
        ("failed", "status", "failed"),
        ("stackerror", "error", "StackError"),
        ('"create stack"', "failed state", "Create Stack"),
        ("invalid", "error message", "the template is invalid"),
    ],
)
def test_execution_is_found_and_says_why(pipeline: LocalPipeline, text: str, what: str, excerpt: str) -> None:
    fail_as_the_trigger_does(pipeline)
    failed = run(pipeline, "ab" * 20, "Rename the queue\n\nIt had the wrong name.")
    client = console_of(pipeline)
    (found,) = [each for each in search(client, text)["results"] if each["name"] == failed]
    assert found["address"] == f"/pipelines/app/executions/{failed}"
    assert (found["matches"][0]["what"], found["status"]) == (what, "Failed")
    assert excerpt in found["matches"][0]["text"]
    html = client.get("/search", params={"q": text}).text
    assert found["address"] in html
    assert excerpt in html


def fail_as_the_trigger_does(pipeline: LocalPipeline) -> None:
    """Let the action's message be `<state>: <error>: <cause>`."""
    trigger = pipeline.world.lambda_.functions["trigger"]
    client = pipeline.world.client

    class Client:
        def put_job_failure_result(self, *, jobId: str, failureDetails: dict[str, str]) -> None:
            details = failureDetails | {"message": "Create Stack: StackError: the template is invalid"}
            client.put_job_failure_result(jobId=jobId, failureDetails=details)

        def __getattr__(self, name: str) -> Any:
            return getattr(client, name)

    def act(job: Any) -> None:
        pipeline.world.client = Client()
        try:
            trigger(job)
        finally:
            pipeline.world.client = client

    pipeline.world.lambda_.functions["trigger"] = act


def test_execution_is_found_by_its_id_and_that_of_its_workflow(pipeline: LocalPipeline, failed: str) -> None:
    client = console_of(pipeline)
    assert ids(client, failed) == [failed]
    assert ids(client, failed[:8]) == [failed]
    (found,) = search(client, failed)["results"]
    (workflow,) = found["workflows"]
    arn = workflow["address"].removeprefix("/executions/")
    assert ids(client, arn) == [failed]
    assert ids(client, workflow["name"]) == [failed]


def test_all_words_must_be_found(pipeline: LocalPipeline, failed: str) -> None:
    client = console_of(pipeline)
    assert ids(client, "rename status:failed pipeline:app") == [failed]
    assert ids(client, "rename status:succeeded") == []
    assert ids(client, "rename pipeline:other") == []
    assert ids(client, "rename elephant") == []


def test_part_of_an_id_is_not_found_in_its_middle(pipeline: LocalPipeline, failed: str) -> None:
    assert ids(console_of(pipeline), failed[3:]) == []


def test_results_are_newest_first() -> None:
    pipeline = LocalPipeline(ONE_STATE)
    started = [run(pipeline, message=f"Change {number}") for number in range(3)]
    assert ids(console_of(pipeline), "change") == started[::-1]


def test_execution_of_the_state_machine_that_no_pipeline_started_is_found() -> None:
    pipeline = LocalPipeline(ONE_STATE)
    run(pipeline)
    pipeline.stepfunctions.start_execution(stateMachineArn=pipeline.machine_arn, name="by-hand", input="{}")
    pipeline.world.clock.advance(5)
    (found,) = search(console_of(pipeline), "by-hand")["results"]
    assert (found["kind"], found["of"], found["status"]) == ("state machine execution", "deploy", "SUCCEEDED")


def test_execution_of_a_pipeline_is_listed_once() -> None:
    pipeline = LocalPipeline(ONE_STATE)
    execution_id = run(pipeline)
    assert ids(console_of(pipeline), "status:succeeded") == [execution_id]


def test_texts_of_aws_and_of_the_user_are_text() -> None:
    pipeline = LocalPipeline(ONE_STATE)
    pipeline.world.lambda_.functions["trigger"] = lambda job: pipeline.world.fail(job, f"error {SCRIPT}")
    run(pipeline, message=f"message {SCRIPT}")
    html = console_of(pipeline).get("/search", params={"q": f"{SCRIPT}"}).text
    assert SCRIPT not in html
    assert f"message {SHOWN}" in html
    assert f"<strong>{SHOWN}</strong>" in html
    html = console_of(pipeline).get("/search", params={"q": '"error <script"'}).text
    assert SCRIPT not in html
    assert f"error {SHOWN}" in html


def test_secret_is_neither_shown_nor_found() -> None:
    pipeline = LocalPipeline(ONE_STATE)
    pipeline.world.lambda_.functions["trigger"] = lambda job: pipeline.world.fail(
        job, "password=hunter2-hunter2"
    )
    run(pipeline)
    client = console_of(pipeline)
    assert ids(client, "hunter2") == []
    assert "hunter2-" not in client.get("/search?q=password").text


def test_page_without_a_query_explains_the_search() -> None:
    client = console_of(LocalPipeline(ONE_STATE))
    for address in ("/search", "/search?q=", "/search?q=%20"):
        response = client.get(address)
        assert response.status_code == 200
        assert "status:failed" in response.text
    assert not client.get("/search.json").json()["hasSearched"]


def test_page_states_what_is_searched(pipeline: LocalPipeline, failed: str) -> None:
    html = console_of(pipeline).get("/search?q=nothing").text
    assert "The last 500 executions of each pipeline are searched" in html
    assert "Searched 1 executions of 1 pipeline." in html


def test_pipeline_that_may_not_be_read_is_named(pipeline: LocalPipeline, failed: str) -> None:
    class Denying(CountingClient):
        def list_action_executions(self, **_params: Any) -> Any:
            raise client_error("AccessDeniedException", "ListActionExecutions", "no", status=403)

    client = console_of(pipeline, codepipeline=Denying(pipeline.world.client))
    document = search(client, "status:failed")
    assert [each["name"] for each in document["results"]] == [failed]
    assert document["failures"] == ["app: ListActionExecutions: AccessDeniedException: no"]


# --- the index ----------------------------------------------------------------------------------------


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Searched:
    """An index over a pipeline. Its clock moves by a minute before each search; `calls` are the new ones."""

    def __init__(self, pipeline: LocalPipeline) -> None:
        self.clock = Clock()
        self.client = CountingClient(pipeline.world.client)
        self.index = ExecutionIndex(pipeline.target(codepipeline=self.client), self.clock)
        self.calls: list[str] = []

    def search(self, text: str, *, seconds: float = 60) -> list[Any]:
        self.clock.now += seconds
        before = len(self.client.calls)
        found = self.index.search(parse_query(text)).found
        self.calls = self.client.since(before)
        return [each.execution for each in found if isinstance(each, FoundPipelineExecution)]


def test_second_search_reads_nothing_but_the_names(pipeline: LocalPipeline, failed: str) -> None:
    searched = Searched(pipeline)
    searched.search("x")
    searched.search("rename", seconds=1)
    assert searched.calls == ["list_pipelines"]


def test_later_search_reads_only_what_is_new() -> None:
    pipeline = LocalPipeline(ONE_STATE)
    for _ in range(120):
        run(pipeline)
    searched = Searched(pipeline)
    assert len(searched.search("status:succeeded")) == 120
    assert searched.calls.count("list_pipeline_executions") == 2
    searched.search("status:succeeded")
    assert searched.calls == ["list_pipelines", "list_pipeline_executions"]
    run(pipeline)
    assert len(searched.search("status:succeeded")) == 121
    assert searched.calls == ["list_pipelines", "list_pipeline_executions", "list_action_executions"]


def test_end_of_an_execution_that_was_running_is_seen() -> None:
    pipeline = LocalPipeline(WAITING)
    execution_id = pipeline.start_for(COMMIT)
    pipeline.world.clock.advance(5)
    searched = Searched(pipeline)
    assert [each.status for each in searched.search(execution_id)] == [Status.IN_PROGRESS]
    job = pipeline.world.lambda_.jobs[0]["id"]
    assert [each.id for each in searched.search(job)] == [execution_id]
    pipeline.world.clock.advance(90)
    assert [each.status for each in searched.search(execution_id)] == [Status.SUCCEEDED]


def test_actions_that_could_not_be_read_are_read_by_the_next_search(
    failed: str, pipeline: LocalPipeline
) -> None:
    searched = Searched(pipeline)
    list_actions = pipeline.world.client.list_action_executions
    error = client_error("ThrottlingException", "ListActionExecutions")
    searched.client.list_action_executions = Answers({"list": error}).list  # type: ignore[attr-defined]
    assert searched.search("stackerror") == []
    searched.client.list_action_executions = list_actions  # type: ignore[attr-defined]
    assert [each.id for each in searched.search('"it failed"')] == [failed]


def test_old_execution_that_still_runs_is_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(execution_search, "MAX_PAGE_SIZE", 5)
    pipeline = LocalPipeline(WAITING)
    definition = pipeline.world.client.get_pipeline(name="app")["pipeline"]
    pipeline.world.client.update_pipeline(pipeline=definition | {"executionMode": "PARALLEL"})
    trigger = pipeline.world.lambda_.functions["trigger"]
    pipeline.world.lambda_.functions["trigger"] = lambda _job: None
    first = pipeline.start_for(COMMIT)
    pipeline.world.clock.advance(1)
    job = pipeline.world.lambda_.jobs[-1]
    pipeline.world.lambda_.functions["trigger"] = trigger
    for _ in range(12):
        run_for(pipeline, 60)
    searched = Searched(pipeline)
    assert [each.status for each in searched.search(first)] == [Status.IN_PROGRESS]
    pipeline.world.fail(job, "too late")
    pipeline.world.clock.advance(5)
    assert [each.status for each in searched.search(first)] == [Status.FAILED]


def run_for(pipeline: LocalPipeline, seconds: float) -> None:
    pipeline.start_for(COMMIT)
    pipeline.world.clock.advance(seconds)


def test_only_the_newest_executions_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(execution_search, "MAX_EXECUTIONS", 3)
    pipeline = LocalPipeline(ONE_STATE)
    started = [run(pipeline) for _ in range(5)]
    searched = Searched(pipeline)
    assert [each.id for each in searched.search("status:succeeded")] == started[:1:-1]
    started.append(run(pipeline))
    assert [each.id for each in searched.search("status:succeeded")] == started[:2:-1]


def test_pipelines_beyond_the_limit_of_calls_are_read_by_the_next_search(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(execution_search, "_MAX_PAGES", 1)
    pipeline = LocalPipeline(ONE_STATE)
    definition = pipeline.world.client.get_pipeline(name="app")["pipeline"]
    pipeline.world.client.create_pipeline(pipeline=definition | {"name": "other"})
    index = ExecutionIndex(pipeline.target())
    assert index.search([Term("x")]).unread == ("other",)
    assert index.search([Term("x")]).unread == ()


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("", []),
        ('  ""  ', []),
        ("Status:FAILED", [Term("status:failed")]),
        ("status:Failed", [Term("failed", "status")]),
        ('status:"in progress"', [Term("in progress", "status")]),
        ("status:TIMED_OUT", [Term("timed out", "status")]),
        ('one "two three" pipeline:app', [Term("one"), Term("two three"), Term("app", "pipeline")]),
        ('"unclosed word', [Term("unclosed"), Term("word")]),
        (" ".join("abcdefghijklmn"), [Term(each) for each in "abcdefghij"]),
    ],
)
def test_query_is_parsed(text: str, terms: list[Term]) -> None:
    assert parse_query(text) == terms
