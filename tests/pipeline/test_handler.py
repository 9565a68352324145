"""The handler of the function: events without a job, metrics, cold start, tracing and clients."""

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
def test_event_without_a_job_is_rejected(world: World, event: Any, monkeypatch: pytest.MonkeyPatch) -> None:
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
def test_job_of_a_malformed_event_gets_a_result(
    world: World, changes: dict[str, Any], message: str | None
) -> None:
    result = world.send(world.first_job(**changes))
    if message is None:
        assert "continuationToken" in result
    else:
        assert failure(result)[1].endswith(message)


def test_metrics_count_continued_jobs(
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


def test_cold_start_does_not_import_what_a_poll_does_not_need() -> None:
    """boto3 and X-Ray's SDK, which imports asyncio, take longer to import than all modules of the trigger."""
    code = (
        "import sys, pipeline.trigger as t; t._trigger(); "
        "print({'boto3', 'aws_xray_sdk', 'asyncio', 'stepline.core.archives.reader'} & set(sys.modules))"
    )
    out = run_python(code, STATE_MACHINE_ARN=MACHINE, AWS_LAMBDA_FUNCTION_NAME="trigger")
    assert out.splitlines()[-1] == "set()"


def test_environment_variable_of_powertools_does_not_log_the_event() -> None:
    """An earlier bug: the event was written to the log.

    Powertools reads the variable when the handler is defined, so the test needs another process.
    """
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


def test_missing_environment_variable_is_named_in_the_log_of_the_cold_start() -> None:
    out = run_python("import pipeline.trigger", AWS_LAMBDA_FUNCTION_NAME="trigger", STATE_MACHINE_ARN="")
    (line,) = [json.loads(line) for line in out.splitlines()]
    assert line["reason"] == "The function's environment variable STATE_MACHINE_ARN is not set."


def test_tracer_is_loaded_by_the_first_sampled_invocation(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    captured_options: list[dict[str, Any]] = []

    class Tracer:
        def capture_lambda_handler(self, **options: Any) -> Any:
            captured_options.append(options)
            return lambda handler: handler

    monkeypatch.setattr("pipeline.observability._tracer", Tracer)
    event = world.first_job()
    world.codepipeline.open_jobs.add(event["CodePipeline.job"]["id"])
    monkeypatch.setenv("_X_AMZN_TRACE_ID", "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=0")
    invoke(world, event, monkeypatch)
    monkeypatch.setenv("_X_AMZN_TRACE_ID", "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1")
    invoke(world, event, monkeypatch)
    assert captured_options == [{"capture_response": False, "capture_error": False}]


class TestAwsClients:
    def test_clients_have_short_timeouts_and_standard_retries(self) -> None:
        clients = AwsClients({})
        for client in (clients.stepfunctions, clients.codepipeline, clients.s3):
            config: Any = client.meta.config
            assert (config.connect_timeout, config.read_timeout) == (3, 10)
            assert config.retries["mode"] == "standard"
        config = clients.codepipeline.meta.config
        assert config.retries["total_max_attempts"] == 5

    def test_synchronous_start_is_not_retried_and_waits_for_the_end(self) -> None:
        config: Any = AwsClients({}).sync_stepfunctions(330).meta.config
        assert config.read_timeout == 330
        assert config.retries["total_max_attempts"] == 1
        assert config.inject_host_prefix is True

    def test_other_endpoint_is_used_without_names_in_its_host(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:4566")
        clients = AwsClients()
        assert clients.sync_stepfunctions(1).meta.config.inject_host_prefix is False
        assert clients.s3.meta.endpoint_url == "http://127.0.0.1:4566"
        config: Any = clients.s3.meta.config
        assert config.s3 == {"addressing_style": "path"}

    def test_artifact_client_has_the_credentials_of_the_job(self) -> None:
        client: Any = AwsClients({}).artifact_s3(Credentials("id", "secret", "token"))
        credentials = client._request_signer._credentials
        assert (credentials.access_key, credentials.token) == ("id", "token")
        assert client.meta.config.signature_version == "s3v4"
