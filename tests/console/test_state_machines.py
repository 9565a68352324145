from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.cli.local_pipeline import ONE_STATE, WAITING, LocalPipeline
from tests.console.client import open_console
from tests.localaws.codepipeline.fakes import COMMIT


@pytest.fixture
def pipeline() -> LocalPipeline:
    pipeline = LocalPipeline(WAITING)
    for _ in range(2):
        pipeline.start_for(COMMIT)
        pipeline.world.clock.advance(120)
    return pipeline


def read(pipeline: LocalPipeline, address: str) -> Any:
    return open_console(pipeline.target()).get(address).json()


def test_machines_of_the_region_are_listed(pipeline: LocalPipeline) -> None:
    (machine,) = read(pipeline, "/state-machines.json")["stateMachines"]
    assert (machine["name"], machine["type"]) == ("deploy", "STANDARD")


def test_executions_are_listed_with_their_durations(pipeline: LocalPipeline) -> None:
    document = read(pipeline, "/state-machines/deploy.json")
    assert [each["status"] for each in document["executions"]] == ["SUCCEEDED", "SUCCEEDED"]
    assert all(each["seconds"] == 30 for each in document["executions"])
    html = open_console(pipeline.target()).get("/state-machines/deploy").text
    assert f"/executions/{document['executions'][0]['arn']}" in html


def test_status_filters_executions(pipeline: LocalPipeline) -> None:
    assert read(pipeline, "/state-machines/deploy.json?status=FAILED")["executions"] == []
    assert len(read(pipeline, "/state-machines/deploy.json?status=SUCCEEDED")["executions"]) == 2


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("/state-machines/other", "state machine other does not exist"),
        ("/state-machines/deploy?status=BROKEN", "BROKEN is no status"),
        ("/state-machines/%3Cscript%3E", "state machine &lt;script&gt; does not exist"),
    ],
)
def test_what_does_not_exist_is_named(pipeline: LocalPipeline, address: str, message: str) -> None:
    response = open_console(pipeline.target()).get(address)
    assert response.status_code == 404
    assert message in response.text


def test_older_executions_are_on_further_pages() -> None:
    pipeline = LocalPipeline(ONE_STATE)
    for number in range(60):
        pipeline.stepfunctions.start_execution(
            stateMachineArn=pipeline.machine_arn, name=f"run-{number}", input="{}"
        )
        pipeline.world.clock.advance(1)
    first = read(pipeline, "/state-machines/deploy.json")
    assert first["executions"][0]["name"] == "run-59"
    client = open_console(pipeline.target())
    second = client.get("/state-machines/deploy.json", params={"token": first["nextToken"]}).json()
    assert [each["name"] for each in second["executions"]] == [f"run-{n}" for n in range(9, -1, -1)]
    assert second["nextToken"] is None


def test_expired_page_says_so(pipeline: LocalPipeline) -> None:
    response = open_console(pipeline.target()).get("/state-machines/deploy?token=expired")
    assert response.status_code == 400
    assert "begin again" in response.text


def test_denied_request_is_one_sentence() -> None:
    denied = ClientError(
        {"Error": {"Code": "AccessDeniedException", "Message": "no <b>way</b>"}}, "ListStateMachines"
    )

    class Denying:
        def get_paginator(self, _operation: str) -> Any:
            raise denied

    response = open_console(LocalPipeline(ONE_STATE).target(stepfunctions=Denying())).get("/state-machines")
    assert response.status_code == 502
    assert "ListStateMachines: AccessDeniedException: no &lt;b&gt;way&lt;/b&gt;" in response.text
