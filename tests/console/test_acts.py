"""What the console does, and that nobody else makes it do that."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

import pytest
from starlette.testclient import TestClient

from stepline.console.forms import MAX_FORM_BYTES
from stepline.console.pages import Console, Query
from stepline.console.views import approvals
from tests.cli.approval_requests import ID, description
from tests.cli.local_pipeline import ONE_STATE, WAITING, LocalPipeline
from tests.cli.test_workflow_approvals import Installation, wave
from tests.console.client import ORIGIN, TOKEN, open_console
from tests.console.pipelines import Commits, console_of, failing_pipeline
from tests.localaws.codepipeline.fakes import COMMIT, approval_action, client_error, lambda_action, stage

SCRIPT = "<script>alert(1)</script>"
SHOWN = "&lt;script&gt;alert(1)&lt;/script&gt;"
UNKNOWN = "12345678-0000-4000-8000-000000000000"
ARN = "arn:aws:states:us-east-1:000000000000:execution:deploy:one"

ACTS = {
    "/acts/release": {"pipeline": "app"},
    "/acts/stop-pipeline": {"pipeline": "app", "execution": UNKNOWN, "mode": "wait"},
    "/acts/retry": {
        "pipeline": "app",
        "execution": UNKNOWN,
        "stage": "Deploy",
        "mode": "FAILED_ACTIONS",
    },
    "/acts/stop-execution": {"arn": ARN},
    "/acts/redrive": {"arn": ARN},
    "/acts/answer": {"id": ID, "answer": "Approved"},
}
PAGES = {path: fields for path, fields in ACTS.items() if path != "/acts/answer"}


class Refusing:
    """A client that no test may use."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"the console called {name}")


def untouched_console(*, allows_actions: bool) -> TestClient:
    services = ("codepipeline", "stepfunctions", "dynamodb", "lambda_", "sts")
    pipeline = LocalPipeline(ONE_STATE)
    return open_console(pipeline.target(**dict.fromkeys(services, Refusing())), allows_actions=allows_actions)


def submit(client: TestClient, path: str, fields: Mapping[str, str], **headers: str) -> Any:
    return client.post(path, data={"actToken": TOKEN, **fields}, headers={"origin": ORIGIN, **headers})


def run(pipeline: LocalPipeline, seconds: float = 120) -> str:
    execution_id = pipeline.start_for(COMMIT)
    pipeline.world.clock.advance(seconds)
    return execution_id


def ask(client: TestClient, path: str, **arguments: str) -> Any:
    """Return the document of the page of an act."""
    response = client.get(f"{path}.json", params=arguments)
    assert response.status_code == 200, response.text
    return response.json()


# --- who may act --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("path", "fields"), ACTS.items(), ids=ACTS)
def test_form_is_refused_if_the_console_only_reads(path: str, fields: dict[str, str]) -> None:
    response = submit(untouched_console(allows_actions=False), path, fields)
    assert response.status_code == 403
    assert "stepline console --allow-actions" in response.text


@pytest.mark.parametrize("ending", ["", ".json", ".changes"])
@pytest.mark.parametrize(("path", "fields"), PAGES.items(), ids=PAGES)
def test_page_of_an_act_is_refused_if_the_console_only_reads(
    path: str, fields: dict[str, str], ending: str
) -> None:
    response = untouched_console(allows_actions=False).get(path + ending, params=fields)
    assert response.status_code == 403
    assert "stepline console --allow-actions" in response.text


@pytest.mark.parametrize("token", [None, "", "other", TOKEN[:-1], f"{TOKEN}x"])
@pytest.mark.parametrize(("path", "fields"), ACTS.items(), ids=ACTS)
def test_form_without_the_token_is_refused(path: str, fields: dict[str, str], token: str | None) -> None:
    data = fields | ({} if token is None else {"actToken": token})
    response = untouched_console(allows_actions=True).post(path, data=data, headers={"origin": ORIGIN})
    assert response.status_code == 403
    assert "open its page again" in response.text


