"""The custom action: how it takes jobs, holds one, and answers it when the execution has ended."""

from __future__ import annotations

import contextlib
import json
from datetime import UTC, datetime

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError

from pipeline.errors import EndNotVisibleError
from pipeline.limits import MAX_JOBS_OF_A_START, UNFINISHED_JOB_SECONDS
from stepline.core.errors import TransientAwsError
from tests.fakes.step_functions import FakeExecution
from tests.pipeline.custom_world import CustomWorld
from tests.pipeline.world import MACHINE

_UNREACHABLE = ConnectTimeoutError(endpoint_url="https://aws")


@pytest.fixture
def world() -> CustomWorld:
    return CustomWorld()


def test_action_starts_an_execution_and_reports_its_link(world: CustomWorld) -> None:
    job_id, execution = world.run_until_held()

    (continued,) = world.continued
    assert execution.name == f"codepipeline-{job_id}"
    assert continued["executionDetails"]["externalExecutionId"] == execution.arn
    assert world.final_result is None


def test_input_has_the_pipeline_the_stage_and_the_action(world: CustomWorld) -> None:
    job_id, execution = world.run_until_held()

    document = json.loads(execution.input)
    assert document["a"] == 1
    assert document["codepipeline"] | {"artifacts": []} == {
        "jobId": job_id,
        "accountId": "000000000000",
        "pipelineName": "shop",
        "pipelineExecutionId": "11111111-2222-3333-4444-555555555555",
        "stage": "Deploy",
        "action": "ToProd",
        "artifacts": [],
    }


def test_properties_select_the_input_and_the_variables(world: CustomWorld) -> None:
    _, execution = world.run_until_held(
        Input='{"a": {"b": 1}}', Parameters='{"a": {"c": 2}}', OutputVariables='{"Url": "site.url"}'
    )
    execution.succeed('{"site": {"url": "https://shop"}}')
    world.send_status(execution)

    assert json.loads(execution.input)["a"] == {"b": 1, "c": 2}
    assert world.final_result is not None
    assert world.final_result["outputVariables"] == {"Url": "https://shop"}


def test_status_event_answers_the_job_that_was_held(world: CustomWorld) -> None:
    _, execution = world.run_until_held()
    world.forget_calls()
    execution.succeed('{"Queue": "orders"}')
    world.send_status(execution)

    assert world.final_result is not None
    assert world.final_result["outputVariables"] == {"Queue": "orders"}
    assert world.calls == [
        "GetJobDetails",
        "PutJobSuccessResult",
        "DescribeExecution",
        "UpdateItem",
        "DeleteItem",
    ]
    assert world.open_jobs == []


def test_failed_execution_fails_the_action(world: CustomWorld) -> None:
    _, execution = world.run_until_held()
    execution.fail("Broken", "no more disk")
    world.send_status(execution)

    assert world.final_result is not None
    assert world.final_result["failureDetails"]["type"] == "JobFailed"
    assert "Broken: no more disk" in world.final_result["failureDetails"]["message"]


def test_nothing_is_called_while_the_execution_runs(world: CustomWorld) -> None:
    world.run_until_held()
    world.forget_calls()
    world.now += 3600

    assert world.calls == []
    (item,) = world.open_jobs
    assert "execution" in item


def test_event_before_the_job_can_be_polled_waits_for_it(world: CustomWorld) -> None:
    world.begin_action()
    world.codepipeline.is_hidden = True
    world.show_jobs_at("PollForJobs", 3)
    world.send_started()

    assert len(world.continued) == 1
    assert world.sleeps[:2] == [0.25, 0.5]


def test_event_of_a_job_that_another_worker_has_does_not_wait(world: CustomWorld) -> None:
    world.run_until_held()
    world.forget_calls()
    world.send_started()

    assert world.calls == ["PollForJobs", "ListActionExecutions", "PollForJobs", "GetItem"]
    assert world.sleeps == []


def test_next_job_that_another_worker_takes_is_not_waited_for(world: CustomWorld) -> None:
    world.begin_action()
    world.codepipeline.interference["PollForJobs", 2] = world.send_started
    world.send_started()

    (item,) = world.open_jobs
    assert item["execution"]["S"] == world.execution.arn
    assert world.sleeps == []


