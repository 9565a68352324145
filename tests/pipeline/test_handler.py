"""The handler as Lambda calls it: events that are none, metrics, cold start."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pipeline import trigger
from pipeline.clients import AwsClients
from pipeline.errors import JobEventError
from pipeline.job_event import Credentials
from tests.pipeline.test_start import failure
from tests.pipeline.world import MACHINE, LambdaContext, World

PROJECT = Path(__file__).parents[2]


def invoke(world: World, event: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trigger, "_trigger", lambda: world.trigger)
    trigger.handler(event, LambdaContext())


@pytest.mark.filterwarnings("ignore:No application metrics")
@pytest.mark.parametrize("event", [None, [], {}, {"CodePipeline.job": {}}, {"CodePipeline.job": {"id": "1"}}])
def test_an_event_without_a_job_is_a_clear_error(
    world: World, event: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(JobEventError, match=r"(The|the) event"):
        invoke(world, event, monkeypatch)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"actionConfiguration": None}, 'CodePipeline.job.data" in the event lacks "actionConfiguration".'),
        ({"inputArtifacts": {}}, None),
        (
            {"inputArtifacts": [1]},
            'data.inputArtifacts[0]" in the event must be a JSON object, but it is a number.',
        ),
        ({"inputArtifacts": [{"name": "A"}]}, 'data.inputArtifacts[0]" in the event lacks "location".'),
        ({"artifactCredentials": {}}, "no artifact credentials, so its input artifact cannot be read."),
        (
            {"artifactCredentials": {"accessKeyId": "x"}},
            'data.artifactCredentials" in the event lacks "secretAccessKey".',
        ),
        ({"encryptionKey": {"type": "KMS"}}, 'data.encryptionKey" in the event lacks "id".'),
        ({"encryptionKey": {"id": "", "type": ""}}, None),
        ({"encryptionKey": None, "continuationToken": ""}, None),
        ({"unknown": {"x": [1]}}, None),
        ({"outputArtifacts": None}, None),
        ({"continuationToken": 5}, 'data.continuationToken" in the event must be text, but it is a number.'),
    ],
)
def test_a_job_with_a_malformed_event_is_answered_all_the_same(
    world: World, changes: dict[str, Any], message: str | None
) -> None:
    answer = world.send(world.first_job(**changes))
    if message is None:
        assert "continuationToken" in answer
    else:
        assert failure(answer)[1].endswith(message)


def test_metrics_count_what_was_answered(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    event = world.first_job()
    world.codepipeline.open_jobs.add(event["CodePipeline.job"]["id"])
    invoke(world, event, monkeypatch)
    metrics = [json.loads(line) for line in capsys.readouterr().out.splitlines() if '"_aws"' in line]
    assert any(line.get("JobsContinued") == [1.0] for line in metrics)


def run_python(code: str, **environment: str) -> str:
    variables = {**os.environ, "AWS_DEFAULT_REGION": "eu-west-1", **environment}
    result = subprocess.run(
        [sys.executable, "-c", code],
        cwd=PROJECT,
        env=variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=True,
    )
    return result.stdout


def test_a_cold_start_imports_nothing_that_a_poll_does_not_need() -> None:
    """boto3 and X-Ray's SDK, which imports asyncio, cost more than all of our own modules."""
    code = (
        "import sys, pipeline.trigger as t; t._trigger(); "
        "print({'boto3', 'aws_xray_sdk', 'asyncio', 'stepline.core.archives.reader'} & set(sys.modules))"
    )
    out = run_python(code, STATE_MACHINE_ARN=MACHINE, AWS_LAMBDA_FUNCTION_NAME="trigger")
    assert out.splitlines()[-1] == "set()"


def test_bug_8_no_variable_of_the_function_makes_powertools_log_the_event() -> None:
    """Powertools reads it when the handler is defined, so it takes a process of its own to see."""
    code = (
        "import pipeline.trigger as t\n"
        "from tests.pipeline.world import LambdaContext\n"
        "try: t.handler({'CodePipeline.job': {'data': 'SECRET'}}, LambdaContext())\n"
        "except t.JobEventError: t.logger.info('refused')"
    )
    out = run_python(
        code,
        STATE_MACHINE_ARN=MACHINE,
        AWS_LAMBDA_FUNCTION_NAME="trigger",
        POWERTOOLS_LOGGER_LOG_EVENT="true",
    )
    assert "refused" in out
    assert "SECRET" not in out


def test_a_missing_setting_is_named_in_the_log_of_the_cold_start() -> None:
    out = run_python("import pipeline.trigger", AWS_LAMBDA_FUNCTION_NAME="trigger", STATE_MACHINE_ARN="")
    (line,) = [json.loads(line) for line in out.splitlines()]
    assert line["reason"] == "The function's environment variable STATE_MACHINE_ARN is not set."


def test_tracing_is_loaded_with_the_first_sampled_invocation(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    captured: list[dict[str, Any]] = []

    class Tracer:
        def capture_lambda_handler(self, **options: Any) -> Any:
            captured.append(options)
            return lambda handler: handler

    monkeypatch.setattr("pipeline.observability._tracer", Tracer)
    event = world.first_job()
    world.codepipeline.open_jobs.add(event["CodePipeline.job"]["id"])
    monkeypatch.setenv("_X_AMZN_TRACE_ID", "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=0")
    invoke(world, event, monkeypatch)
    monkeypatch.setenv("_X_AMZN_TRACE_ID", "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1")
    invoke(world, event, monkeypatch)
    assert captured == [{"capture_response": False, "capture_error": False}]


class TestAwsClients:
    def test_time_outs_and_retries_suit_a_lambda_function(self) -> None:
        clients = AwsClients({})
        for client in (clients.stepfunctions, clients.codepipeline, clients.s3):
            config: Any = client.meta.config
            assert (config.connect_timeout, config.read_timeout) == (3, 10)
            assert config.retries["mode"] == "standard"
        config = clients.codepipeline.meta.config
        assert config.retries["total_max_attempts"] == 5

    def test_a_synchronous_start_is_sent_once_and_waited_for(self) -> None:
        config: Any = AwsClients({}).sync_stepfunctions(330).meta.config
        assert config.read_timeout == 330
        assert config.retries["total_max_attempts"] == 1
        assert config.inject_host_prefix is True

    def test_another_endpoint_has_no_names_in_its_host(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:4566")
        clients = AwsClients()
        assert clients.sync_stepfunctions(1).meta.config.inject_host_prefix is False
        assert clients.s3.meta.endpoint_url == "http://127.0.0.1:4566"
        config: Any = clients.s3.meta.config
        assert config.s3 == {"addressing_style": "path"}

    def test_artifacts_are_read_with_the_jobs_credentials(self) -> None:
        client: Any = AwsClients({}).artifact_s3(Credentials("id", "secret", "token"))
        credentials = client._request_signer._credentials
        assert (credentials.access_key, credentials.token) == ("id", "token")
        assert client.meta.config.signature_version == "s3v4"