FOREIGN = {
    "another origin": {"origin": "https://attacker.example"},
    "a hidden origin": {"origin": "null"},
    "another port": {"origin": "http://127.0.0.1:8000"},
    "another site": {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"},
    "no sign of an origin": {},
    "another host": {"origin": ORIGIN, "host": "attacker.example:4600"},
}


@pytest.mark.parametrize("headers", FOREIGN.values(), ids=FOREIGN)
@pytest.mark.parametrize(("path", "fields"), ACTS.items(), ids=ACTS)
def test_form_of_another_page_is_refused(path: str, fields: dict[str, str], headers: dict[str, str]) -> None:
    client = untouched_console(allows_actions=True)
    response = client.post(path, data={"actToken": TOKEN, **fields}, headers=headers)
    assert response.status_code == 403


@pytest.mark.parametrize("path", ACTS)
def test_act_is_not_done_by_a_link(path: str) -> None:
    pipeline = LocalPipeline(ONE_STATE)
    client = console_of(pipeline, allows_actions=True)
    client.get(path, params={"actToken": TOKEN, **ACTS[path]})
    assert (
        pipeline.world.client.list_pipeline_executions(pipelineName="app")["pipelineExecutionSummaries"] == []
    )


def test_pages_have_no_acts_if_the_console_only_reads() -> None:
    pipeline = failing_pipeline()
    execution_id = run(pipeline)
    client = console_of(pipeline)
    document = client.get(f"/pipelines/app/executions/{execution_id}.json").json()
    pages = [
        "/pipelines/app",
        f"/pipelines/app/executions/{execution_id}",
        document["failures"][0]["address"],
    ]
    for page in pages:
        html = client.get(page).text
        assert "/acts/" not in html
        assert TOKEN not in html
        assert client.get(f"{page}.json").json()["acts"] == []


def test_token_is_in_forms_and_in_no_document() -> None:
    client = console_of(LocalPipeline(ONE_STATE), allows_actions=True)
    assert TOKEN in client.get("/acts/release?pipeline=app").text
    for address in ("/acts/release.json?pipeline=app", "/pipelines/app", "/pipelines/app.json"):
        assert TOKEN not in client.get(address).text


# --- forms --------------------------------------------------------------------------------------------


def send(body: bytes, content_type: str = "application/x-www-form-urlencoded") -> Any:
    headers = {"origin": ORIGIN, "content-type": content_type}
    return untouched_console(allows_actions=True).post("/acts/release", content=body, headers=headers)


def test_large_form_is_refused() -> None:
    response = send(b"actToken=" + b"x" * MAX_FORM_BYTES)
    assert response.status_code == 413
    assert "64 KB" in response.text


@pytest.mark.parametrize(
    "content_type", ["multipart/form-data; boundary=x", "application/json", "text/plain", ""]
)
def test_form_of_another_type_is_refused(content_type: str) -> None:
    assert send(b"actToken=x", content_type).status_code == 415


@pytest.mark.parametrize(
    "body",
    [b"a=1&a=2", "a=ö".encode(), b"a=%ff", b"&".join(b"a%d=1" % number for number in range(30))],
    ids=["twice", "not ASCII", "not UTF-8", "many fields"],
)
def test_form_that_cannot_be_read_is_refused(body: bytes) -> None:
    assert send(body).status_code == 400


# --- release a change ---------------------------------------------------------------------------------


def test_change_is_released() -> None:
    pipeline = LocalPipeline(ONE_STATE)
    client = console_of(pipeline, allows_actions=True)
    assert "/acts/release?pipeline=app" in client.get("/pipelines/app").text
    document = ask(client, "/acts/release", pipeline="app")
    assert "Source (CodeCommit)" in document["consequences"][0]
    response = submit(client, "/acts/release", {"pipeline": "app"})
    (execution,) = pipeline.world.client.list_pipeline_executions(pipelineName="app")[
        "pipelineExecutionSummaries"
    ]
    assert response.status_code == 303
    assert response.headers["location"] == f"/pipelines/app/executions/{execution['pipelineExecutionId']}"


def test_pages_are_read_anew_after_an_act() -> None:
    pipeline = LocalPipeline(ONE_STATE)
    client = console_of(pipeline, allows_actions=True)
    assert client.get("/pipelines/app.json").json()["executions"] == []
    submit(client, "/acts/release", {"pipeline": "app"})
    assert len(client.get("/pipelines/app.json").json()["executions"]) == 1


def test_act_on_a_pipeline_that_does_not_exist_is_not_found() -> None:
    client = console_of(LocalPipeline(ONE_STATE), allows_actions=True)
    for response in (
        client.get("/acts/release?pipeline=other"),
        submit(client, "/acts/release", {"pipeline": "other"}),
        client.get("/acts/release"),
    ):
        assert response.status_code == 404


def test_refused_act_shows_why_and_does_nothing() -> None:
    pipeline = LocalPipeline(ONE_STATE)

    class Denying:
        def __getattr__(self, name: str) -> Any:
            if name == "start_pipeline_execution":
                raise client_error(
                    "AccessDeniedException", "StartPipelineExecution", f"no {SCRIPT}", status=403
                )
            return getattr(pipeline.world.client, name)

    client = console_of(pipeline, allows_actions=True, codepipeline=Denying())
    response = submit(client, "/acts/release", {"pipeline": "app"})
    assert response.status_code == 409
    assert f"StartPipelineExecution: AccessDeniedException: no {SHOWN}" in response.text
    assert "Release the change" in response.text
    assert SCRIPT not in response.text


# --- stop an execution of a pipeline ------------------------------------------------------------------


def test_execution_is_stopped_and_waited_for() -> None:
    pipeline = LocalPipeline(WAITING)
    execution_id = run(pipeline, 5)
    client = console_of(pipeline, allows_actions=True)
    page = client.get(f"/pipelines/app/executions/{execution_id}")
    assert f"/acts/stop-pipeline?pipeline=app&amp;execution={execution_id}" in page.text
    fields = {"pipeline": "app", "execution": execution_id, "mode": "wait", "reason": f"wrong {SCRIPT}"}
    response = submit(client, "/acts/stop-pipeline", fields)
    assert response.headers["location"] == f"/pipelines/app/executions/{execution_id}"
    assert pipeline.world.status(execution_id) == "Stopping"
    pipeline.world.clock.advance(120)
    assert pipeline.world.status(execution_id) == "Stopped"
    document = client.get(f"/pipelines/app/executions/{execution_id}.json").json()
    assert [each["status"] for each in document["stages"][1]["actions"]] == ["Succeeded"]


def test_execution_is_abandoned() -> None:
    pipeline = LocalPipeline(WAITING)
    execution_id = run(pipeline, 5)
    client = console_of(pipeline, allows_actions=True)
    submit(client, "/acts/stop-pipeline", {"pipeline": "app", "execution": execution_id, "mode": "abandon"})
    pipeline.world.clock.advance(1)
    assert pipeline.world.status(execution_id) == "Stopped"
    assert pipeline.world.latest()["status"] == "Abandoned"


def stop_page(pipeline: LocalPipeline, execution_id: str) -> Any:
    client = console_of(pipeline, allows_actions=True)
    return ask(client, "/acts/stop-pipeline", pipeline="app", execution=execution_id)


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        ("", "is stopped, too, as OnStop is not LeaveRunning"),
        ('{"onStop": "stop"}', "is stopped, too, as OnStop is not LeaveRunning"),
        ('{"onStop": "leaveRunning"}', "goes on, as OnStop is LeaveRunning"),
    ],
)
def test_page_says_what_becomes_of_the_workflow(parameters: str, sentence: str) -> None:
    pipeline = LocalPipeline(WAITING)
    definition = pipeline.world.client.get_pipeline(name="app")["pipeline"]
    configuration = {"UserParameters": parameters} if parameters else {}
    definition["stages"][1] = stage("Deploy", lambda_action(configuration=configuration))
    pipeline.world.client.update_pipeline(pipeline=definition)
    document = stop_page(pipeline, run(pipeline, 5))
    (execution,) = pipeline.stepfunctions.list_executions(stateMachineArn=pipeline.machine_arn)["executions"]
    assert document["obstacle"] is None
    assert f"the execution {execution['name']} of the state machine deploy" in document["consequences"][1]
    assert sentence in document["consequences"][1]