def test_next_job_is_waited_for_while_no_worker_has_it(world: CustomWorld) -> None:
    world.begin_action()
    world.hide_jobs_at("PutJobSuccessResult", 1)
    world.show_jobs_at("PollForJobs", 4)
    world.send_started()

    (item,) = world.open_jobs
    assert "execution" in item
    assert world.sleeps == [0.25, 0.5]


def test_next_job_is_waited_for_if_the_table_cannot_be_read(world: CustomWorld) -> None:
    world.begin_action()
    world.hide_jobs_at("PutJobSuccessResult", 1)
    world.show_jobs_at("PollForJobs", 3)
    world.dynamodb.fail_next("GetItem", "AccessDeniedException")
    world.send_started()

    (item,) = world.open_jobs
    assert "execution" in item


def test_next_job_that_its_worker_has_left_is_taken(world: CustomWorld) -> None:
    def take_the_first_job_only() -> None:
        world.codepipeline.is_hidden = False
        world.hide_jobs_at("PutJobSuccessResult", 1)
        world.send_started()
        world.codepipeline.is_hidden = False

    world.begin_action()
    world.codepipeline.is_hidden = True
    world.codepipeline.interference["ListActionExecutions", 1] = take_the_first_job_only
    world.send_started()

    (item,) = world.open_jobs
    assert "execution" in item


def test_next_job_that_its_worker_has_left_is_waited_for(world: CustomWorld) -> None:
    for _ in range(MAX_JOBS_OF_A_START):
        world.begin_action()
    world.hide_jobs_at("PutJobSuccessResult", MAX_JOBS_OF_A_START)
    world.send_action_event("STARTED", attempt=1)
    world.show_jobs_at("PollForJobs", MAX_JOBS_OF_A_START + 4)
    world.send_action_event("STARTED", attempt=2)

    assert ["execution" in item for item in world.open_jobs] == [True] * MAX_JOBS_OF_A_START


def test_worker_of_one_event_leaves_jobs_to_those_of_the_others(world: CustomWorld) -> None:
    for _ in range(MAX_JOBS_OF_A_START):
        world.begin_action()
    world.send_action_event("STARTED", attempt=1)

    assert len(world.codepipeline.called("AcknowledgeJob")) == MAX_JOBS_OF_A_START
    assert world.sleeps == []


@pytest.mark.parametrize("offers_newest_first", [False, True])
def test_jobs_of_actions_that_start_at_once_are_all_held(
    world: CustomWorld, offers_newest_first: bool
) -> None:
    actions = 4 * MAX_JOBS_OF_A_START
    world.codepipeline.offers_newest_first = offers_newest_first
    for _ in range(actions):
        world.begin_action()
    for number in range(actions):
        world.send_action_event("STARTED", attempt=number + 1)

    assert ["execution" in item for item in world.open_jobs] == [True] * actions


def test_next_job_that_comes_late_is_taken_when_the_execution_has_ended(world: CustomWorld) -> None:
    world.begin_action()
    world.hide_jobs_at("PutJobSuccessResult", 1)
    world.send_started()
    world.codepipeline.is_hidden = False
    world.execution.succeed()
    world.send_status(world.execution)

    assert world.final_result is not None


def test_lost_event_of_the_start_is_made_up_for_by_the_sweep(world: CustomWorld) -> None:
    world.begin_action()
    world.sweep()

    assert len(world.continued) == 1
    (item,) = world.open_jobs
    assert item["execution"]["S"] == world.execution.arn


@pytest.mark.parametrize("status", ["SUCCEEDED", "FAILED"])
def test_lost_status_event_is_made_up_for_by_the_sweep(world: CustomWorld, status: str) -> None:
    _, execution = world.run_until_held()
    execution.status = status
    world.sweep()

    assert world.final_result is not None
    assert ("failureDetails" in world.final_result) is (status == "FAILED")


def test_sweep_leaves_a_running_execution_alone(world: CustomWorld) -> None:
    world.run_until_held()
    world.forget_calls()
    world.sweep()

    assert world.calls == ["PollForJobs", "ListActionExecutions", "DescribeExecution", "Scan"]
    assert world.final_result is None


def test_repeated_events_give_one_result(world: CustomWorld) -> None:
    _, execution = world.run_until_held()
    world.send_started()
    execution.succeed()
    world.send_status(execution)
    world.send_status(execution)
    world.sweep()

    assert world.final_result is not None
    assert len(world.codepipeline.called("PutJobSuccessResult")) == 2
    assert world.open_jobs == []


