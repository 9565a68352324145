"""Express machines: claimed, started once, waited for, and never reported wrongly."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ConnectTimeoutError, ReadTimeoutError

from pipeline.errors import JobResultError
from tests.pipeline.fake_aws import FakeExecution
from tests.pipeline.test_start import failure
from tests.pipeline.world import CLAIMS_BUCKET, LambdaContext, World

PARAMETERS = {"input": {}, "stateMachine": "quick"}


@pytest.fixture
def express(world: World) -> World:
    world.configure_express()
    return world


def raise_in_sync_client(world: World, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    """What the client sees of a wait that is lost on the way; Step Functions has started it all the same."""

    class Client:
        def start_sync_execution(self, **_request: Any) -> None:
            world.stepfunctions.sync_started.append("lost")
            raise error

    monkeypatch.setattr(world.clients, "sync_stepfunctions", lambda _seconds: Client())


def test_the_job_waits_for_the_end_and_hands_over_the_output(express: World) -> None:
    express.stepfunctions.sync_result = lambda execution: execution.succeed('{"answer": 42}')
    answer = express.send(express.first_job(PARAMETERS))
    assert answer["outputVariables"] == {"answer": "42"}
    assert ":express:quick:" in answer["executionDetails"]["externalExecutionId"]
    assert "#/express-executions/details/" in answer["executionDetails"]["summary"]


def test_a_failure_says_error_and_cause(express: World) -> None:
    express.stepfunctions.sync_result = lambda execution: execution.fail("Bad", "input")
    kind, text = failure(express.send(express.first_job(PARAMETERS)))
    assert kind == "JobFailed"
    assert text.startswith("Bad: input https://")


def test_the_wait_ends_in_time_for_the_answer(express: World) -> None:
    express.send(express.first_job(PARAMETERS), remaining_seconds=900)
    express.send(express.first_job(PARAMETERS), remaining_seconds=60)
    assert express.clients.sync_waits == [330, 45]


def test_it_is_not_started_when_there_is_no_time_to_wait(express: World) -> None:
    assert "continuationToken" in express.send(express.first_job(PARAMETERS), remaining_seconds=10)
    assert not express.stepfunctions.sync_started


def test_bug_7_a_redelivered_job_starts_nothing_and_answers_the_same(express: World) -> None:
    express.stepfunctions.sync_result = lambda execution: execution.succeed('{"answer": 42}')
    event = express.first_job(PARAMETERS)
    first = express.send(event)
    express.codepipeline.answers.clear()
    assert express.send(event) == first
    assert len(express.stepfunctions.sync_started) == 1


def test_an_answer_that_was_not_taken_is_given_by_the_redelivery(express: World) -> None:
    event = express.first_job(PARAMETERS)
    express.codepipeline.fail_next("PutJobSuccessResult", "InternalFailure", status=500)
    with pytest.raises(JobResultError):
        express.deliver(event)
    assert express.send(event)["executionDetails"]["percentComplete"] == 100
    assert len(express.stepfunctions.sync_started) == 1


def test_a_lost_wait_is_a_failure_that_says_the_outcome_is_unknown(
    express: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    raise_in_sync_client(express, monkeypatch, ReadTimeoutError(endpoint_url="https://sync-states"))
    event = express.first_job(PARAMETERS)
    kind, text = failure(express.send(event))
    assert kind == "JobFailed"
    assert "outcome of the Express execution" in text
    assert "unknown" in text
    express.codepipeline.answers.clear()
    express.now += 400
    assert failure(express.send(event)) == (kind, text)
    assert len(express.stepfunctions.sync_started) == 1


def test_a_second_delivery_while_the_first_still_waits_continues_until_that_has_reported(
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


def test_what_was_refused_can_be_started_later(express: World) -> None:
    express.stepfunctions.fail_next("StartSyncExecution", "ThrottlingException")
    event = express.first_job(PARAMETERS)
    express.send(event)
    assert express.send(express.next_job(event))["executionDetails"]["percentComplete"] == 100


def test_what_never_reached_aws_can_be_started_later(express: World, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        raise_in_sync_client(express, patch, ConnectTimeoutError(endpoint_url="https://sync-states"))
        event = express.first_job(PARAMETERS)
        assert "continuationToken" in express.send(event)
    assert express.send(express.next_job(event))["executionDetails"]["percentComplete"] == 100


def test_a_server_error_does_not_say_whether_it_was_started(express: World) -> None:
    express.stepfunctions.fail_next("StartSyncExecution", "InternalFailure", status=500)
    assert "unknown" in failure(express.send(express.first_job(PARAMETERS)))[1]


def test_no_access_to_the_claims_bucket_is_a_permission_error_before_anything_starts(express: World) -> None:
    express.s3.fail_next(403, "AccessDenied")
    kind, text = failure(express.send(express.first_job(PARAMETERS)))
    assert kind == "PermissionError"
    assert "s3:PutObject on arn:aws:s3:::express-claims/stepline/express/codepipeline-" in text
    assert not express.stepfunctions.sync_started


def test_a_retry_inside_the_client_that_meets_its_own_claim_goes_on(express: World) -> None:
    """The first attempt has arrived, its answer was lost, and the second finds the object."""
    put = express.clients.s3.put_object

    class Twice:
        def __getattr__(self, name: str) -> Any:
            return getattr(express.s3.client(), name)

        def put_object(self, **request: Any) -> Any:
            if "IfNoneMatch" in request:
                put(**request)
            return put(**request)

    express.clients.s3 = Twice()
    assert express.send(express.first_job(PARAMETERS))["executionDetails"]["percentComplete"] == 100


def test_an_object_that_is_no_claim_is_a_clear_error(express: World) -> None:
    event = express.first_job(PARAMETERS)
    name = f"codepipeline-{event['CodePipeline.job']['id']}"
    express.s3.put(CLAIMS_BUCKET, f"stepline/express/{name}.json", b"{}")
    assert "not written by the trigger" in failure(express.send(event))[1]


def test_the_claim_holds_no_credential(express: World) -> None:
    express.send(express.first_job({"stateMachine": "quick"}))
    ((_, claim),) = [item for item in express.s3.objects.items() if item[0][0] == CLAIMS_BUCKET]
    document = json.loads(claim[0 : len(claim)])
    assert document["result"]["status"] == "SUCCEEDED"
    assert "ARTIFACT-KEY-ID" not in json.dumps(document)


def test_the_result_is_not_needed_for_the_answer(express: World) -> None:
    event = express.first_job(PARAMETERS)
    express.s3.before_request = lambda: (
        express.s3.fail_next(403, "AccessDenied") if express.stepfunctions.sync_started else None
    )
    express.codepipeline.open_jobs.add(event["CodePipeline.job"]["id"])
    express.trigger.handle(event, LambdaContext())  # type: ignore[arg-type]
    assert express.answer(event)["executionDetails"]["percentComplete"] == 100