def test_execution_that_has_ended_cannot_be_stopped() -> None:
    pipeline = LocalPipeline(ONE_STATE)
    execution_id = run(pipeline)
    document = stop_page(pipeline, execution_id)
    assert document["obstacle"] == "This execution has ended: succeeded."
    client = console_of(pipeline, allows_actions=True)
    fields = {"pipeline": "app", "execution": execution_id, "mode": "wait"}
    response = submit(client, "/acts/stop-pipeline", fields)
    assert response.status_code == 409
    assert "This execution has ended: succeeded." in response.text
    assert "/acts/stop-pipeline" not in client.get(f"/pipelines/app/executions/{execution_id}").text


def test_stop_of_an_execution_that_is_stopping_is_refused_in_one_sentence() -> None:
    pipeline = LocalPipeline(WAITING)
    execution_id = run(pipeline, 5)
    client = console_of(pipeline, allows_actions=True)
    fields = {"pipeline": "app", "execution": execution_id, "mode": "wait", "reason": "it is wrong"}
    submit(client, "/acts/stop-pipeline", fields)
    response = submit(client, "/acts/stop-pipeline", fields)
    assert response.status_code == 409
    assert "DuplicatedStopRequestException" in response.text
    assert ">it is wrong</textarea>" in response.text


@pytest.mark.parametrize(("field", "value"), [("mode", "other"), ("mode", ""), ("reason", "x" * 201)])
def test_stop_that_makes_no_sense_is_refused(field: str, value: str) -> None:
    pipeline = LocalPipeline(WAITING)
    execution_id = run(pipeline, 5)
    client = console_of(pipeline, allows_actions=True)
    fields = {"pipeline": "app", "execution": execution_id, "mode": "wait"} | {field: value}
    assert submit(client, "/acts/stop-pipeline", fields).status_code == 409
    assert pipeline.world.status(execution_id) == "InProgress"