def test_execution_that_ends_before_its_job_is_held_is_answered(world: CustomWorld) -> None:
    job_id = world.begin_action()
    world.codepipeline.interference[("PutJobSuccessResult", 1)] = lambda: _end(world, world.execution)
    world.send_started()

    assert world.final_result is not None
    assert world.codepipeline.results[job_id]["continuationToken"]


def test_execution_that_ends_while_its_job_is_being_held_is_answered(world: CustomWorld) -> None:
    world.begin_action()
    # The event arrives between the two requests that record the job.
    world.codepipeline.interference[("AcknowledgeJob", 2)] = lambda: _end(world, world.execution)
    world.send_started()

    assert world.final_result is not None


def test_ended_execution_that_is_described_as_running_is_answered(world: CustomWorld) -> None:
    _, execution = world.run_until_held()
    execution.succeed()
    execution.stale_reads = 3
    world.send_status(execution)

    assert world.final_result is not None
    assert world.sleeps[-3:] == [0.25, 0.5, 1]


def test_end_that_cannot_be_seen_lets_lambda_repeat_the_event(world: CustomWorld) -> None:
    _, execution = world.run_until_held()
    execution.succeed()
    world.stepfunctions.fail_next("DescribeExecution", "ThrottlingException", times=20)
    with pytest.raises(EndNotVisibleError):
        world.send_status(execution)
    world.stepfunctions.faults.clear()
    world.send_status(execution)

    assert world.final_result is not None


def test_next_job_that_cannot_be_polled_yet_lets_lambda_repeat_the_event(world: CustomWorld) -> None:
    world.begin_action()
    world.hide_jobs_at("PutJobSuccessResult", 1)
    world.send_started()
    world.execution.succeed()
    with pytest.raises(EndNotVisibleError):
        world.send_status(world.execution)
    world.codepipeline.is_hidden = False
    world.send_status(world.execution)

    assert world.final_result is not None


def test_item_of_an_action_that_was_abandoned_before_its_next_job_is_deleted(world: CustomWorld) -> None:
    world.begin_action()
    world.hide_jobs_at("PutJobSuccessResult", 1)
    world.send_started()
    world.end_action("ABANDONED")
    world.send_action_event("ABANDONED")
    world.send_status(world.execution)

    assert world.execution.status == "ABORTED"
    assert world.open_jobs == []


def test_timeout_stops_the_execution(world: CustomWorld) -> None:
    _, execution = world.run_until_held(TimeoutMinutes="30")
    world.now += 31 * 60
    world.stepfunctions.on_stop = lambda execution: setattr(execution, "stale_reads", 2)
    world.sweep()
    assert execution.status == "ABORTED"
    assert world.final_result is None
    world.send_status(execution)

    assert world.final_result is not None
    assert "30 minutes" in world.final_result["failureDetails"]["message"]


def test_schedule_stops_the_execution_when_the_timeout_passes(world: CustomWorld) -> None:
    _, execution = world.run_until_held(TimeoutMinutes="30")
    world.fire_schedules()
    assert execution.status == "RUNNING"
    world.now += 30 * 60
    world.fire_schedules()
    assert execution.status == "ABORTED"
    world.send_status(execution)

    assert world.final_result is not None
    assert "30 minutes" in world.final_result["failureDetails"]["message"]


def test_schedule_of_an_action_that_has_ended_does_nothing(world: CustomWorld) -> None:
    _, execution = world.run_until_held(TimeoutMinutes="30")
    _end(world, execution)
    world.now += 30 * 60
    world.forget_calls()
    world.fire_schedules()

    assert world.calls == ["GetItem"]


def test_action_without_a_timeout_of_its_own_has_no_schedule(world: CustomWorld) -> None:
    world.run_until_held()

    assert world.scheduler.schedules == {}


@pytest.mark.parametrize("code", ["AccessDeniedException", "ConflictException", "ThrottlingException"])
def test_schedule_that_is_not_created_leaves_the_timeout_to_the_sweep(world: CustomWorld, code: str) -> None:
    world.scheduler.fail_next("CreateSchedule", code)
    _, execution = world.run_until_held(TimeoutMinutes="30")
    assert world.results == []
    world.now += 30 * 60
    world.sweep()

    assert execution.status == "ABORTED"


