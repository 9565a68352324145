"""The pages of executions, over real executions on the local Step Functions."""

from __future__ import annotations

import html
from collections.abc import Iterator
from typing import Any

import pytest

from stepline.aws.target import Target, local_session
from stepline.console.executions import Executions
from stepline.core.executions.arns import ExecutionArn
from tests.aws.executions import Execution, catch, fail_until, run, start, task, world_with_handlers
from tests.aws.test_invocation_logs import Group
from tests.console.served_pages import address, client_of
from tests.localaws.stepfunctions.world import World

SCRIPT = "<script>alert(1)</script>"
ESCAPED = html.escape(SCRIPT)
EXPRESS = "arn:aws:states:us-east-1:000000000000:express:machine:name:id"
UNKNOWN = "arn:aws:states:us-east-1:000000000000:execution:machine:missing"


@pytest.fixture
def world() -> Iterator[World]:
    with world_with_handlers() as world:
        yield world


def document(world: World, execution: Execution, rest: str = "", **clients: Any) -> dict[str, Any]:
    path, _, query = address(execution.arn, rest).partition("?")
    answer = client_of(world, **clients).get(f"{path}.json?{query}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def page(world: World, execution: Execution, rest: str = "", **clients: Any) -> str:
    answer = client_of(world, **clients).get(address(execution.arn, rest))
    assert answer.status_code == 200, answer.text
    return answer.text


def state(found: dict[str, Any], name: str) -> dict[str, Any]:
    return next(each for each in found["states"] if each["name"] == name)


def test_page_has_the_facts_of_the_execution(world: World) -> None:
    codepipeline = {"pipelineName": "app", "pipelineExecutionId": "p-1", "action": "Deploy", "jobId": "j"}
    execution = run(world, {"Echo": task("echo")}, {"codepipeline": codepipeline, "stackName": "app-dev"})
    found = document(world, execution)
    facts = found["execution"]
    assert (found["title"], found["isLive"], facts["status"]) == ("e", False, "SUCCEEDED")
    assert facts["pipeline"] == {"name": "app", "executionId": "p-1", "stage": None, "action": "Deploy"}
    assert facts["input"]["stackName"] == facts["stackName"] == "app-dev"
    assert found["failure"] is found["selected"] is None
    text = page(world, execution)
    assert 'href="/pipelines/app/executions/p-1"' in text
    assert "/deployment" in text


def test_pipeline_execution_without_a_name_is_searched(world: World) -> None:
    execution = run(world, {"Echo": task("echo")}, {"codepipeline": {"pipelineExecutionId": "p-1"}})
    assert 'href="/search?q=p-1"' in page(world, execution)


def test_failed_execution_opens_on_the_state_that_failed(world: World) -> None:
    execution = run(world, {"Before": {"Type": "Pass", "Next": "Do"}, "Do": task("boom")}, {"n": 1})
    found = document(world, execution)
    assert found["failure"]["state"] == found["selected"]["name"] == "Do"
    assert (found["failure"]["error"], found["failure"]["cause"]) == ("BoomError", "attempt 1")
    assert found["failure"]["visit"] == found["selected"]["data"]["id"]
    assert found["selected"]["data"]["input"] == {"n": 1}
    assert 'role="alert"' in page(world, execution)


def test_address_selects_a_state(world: World) -> None:
    execution = run(world, {"Before": {"Type": "Pass", "Next": "Do"}, "Do": task("boom")}, {"n": 1})
    selected = document(world, execution, "?state=Before")["selected"]
    assert (selected["name"], selected["data"]["output"]) == ("Before", {"n": 1})


def test_state_that_does_not_exist_is_not_found(world: World) -> None:
    execution = run(world, {"Do": task("echo")})
    answer = client_of(world).get(address(execution.arn, "?state=Other"))
    assert (answer.status_code, "has no state Other" in answer.text) == (404, True)


def test_states_come_with_their_containers_and_by_time(world: World) -> None:
    inner = {"StartAt": "Inner", "States": {"Inner": task("echo")}}
    states: Any = {
        "Each": {"Type": "Map", "ItemProcessor": inner, "Catch": catch("Never"), "Next": "After"},
        "After": {"Type": "Pass", "End": True},
        "Never": {"Type": "Pass", "End": True},
    }
    found = document(world, run(world, states, [1, 2, 3]))
    rows = [(each["name"], each["depth"], each["visits"], each["status"]) for each in found["states"]]
    assert rows == [
        ("Each", 0, 1, "Succeeded"),
        ("Inner", 1, 3, "Succeeded"),
        ("After", 0, 1, "Succeeded"),
        ("Never", 0, 0, None),
    ]
    assert state(found, "Each")["iterations"]["succeeded"] == 3
    assert [mark["visits"] for mark in state(found, "Inner")["marks"]] == [3]
    assert found["taken"] == [["Each", "After"]]
    assert {edge["kind"] for edge in found["graph"]["edges"]} == {"next", "catch"}


def test_retries_are_attempts_of_one_visit(world: World) -> None:
    world.handlers["flaky"] = fail_until(3)
    retry = [{"ErrorEquals": ["BoomError"], "IntervalSeconds": 10, "BackoffRate": 1}]
    execution = run(world, {"Try": task("flaky", Retry=retry)})
    selected = document(world, execution, "?state=Try")["selected"]
    assert (selected["retries"], selected["retryRules"]) == (2, ["BoomError: 3 retries"])
    attempts = selected["data"]["attempts"]
    assert [each["error"] for each in attempts] == ["BoomError", "BoomError", None]
    assert [each["message"] for each in attempts] == ["attempt 1", "attempt 2", None]
    assert "retried 2×" in page(world, execution, "?state=Try")  # noqa: RUF001


def test_time_line_of_a_running_execution_grows_in_steps(world: World) -> None:
    execution = start(world, {"Wait": {"Type": "Wait", "Seconds": 600, "End": True}})
    world.virtual_clock.advance(1)
    before = document(world, execution)
    assert (before["isLive"], before["timeline"]["seconds"]) == (True, 10)
    assert before["states"][0]["marks"] == [{"from": 0, "to": 10, "status": "Running", "visits": 1}]
    assert before["states"][0]["since"] == before["execution"]["started"]
    world.virtual_clock.advance(61)
    assert document(world, execution)["timeline"]["seconds"] == 74.506


def test_visit_has_its_neighbours_and_its_log(world: World) -> None:
    inner = {"StartAt": "Inner", "States": {"Inner": task("echo")}}
    each = {"Type": "Map", "ItemProcessor": inner, "MaxConcurrency": 1, "End": True}
    execution = run(world, {"Each": each}, [{"n": 1}, {"n": 2}])
    latest = document(world, execution, "?state=Inner")["selected"]["latest"]
    newer, older = (each["id"] for each in latest)
    group = Group()
    group.add(f"{SCRIPT} password=secret")
    found = document(world, execution, f"/states/{older}", logs=group)
    visit = found["visit"]
    assert (visit["item"], visit["number"], visit["visits"]) == (0, 1, 2)
    assert (visit["previousVisit"], visit["nextVisit"]) == (None, newer)
    assert (visit["function"], visit["container"]["name"]) == ("echo", "Each")
    assert visit["input"] == visit["output"] == {"n": 1}
    assert [line["message"] for line in found["log"]["lines"]] == [f"{SCRIPT} password=(hidden)"]
    text = page(world, execution, f"/states/{older}", logs=group)
    assert ESCAPED in text
    assert SCRIPT not in text


def test_visit_is_shown_without_its_log_if_that_cannot_be_read(world: World) -> None:
    execution = run(world, {"Do": task("boom")})
    visit = document(world, execution)["failure"]["visit"]
    found = document(world, execution, f"/states/{visit}")  # there is no service of logs
    assert found["visit"]["error"] == "BoomError"
    assert found["log"]["reason"]


@pytest.mark.parametrize("visit", ["1", "99", "x"])
def test_visit_that_does_not_exist_is_not_found(world: World, visit: str) -> None:
    execution = run(world, {"Do": task("echo")})
    answer = client_of(world).get(address(execution.arn, f"/states/{visit}"))
    assert (answer.status_code, "has entered no state" in answer.text) == (404, True)


def test_events_have_pages(world: World) -> None:
    inner = {"StartAt": "Inner", "States": {"Inner": {"Type": "Pass", "End": True}}}
    execution = run(world, {"Each": {"Type": "Map", "ItemProcessor": inner, "End": True}}, list(range(100)))
    first = document(world, execution, "/events")
    assert (len(first["events"]), first["total"]) == (200, 406)
    last = document(world, execution, "/events?from=400")
    assert [each["id"] for each in last["events"]] == [401, 402, 403, 404, 405, 406]
    assert last["events"][-1]["type"] == "ExecutionSucceeded"
    text = page(world, execution, "/events?from=200")
    assert "/events?from=400" in text
    visit = next(each["visit"] for each in first["events"] if each["state"] == "Inner")
    assert f'/states/{visit}"' in page(world, execution, "/events")


def test_history_is_read_once_for_all_pages(world: World) -> None:
    execution = run(world, {"Before": {"Type": "Pass", "Next": "Do"}, "Do": {"Type": "Pass", "End": True}})
    client = client_of(world)

    def open_pages() -> None:
        for rest in ("", "?state=Do", "/events"):
            assert client.get(address(execution.arn, rest)).status_code == 200

    calls = execution.calls_of(open_pages)
    # The second call of the history reads the data of the selected state.
    assert calls["GetExecutionHistory"] == 2
    assert calls["DescribeStateMachineForExecution"] == 1


@pytest.mark.parametrize("rest", ["", "?state=" + "%3Cscript%3Ealert(1)%3C/script%3E", "/events"])
def test_names_errors_causes_and_inputs_are_text(world: World, rest: str) -> None:
    fail = {"Type": "Fail", "Error": SCRIPT, "Cause": f"because of {SCRIPT}"}
    states: Any = {SCRIPT: {"Type": "Pass", "Comment": SCRIPT, "Next": "Fail"}, "Fail": fail}
    execution = run(world, states, {SCRIPT: [SCRIPT, {"deep": {SCRIPT: [SCRIPT]}}]})
    text = page(world, execution, rest)
    assert ESCAPED in text
    assert SCRIPT not in text
    assert "<script>" not in text


def test_state_page_shows_names_and_data_as_text(world: World) -> None:
    execution = run(world, {SCRIPT: {"Type": "Fail", "Error": SCRIPT, "Cause": SCRIPT}}, {SCRIPT: SCRIPT})
    visit = document(world, execution)["failure"]["visit"]
    text = page(world, execution, f"/states/{visit}")
    assert ESCAPED in text
    assert SCRIPT not in text


def test_secrets_are_hidden_on_each_page(world: World) -> None:
    secret = "hunter2-hunter2"
    execution = run(world, {"Do": task("echo")}, {"password": secret, "note": f"api_key={secret}"})
    visit = document(world, execution)["states"][0]["visit"]
    for rest in ("", "?state=Do", f"/states/{visit}", "/events"):
        assert secret not in page(world, execution, rest, logs=Group())
        assert secret not in str(document(world, execution, rest, logs=Group()))


@pytest.mark.parametrize("rest", ["", "/events", "/states/2"])
@pytest.mark.parametrize(
    ("arn", "message"),
    [
        (EXPRESS, "Express execution, of which AWS keeps no history"),
        (UNKNOWN, "does not exist (any more)"),
        ("nonsense", "is not the ARN of an execution"),
    ],
    ids=["Express", "unknown", "no ARN"],
)
def test_execution_that_cannot_be_shown_is_explained(world: World, arn: str, message: str, rest: str) -> None:
    answer = client_of(world).get(address(arn, rest))
    assert (answer.status_code, message in html.unescape(answer.text)) == (404, True)


def test_execution_of_another_region_is_read_there() -> None:
    asked: list[tuple[str, str | None]] = []

    class Recording(Target):
        def client(self, service: str, region: str | None = None) -> Any:
            asked.append((service, region))

    target = Recording(local_session("us-east-1"), None, "us-east-1", None, True)
    arn = ExecutionArn.parse(UNKNOWN.replace("us-east-1", "eu-west-1"))
    assert arn is not None
    Executions(target).reader(arn)
    assert asked == [("stepfunctions", "eu-west-1")]