# --- retry a stage ------------------------------------------------------------------------------------


def test_stage_is_retried() -> None:
    pipeline = failing_pipeline()
    execution_id = run(pipeline)
    client = console_of(pipeline, allows_actions=True)
    arguments = {"pipeline": "app", "execution": execution_id, "stage": "Deploy"}
    for page in ("/pipelines/app", f"/pipelines/app/executions/{execution_id}"):
        (link,) = [each for each in _acts(client, page) if "retry" in each["address"]]
        assert link["title"] == "Retry stage Deploy"
    document = ask(client, "/acts/retry", **arguments)
    assert [each["detail"] for each in document["choice"]["options"]] == ["Deploy", "Deploy"]
    response = submit(client, "/acts/retry", {**arguments, "mode": "FAILED_ACTIONS"})
    assert response.headers["location"] == f"/pipelines/app/executions/{execution_id}"
    assert pipeline.world.status(execution_id) == "InProgress"
    pipeline.world.clock.advance(120)
    assert len(pipeline.world.actions(execution_id)) == 3  # Source, and Deploy twice


def _acts(client: TestClient, page: str) -> list[dict[str, str]]:
    document = client.get(f"{page}.json").json()
    return [*document["acts"], *(act for each in document["stages"] for act in each.get("acts", []))]


def test_stage_that_has_not_failed_cannot_be_retried() -> None:
    pipeline = LocalPipeline(ONE_STATE)
    execution_id = run(pipeline)
    client = console_of(pipeline, allows_actions=True)
    fields = {"pipeline": "app", "execution": execution_id, "stage": "Deploy", "mode": "ALL_ACTIONS"}
    response = submit(client, "/acts/retry", fields)
    assert response.status_code == 409
    assert "The stage Deploy has not failed: succeeded." in response.text


def test_stage_that_another_execution_has_entered_cannot_be_retried() -> None:
    pipeline = failing_pipeline()
    execution_id = run(pipeline)
    run(pipeline)
    client = console_of(pipeline, allows_actions=True)
    assert _acts(client, f"/pipelines/app/executions/{execution_id}") == []
    document = ask(client, "/acts/retry", pipeline="app", execution=execution_id, stage="Deploy")
    assert "Another execution has entered the stage Deploy" in document["obstacle"]


# --- stop and redrive an execution of a state machine --------------------------------------------------