def test_redriven_execution_has_a_schedule_of_its_own(world: CustomWorld) -> None:
    execution = _fail_and_retry(world, Retry="Redrive", TimeoutMinutes="30")
    world.send_started()

    assert execution.status == "RUNNING"
    assert len(world.scheduler.schedules) == 2


def test_sweep_without_enough_time_answers_due_jobs_first(world: CustomWorld) -> None:
    for _ in range(4):
        world.run_one()
    last = world.run_one(TimeoutMinutes="10")
    world.now += 11 * 60
    world.sweep(checks=1)

    (stopped,) = world.stepfunctions.called("StopExecution")
    assert stopped["executionArn"].endswith(last)


def test_sweeps_without_enough_time_check_all_jobs_in_the_end(world: CustomWorld) -> None:
    for _ in range(3):
        world.run_one()
    world.forget_calls()
    for _ in range(40):
        world.now += 1800
        world.sweep(checks=1)

    described = [params["executionArn"] for params in world.stepfunctions.called("DescribeExecution")]
    assert len(described) == 40
    assert set(described) == set(world.stepfunctions.executions)


def test_job_that_another_worker_has_is_left_to_it(world: CustomWorld) -> None:
    world.begin_action()
    world.codepipeline.fail_next("AcknowledgeJob", "InvalidNonceException")
    world.hide_jobs_at("AcknowledgeJob", 1)
    world.send_started()

    assert world.stepfunctions.executions == {}
    assert world.codepipeline.results == {}


def test_job_whose_nonce_is_refused_is_waited_for_until_it_is_offered_again(world: CustomWorld) -> None:
    world.begin_action()
    world.codepipeline.fail_next("AcknowledgeJob", "InvalidNonceException")
    world.hide_jobs_at("AcknowledgeJob", 1)
    world.show_jobs_at("PollForJobs", 4)
    world.send_started()

    assert len(world.continued) == 1


def test_job_of_an_interrupted_worker_is_taken_up_by_the_sweep(world: CustomWorld) -> None:
    world.begin_action()
    world.codepipeline.raise_next("PutJobSuccessResult", KeyboardInterrupt())  # type: ignore[arg-type]  # killed
    with pytest.raises(KeyboardInterrupt):
        world.send_started()
    world.sweep()
    assert world.continued == []
    world.now += UNFINISHED_JOB_SECONDS
    world.sweep()

    assert len(world.continued) == 1
    world.execution.succeed()
    world.send_status(world.execution)
    assert world.final_result is not None


def test_job_that_cannot_be_recorded_now_is_not_acknowledged(world: CustomWorld) -> None:
    world.begin_action()
    world.dynamodb.raise_next("UpdateItem", _UNREACHABLE)
    with pytest.raises(TransientAwsError):
        world.send_started()
    assert world.codepipeline.called("AcknowledgeJob") == []
    world.send_started()

    assert len(world.continued) == 1


def test_missing_permission_for_the_table_fails_the_action(world: CustomWorld) -> None:
    world.begin_action()
    world.dynamodb.fail_next("UpdateItem", "AccessDeniedException")
    world.send_started()

    assert world.final_result is not None
    assert world.final_result["failureDetails"]["type"] == "PermissionError"
    assert "dynamodb:UpdateItem" in world.final_result["failureDetails"]["message"]


def test_unreachable_step_functions_is_tried_again(world: CustomWorld) -> None:
    world.begin_action()
    world.stepfunctions.raise_next("StartExecution", _UNREACHABLE, times=2)
    world.send_started()

    assert len(world.stepfunctions.executions) == 1
    assert len(world.continued) == 3


