"""Express executions: claimed in S3, started once, awaited, and reported."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ConnectTimeoutError, ReadTimeoutError

from pipeline.errors import JobResultError
from stepline.localaws.protocol import AwsError
from tests.fakes.clients import client_of
from tests.fakes.service import Fault
from tests.fakes.step_functions import FakeExecution
from tests.pipeline.test_start import failure
from tests.pipeline.world import CLAIMS_BUCKET, World

PARAMETERS = {"input": {}, "stateMachine": "quick"}


@pytest.fixture
def express(world: World) -> World:
    world.configure_express()
    return world


def raise_in_sync_client(world: World, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    """Lose the response of StartSyncExecution: start the execution, and raise `error`."""

    class Client:
        def start_sync_execution(self, **_request: Any) -> None:
            world.stepfunctions.sync_started.append("lost")
            raise error

    monkeypatch.setattr(world.clients, "sync_stepfunctions", lambda _seconds: Client())


def test_job_waits_for_the_end_and_reports_the_output(express: World) -> None:
    express.stepfunctions.sync_result = lambda execution: execution.succeed('{"answer": 42}')
    result = express.send(express.first_job(PARAMETERS))
    assert result["outputVariables"] == {"answer": "42"}
    assert ":express:quick:" in result["executionDetails"]["externalExecutionId"]
    assert "#/express-executions/details/" in result["executionDetails"]["summary"]


def test_summary_has_the_duration_of_the_execution(express: World) -> None:
    """An earlier bug: it was always "Succeeded within 0 s"."""

    def succeed_after_42_seconds(execution: FakeExecution) -> None:
        express.now += 42
        execution.succeed()

    express.stepfunctions.sync_result = succeed_after_42_seconds
    event = express.first_job(PARAMETERS)
    for _ in range(2):  # the second result is that of the claim
        result = express.send(event)
        assert result["executionDetails"]["summary"].startswith("Succeeded within 42 s.")
        express.codepipeline.results.clear()
        express.now += 1000


def test_claim_of_the_previous_version_is_read(express: World) -> None:
    event = express.first_job(PARAMETERS)
    express.send(event)
    ((place, content),) = [
        (place, content) for place, content in express.s3.objects.items() if "express" in place[1]
    ]
    claim = json.loads(content[0 : len(content)])
    del claim["result"]["stopDate"]
    express.s3.put(*place, json.dumps(claim).encode())
    express.codepipeline.results.clear()
    assert "Succeeded" in express.send(event)["executionDetails"]["summary"]


def test_failure_has_error_and_cause(express: World) -> None:
    express.stepfunctions.sync_result = lambda execution: execution.fail("Bad", "input")
    kind, text = failure(express.send(express.first_job(PARAMETERS)))
    assert kind == "JobFailed"
    assert text.startswith("Bad: input https://")


def test_wait_leaves_time_to_report_the_result(express: World) -> None:
    express.send(express.first_job(PARAMETERS), remaining_seconds=900)
    express.send(express.first_job(PARAMETERS), remaining_seconds=60)
    assert express.clients.sync_waits == [330, 45]


def test_execution_is_not_started_without_time_to_wait(express: World) -> None:
    assert "continuationToken" in express.send(express.first_job(PARAMETERS), remaining_seconds=10)
    assert not express.stepfunctions.sync_started


def test_redelivered_job_starts_nothing_and_reports_the_same_result(express: World) -> None:
    """An earlier bug: a redelivered event started a second execution, because its name was the time."""
    express.stepfunctions.sync_result = lambda execution: execution.succeed('{"answer": 42}')
    event = express.first_job(PARAMETERS)
    first = express.send(event)
    express.codepipeline.results.clear()
    assert express.send(event) == first
    assert len(express.stepfunctions.sync_started) == 1


def test_redelivery_reports_the_result_that_codepipeline_did_not_accept(express: World) -> None:
    event = express.first_job(PARAMETERS)
    express.codepipeline.fail_next("PutJobSuccessResult", "InternalFailure", status=500)
    with pytest.raises(JobResultError):
        express.deliver(event)
    assert express.send(event)["executionDetails"]["percentComplete"] == 100
    assert len(express.stepfunctions.sync_started) == 1


def test_lost_response_is_a_failure_with_an_unknown_outcome(
    express: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    raise_in_sync_client(express, monkeypatch, ReadTimeoutError(endpoint_url="https://sync-states"))
    event = express.first_job(PARAMETERS)
    kind, text = failure(express.send(event))
    assert kind == "JobFailed"
    assert "outcome of the Express execution" in text
    assert "unknown" in text
    express.codepipeline.results.clear()
    express.now += 400
    assert failure(express.send(event)) == (kind, text)
    assert len(express.stepfunctions.sync_started) == 1


def test_redelivery_during_the_wait_continues_until_the_result_is_recorded(
    express: World,
) -> None:
    event = express.first_job(PARAMETERS)

    def deliver_again(execution: FakeExecution) -> None:
        express.stepfunctions.sync_result = FakeExecution.succeed
        assert "its result is not recorded yet" in express.send(event)["executionDetails"]["summary"]
        execution.succeed('{"answer": 42}')

    express.stepfunctions.sync_result = deliver_again
    express.deliver(event)
    following = express.next_job(event)
    assert express.send(following)["outputVariables"] == {"answer": "42"}
    assert len(express.stepfunctions.sync_started) == 1


def test_throttled_start_is_retried_by_the_next_job(express: World) -> None:
    express.stepfunctions.fail_next("StartSyncExecution", "ThrottlingException")
    event = express.first_job(PARAMETERS)
    express.send(event)
    assert express.send(express.next_job(event))["executionDetails"]["percentComplete"] == 100


def test_start_that_did_not_reach_aws_is_retried_by_the_next_job(
    express: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        raise_in_sync_client(express, patch, ConnectTimeoutError(endpoint_url="https://sync-states"))
        event = express.first_job(PARAMETERS)
        assert "continuationToken" in express.send(event)
    assert express.send(express.next_job(event))["executionDetails"]["percentComplete"] == 100


def test_server_error_at_the_start_is_a_failure_with_an_unknown_outcome(express: World) -> None:
    express.stepfunctions.fail_next("StartSyncExecution", "InternalFailure", status=500)
    assert "unknown" in failure(express.send(express.first_job(PARAMETERS)))[1]


def test_claims_bucket_without_access_is_a_permission_error_before_the_start(express: World) -> None:
    express.s3.fail_next("PutObject", "AccessDenied", status=403)
    kind, text = failure(express.send(express.first_job(PARAMETERS)))
    assert kind == "PermissionError"
    assert "s3:PutObject on arn:aws:s3:::express-claims/stepline/express/codepipeline-" in text
    assert not express.stepfunctions.sync_started


def test_claim_that_an_earlier_attempt_of_the_client_wrote_is_accepted(express: World) -> None:
    """The response to the first attempt is lost, and the second attempt finds the object."""
    put = express.clients.s3.put_object

    class RetryingClient:
        def __getattr__(self, name: str) -> Any:
            return getattr(client_of(express.s3), name)

        def put_object(self, **request: Any) -> Any:
            if "IfNoneMatch" in request:
                put(**request)
            return put(**request)

    express.clients.s3 = RetryingClient()
    assert express.send(express.first_job(PARAMETERS))["executionDetails"]["percentComplete"] == 100


def test_object_that_is_not_a_claim_is_rejected(express: World) -> None:
    event = express.first_job(PARAMETERS)
    name = f"codepipeline-{event['CodePipeline.job']['id']}"
    express.s3.put(CLAIMS_BUCKET, f"stepline/express/{name}.json", b"{}")
    assert "not written by the trigger" in failure(express.send(event))[1]


def test_claim_has_the_result_and_no_credentials(express: World) -> None:
    express.send(express.first_job({"stateMachine": "quick"}))
    ((_, claim),) = [item for item in express.s3.objects.items() if item[0][0] == CLAIMS_BUCKET]
    document = json.loads(claim[0 : len(claim)])
    assert document["result"]["status"] == "SUCCEEDED"
    assert "ARTIFACT-KEY-ID" not in json.dumps(document)


def test_success_is_reported_when_it_cannot_be_recorded(express: World) -> None:
    event = express.first_job(PARAMETERS)
    denied = AwsError("no", code="AccessDenied", status=403)
    express.s3.faults.append(Fault("PutObject", (2,), denied))  # the first one is the claim
    assert express.send(event)["executionDetails"]["percentComplete"] == 100