def start_execution(pipeline: LocalPipeline) -> str:
    arn = pipeline.stepfunctions.start_execution(stateMachineArn=pipeline.machine_arn, name="one", input="{}")
    pipeline.world.clock.advance(5)
    return str(arn["executionArn"])


def test_execution_of_a_state_machine_is_stopped() -> None:
    pipeline = LocalPipeline(WAITING)
    arn = start_execution(pipeline)
    client = console_of(pipeline, allows_actions=True)
    link = f"/acts/stop-execution?arn={quote(arn, safe='')}"
    assert link in client.get(f"/executions/{arn}").text
    assert client.get(link).status_code == 200
    response = submit(client, "/acts/stop-execution", {"arn": arn, "reason": "it takes too long"})
    assert response.headers["location"] == f"/executions/{arn}"
    found = pipeline.stepfunctions.describe_execution(executionArn=arn)
    assert (found["status"], found["cause"]) == ("ABORTED", "it takes too long")


def test_execution_of_a_state_machine_that_has_ended_cannot_be_stopped() -> None:
    pipeline = LocalPipeline(ONE_STATE)
    arn = start_execution(pipeline)
    client = console_of(pipeline, allows_actions=True)
    response = submit(client, "/acts/stop-execution", {"arn": arn})
    assert response.status_code == 409
    assert "This execution has ended: succeeded." in response.text
    assert "/acts/" not in client.get(f"/executions/{arn}").text


def test_execution_is_redriven() -> None:
    pipeline = failing_pipeline()
    arn = start_execution(pipeline)
    client = console_of(pipeline, allows_actions=True)
    assert f"/acts/redrive?arn={quote(arn, safe='')}" in client.get(f"/executions/{arn}").text
    response = submit(client, "/acts/redrive", {"arn": arn})
    assert response.headers["location"] == f"/executions/{arn}"
    assert pipeline.stepfunctions.describe_execution(executionArn=arn)["redriveCount"] == 1


@pytest.mark.parametrize(
    ("machine", "message"),
    [(WAITING, "is running"), (ONE_STATE, "cannot be redriven")],
    ids=["runs", "succeeded"],
)
def test_execution_that_has_not_failed_cannot_be_redriven(machine: dict[str, Any], message: str) -> None:
    pipeline = LocalPipeline(machine)
    arn = start_execution(pipeline)
    response = submit(console_of(pipeline, allows_actions=True), "/acts/redrive", {"arn": arn})
    assert response.status_code == 409
    assert message in response.text


@pytest.mark.parametrize("arn", [ARN, "no-arn", ARN.replace(":execution:", ":express:") + ":x"])
@pytest.mark.parametrize("act", ["stop-execution", "redrive"])
def test_act_on_an_execution_that_does_not_exist_is_not_found(act: str, arn: str) -> None:
    client = console_of(LocalPipeline(ONE_STATE), allows_actions=True)
    assert client.get(f"/acts/{act}", params={"arn": arn}).status_code == 404
    assert submit(client, f"/acts/{act}", {"arn": arn}).status_code == 404


# --- approve and reject -------------------------------------------------------------------------------


def installation(*requests: dict[str, Any], **settings: Any) -> Installation:
    return Installation(*(requests or (description(),)), **settings)


def approval_console(found: Installation, *, allows_actions: bool = True) -> TestClient:
    return open_console(found.target(), allows_actions=allows_actions)


def test_request_shows_what_would_be_replaced_and_why() -> None:
    client = approval_console(installation())
    document = client.get(f"/approvals/{ID}.json").json()
    assert document["resources"] == [
        {
            "path": "Queue",
            "type": "AWS::SQS::Queue",
            "effect": "would be replaced",
            "causes": ["property QueueName"],
        }
    ]
    html = client.get(f"/approvals/{ID}").text
    assert "property QueueName" in html
    assert document["workflowAddress"] in html


def test_request_for_a_wave_shows_both_waves() -> None:
    client = approval_console(installation(wave(), table="stepline-rollout-wave-approvals"))
    html = client.get(f"/approvals/{ID}").text
    assert "canary: succeeded" in html
    assert "europe: the stack prod-app in 222222222222/eu-west-1" in html
    assert "and 3 more" in html