@pytest.mark.parametrize(
    ("configuration", "message"),
    [
        ({"Input": "{", "OutputVariables": "{}"}, "Input is not JSON"),
        ({"Input": "[]"}, "Input must be a JSON object"),
        ({"Input": "{}", "InputFile": "a.json"}, "both Input and InputFile"),
        ({"InputFile": "s3://bucket"}, "InputFile must be s3://bucket/key"),
        ({"Parameters": "1"}, "Parameters must be a JSON object"),
        ({"TimeoutMinutes": "soon"}, "TimeoutMinutes must be a positive integer"),
        ({"TimeoutMinutes": "0"}, "TimeoutMinutes must be a positive integer"),
        ({"OutputVariables": '{"A": "a..b"}'}, "OutputVariables.A is not a JMESPath expression"),
        ({"StateMachine": "other"}, 'The state machine "other" is not on the function\'s list'),
        ({"StateMachine": "other"}, "OtherStateMachineArns"),
        ({"Input": '{"codepipeline": 1}'}, "which only the action may set"),
    ],
)
def test_wrong_property_fails_the_action_and_is_named(
    world: CustomWorld, configuration: dict[str, str], message: str
) -> None:
    world.begin_action(**configuration)
    world.send_started()

    assert world.final_result is not None
    assert world.final_result["failureDetails"]["type"] == "ConfigurationError"
    assert message in world.final_result["failureDetails"]["message"]
    assert world.stepfunctions.executions == {}


def test_job_that_lacks_members_fails_and_does_not_block_others(world: CustomWorld) -> None:
    world.codepipeline.begin({"accountId": "000000000000", "data": {}})
    world.begin_action()
    world.send_started()

    assert len(world.continued) == 1
    assert world.final_result is not None
    assert "pipelineContext" in world.final_result["failureDetails"]["message"]


def test_express_execution_is_answered_by_the_first_job(world: CustomWorld) -> None:
    job_id = world.begin_action(StateMachine="quick")
    world.send_started()

    assert world.final_result is not None
    assert world.final_result["jobId"] == job_id
    assert world.open_jobs == []


def test_worker_that_has_waited_for_an_express_execution_leaves_jobs_to_others(world: CustomWorld) -> None:
    """The rest of its invocation would be too short for another one, whose outcome would be unknown."""

    def take_200_seconds() -> None:
        world.now += 200

    world.stepfunctions.interference["StartSyncExecution", 1] = take_200_seconds
    for _ in range(2):
        world.begin_action(StateMachine="quick")
    world.send_action_event("STARTED", attempt=1)
    assert len(world.results) == 1
    world.send_action_event("STARTED", attempt=2)

    assert len(world.results) == 2


def test_event_of_an_execution_that_no_action_started_is_ignored(world: CustomWorld) -> None:
    arn = MACHINE.replace(":stateMachine:", ":execution:") + ":manual"
    world.send_status(FakeExecution(arn, "manual", "{}", datetime.now(UTC), status="SUCCEEDED"))

    assert world.calls == []


@pytest.mark.parametrize("state", ["ABANDONED", "CANCELED", "FAILED"])
def test_execution_of_an_action_that_has_ended_is_stopped(world: CustomWorld, state: str) -> None:
    _, execution = world.run_until_held()
    world.end_action(state)
    world.send_action_event(state)

    assert execution.status == "ABORTED"
    assert execution.error == "ActionStopped"
    assert execution.cause is not None
    assert "ToProd" in execution.cause
    world.send_status(execution)
    assert world.final_result is None
    assert world.open_jobs == []


def test_execution_runs_on_if_the_action_says_so(world: CustomWorld) -> None:
    _, execution = world.run_until_held(OnStop="LeaveRunning")
    world.end_action("ABANDONED")
    world.send_action_event("ABANDONED")

    assert execution.status == "RUNNING"


def test_lost_event_of_an_abandoned_action_is_made_up_for_by_the_sweep(world: CustomWorld) -> None:
    _, execution = world.run_until_held()
    world.end_action("ABANDONED")
    world.sweep()

    assert execution.status == "ABORTED"
    assert world.open_jobs == []


def test_action_that_is_abandoned_before_its_start_is_reported_is_stopped(world: CustomWorld) -> None:
    world.begin_action()
    world.codepipeline.interference[("PutJobSuccessResult", 1)] = lambda: world.end_action("ABANDONED")
    world.send_started()

    assert world.execution.status == "ABORTED"
    assert world.open_jobs == []


def test_late_event_does_not_stop_the_execution_of_the_action_that_goes_on(world: CustomWorld) -> None:
    _, execution = world.run_until_held()
    world.send_action_event("FAILED")

    assert execution.status == "RUNNING"


def test_denied_result_is_reported_as_a_failure(world: CustomWorld) -> None:
    _, execution = world.run_until_held()
    execution.succeed()
    error = ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, "PutJobSuccessResult")
    world.codepipeline.raise_next("PutJobSuccessResult", error)
    world.send_status(execution)

    assert world.final_result is not None
    assert world.final_result["failureDetails"]["type"] == "PermissionError"


def test_item_that_cannot_be_deleted_changes_no_result(world: CustomWorld) -> None:
    _, execution = world.run_until_held()
    execution.succeed()
    world.dynamodb.fail_next("DeleteItem", "AccessDeniedException")
    world.send_status(execution)

    assert world.final_result is not None
    assert "failureDetails" not in world.final_result


def test_job_that_cannot_be_read_again_fails_the_action(world: CustomWorld) -> None:
    _, execution = world.run_until_held()
    execution.succeed()
    world.codepipeline.fail_next("GetJobDetails", "AccessDeniedException")
    world.send_status(execution)

    assert world.final_result is not None
    assert "codepipeline:GetJobDetails" in world.final_result["failureDetails"]["message"]


def test_open_job_that_cannot_be_checked_does_not_block_others(world: CustomWorld) -> None:
    for _ in range(2):
        world.begin_action()
        world.send_started()
    for execution in world.stepfunctions.executions.values():
        execution.succeed()
    world.stepfunctions.raise_next("DescribeExecution", _UNREACHABLE)
    world.sweep()

    assert len(world.codepipeline.results) == 3
    world.sweep()
    assert len(world.codepipeline.results) == 4


def _end(world: CustomWorld, execution: FakeExecution) -> None:
    execution.succeed()
    execution.stale_reads = 1
    with contextlib.suppress(EndNotVisibleError):  # Lambda would repeat the event
        world.send_status(execution)


# ---------------------------------------------------------------- retried stages


def _fail_and_retry(world: CustomWorld, **configuration: str) -> FakeExecution:
    """Let the first attempt fail, and retry its stage; return the first execution."""
    _, execution = world.run_until_held(**configuration)
    execution.fail("Broken", "for a moment")
    world.send_status(execution)
    world.now += 60
    world.begin_action(**configuration)
    return execution


def test_retried_stage_starts_a_new_execution_by_default(world: CustomWorld) -> None:
    _fail_and_retry(world)
    world.send_started()

    assert len(world.stepfunctions.executions) == 2


def test_retried_stage_redrives_the_failed_execution(world: CustomWorld) -> None:
    execution = _fail_and_retry(world, Retry="Redrive")
    world.send_started()

    assert world.stepfunctions.executions == {execution.arn: execution}
    assert execution.redrives == 1
    execution.succeed('{"rows": "3"}')
    world.send_status(execution)
    assert world.results[-1]["outputVariables"] == {"rows": "3"}
    assert world.open_jobs == []


def test_repeated_first_job_redrives_once(world: CustomWorld) -> None:
    execution = _fail_and_retry(world, Retry="Redrive")
    world.codepipeline.raise_next("PutJobSuccessResult", KeyboardInterrupt())  # type: ignore[arg-type]  # killed
    with pytest.raises(KeyboardInterrupt):
        world.send_started()
    execution.fail("Broken", "again")
    world.now += UNFINISHED_JOB_SECONDS
    world.sweep()
    world.sweep()

    assert execution.redrives == 1
    assert "again" in world.results[-1]["failureDetails"]["message"]


def test_answer_of_before_the_redrive_is_not_reported(world: CustomWorld) -> None:
    execution = _fail_and_retry(world, Retry="Redrive")
    execution.stale_failures = 1
    world.send_started()

    assert len(world.codepipeline.called("PutJobFailureResult")) == 1  # of the first attempt
    execution.succeed()
    world.send_status(execution)
    assert "failureDetails" not in world.results[-1]


def test_execution_that_cannot_be_redriven_is_started_again(world: CustomWorld) -> None:
    _fail_and_retry(world, Retry="Redrive")
    world.stepfunctions.fail_next("RedriveExecution", "ExecutionNotRedrivable")
    world.send_started()

    assert len(world.stepfunctions.executions) == 2


def test_late_event_of_the_first_attempt_does_not_stop_the_redriven_execution(world: CustomWorld) -> None:
    execution = _fail_and_retry(world, Retry="Redrive")
    world.send_started()
    world.send_action_event("FAILED", attempt=1)

    assert execution.status == "RUNNING"