def test_texts_of_a_request_are_text() -> None:
    resource = {"path": f"Q{SCRIPT}", "type": "T", "effect": "would be replaced", "causes": [f"c{SCRIPT}"]}
    request = description() | {"resources": [resource], "requester": f"r{SCRIPT}", "stackName": f"s{SCRIPT}"}
    html = approval_console(installation(request)).get(f"/approvals/{ID}").text
    assert SCRIPT not in html
    for text in ("Q", "c", "r", "s"):
        assert f"{text}{SHOWN}" in html


@pytest.mark.parametrize(("answer", "decision"), [("Approved", "approve"), ("Rejected", "reject")])
def test_request_is_answered_with_a_reason(answer: str, decision: str) -> None:
    found = installation()
    client = approval_console(found)
    fields = {"id": ID, "answer": answer, "reason": "the queue is empty"}
    response = submit(client, "/acts/answer", fields)
    assert response.status_code == 303
    assert response.headers["location"] == f"/pipelines/app/executions/{description()['pipelineExecutionId']}"
    ((_, event),) = found.events
    assert (event["id"], event["decision"], event["reason"]) == (ID, decision, "the queue is empty")


def test_refused_answer_shows_why_and_keeps_the_reason() -> None:
    found = installation()
    found.error = f"the requester {SCRIPT} cannot approve"
    response = submit(
        approval_console(found), "/acts/answer", {"id": ID, "answer": "Approved", "reason": "r"}
    )
    assert response.status_code == 409
    assert f"the requester {SHOWN} cannot approve" in response.text
    assert ">r</textarea>" in response.text


def test_request_that_waits_no_longer_says_so() -> None:
    found = installation()
    client = approval_console(found)
    assert client.get(f"/approvals/{ID}.json").json()["waits"]
    found.status = "SUCCEEDED"
    response = submit(client, "/acts/answer", {"id": ID, "answer": "Approved"})
    assert response.status_code == 404
    assert "it was answered, has expired, or was stopped" in response.text
    assert found.events == []


def test_request_is_only_shown_if_the_console_only_reads() -> None:
    html = approval_console(installation(), allows_actions=False).get(f"/approvals/{ID}").text
    assert "<textarea" not in html
    assert f"stepline approve {ID}" in html
    assert TOKEN not in html


@pytest.mark.parametrize("approval_id", ["0123456789ab-9", "other", "%3Cscript%3E"])
def test_request_that_does_not_exist_is_not_found(approval_id: str) -> None:
    assert approval_console(installation()).get(f"/approvals/{approval_id}").status_code == 404


def manual(mode: str = "SUPERSEDED") -> tuple[LocalPipeline, str]:
    pipeline = LocalPipeline(ONE_STATE)
    definition = pipeline.world.client.get_pipeline(name="app")["pipeline"]
    configuration = {"CustomData": f"look {SCRIPT}", "ExternalEntityLink": "https://example.com/review"}
    definition["stages"].insert(1, stage("Ask", approval_action("Approve", configuration=configuration)))
    pipeline.world.client.update_pipeline(pipeline=definition | {"executionMode": mode})
    return pipeline, run(pipeline, 5)


def test_manual_approval_shows_the_commit_and_the_information_as_text() -> None:
    pipeline, execution_id = manual()
    client = console_of(pipeline, Commits(f"message {SCRIPT}"), allows_actions=True)
    html = client.get(f"/approvals/app/Ask/Approve/{execution_id}").text
    assert f"message {SHOWN}" in html
    assert f"look {SHOWN}" in html
    assert 'href="https://example.com/review"' in html
    assert SCRIPT not in html


@pytest.mark.parametrize("mode", ["SUPERSEDED", "PARALLEL"])
def test_token_of_a_manual_approval_is_on_no_page(mode: str) -> None:
    pipeline, execution_id = manual(mode)
    token = pipeline.world.latest("Ask", "Approve")["token"]
    client = console_of(pipeline, allows_actions=True)
    address = f"/approvals/app/Ask/Approve/{execution_id}"
    for page in (address, "/pipelines/app", f"/pipelines/app/executions/{execution_id}", "/search?q=app"):
        path, _, query = page.partition("?")
        for ending in ("", ".json"):
            response = client.get(f"{path}{ending}?{query}")
            assert response.status_code == 200
            assert token not in response.text


@pytest.mark.parametrize(("answer", "status"), [("Approved", "Succeeded"), ("Rejected", "Failed")])
def test_manual_approval_is_answered_with_a_reason(answer: str, status: str) -> None:
    pipeline, execution_id = manual()
    client = console_of(pipeline, allows_actions=True)
    fields = {"pipeline": "app", "stage": "Ask", "action": "Approve", "execution": execution_id}
    response = submit(client, "/acts/answer", {**fields, "answer": answer, "reason": f"because {SCRIPT}"})
    assert response.headers["location"] == f"/pipelines/app/executions/{execution_id}"
    pipeline.world.clock.advance(60)
    assert pipeline.world.status(execution_id) == status
    html = client.get(response.headers["location"]).text
    assert SCRIPT not in html
    assert f"because {SHOWN}" in html


def test_approval_of_one_of_several_parallel_executions_is_answered() -> None:
    pipeline, first = manual("PARALLEL")
    second = run(pipeline, 5)
    client = console_of(pipeline, allows_actions=True)
    for execution_id in (first, second):
        address = f"/approvals/app/Ask/Approve/{execution_id}"
        assert client.get(f"{address}.json").json()["executionId"] == execution_id
    fields = {"pipeline": "app", "stage": "Ask", "action": "Approve", "execution": first}
    submit(client, "/acts/answer", {**fields, "answer": "Approved"})
    pipeline.world.clock.advance(60)
    assert (pipeline.world.status(first), pipeline.world.status(second)) == ("Succeeded", "InProgress")


@pytest.mark.parametrize("path", ["app/Ask/Approve/no-id", "other/Ask/Approve/x", "app/Ask/%3Cscript%3E/x"])
@pytest.mark.parametrize("mode", ["SUPERSEDED", "PARALLEL"])
def test_manual_approval_that_does_not_exist_is_not_found(mode: str, path: str) -> None:
    pipeline, _ = manual(mode)
    assert console_of(pipeline).get(f"/approvals/{path}").status_code == 404


def test_manual_approval_that_was_answered_says_so() -> None:
    pipeline, execution_id = manual()
    client = console_of(pipeline, allows_actions=True)
    fields = {"pipeline": "app", "stage": "Ask", "action": "Approve", "execution": execution_id}
    submit(client, "/acts/answer", {**fields, "answer": "Approved"})
    response = submit(client, "/acts/answer", {**fields, "answer": "Rejected"})
    assert response.status_code == 404
    assert "it was answered, or stopped" in response.text


def test_approval_of_another_execution_is_not_answered() -> None:
    pipeline, execution_id = manual()
    client = console_of(pipeline, allows_actions=True)
    fields = {"pipeline": "app", "stage": "Ask", "action": "Approve", "execution": UNKNOWN}
    assert submit(client, "/acts/answer", {**fields, "answer": "Approved"}).status_code == 404
    assert pipeline.world.status(execution_id) == "InProgress"


@pytest.mark.parametrize("answer", ["", "Maybe"])
def test_answer_that_is_none_is_refused(answer: str) -> None:
    found = installation()
    response = submit(approval_console(found), "/acts/answer", {"id": ID, "answer": answer})
    assert response.status_code in {404, 409}
    assert found.events == []


def test_page_of_an_approval_that_is_answered_meanwhile_stays() -> None:
    pipeline, execution_id = manual()
    client = console_of(pipeline, allows_actions=True)
    address = f"/approvals/app/Ask/Approve/{execution_id}"
    console = Console(pipeline.target(codecommit=Commits().client), True, TOKEN)
    path = {"pipeline": "app", "stage": "Ask", "action": "Approve", "execution": execution_id}
    read: Callable[[], Any] = approvals.PAGES[1].open(console, Query(path, {}))
    assert read()["waits"]
    submit(client, "/acts/answer", {**path, "answer": "Approved"})
    document = read()
    assert (document["waits"], document["isLive"]) == (False, False)
    assert json.dumps(document)
    assert client.get(address).status_code == 404
