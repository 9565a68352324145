"""What must hold for any interleaving of the pipelines: after every step, and when nothing is left to do."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

from tests.fakes.cloudformation.stacks import FakeStack
from tests.faults import pipeline_invariants
from tests.faults.invariants import no_execution_is_started_twice
from tests.faults.schedule import REPEATS, TRANSIENT
from tests.interleavings.pushes import STACK_PREFIX, revision_of
from tests.interleavings.world import World

_STARTS = frozenset({"CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "DELETE_IN_PROGRESS"})
_ENDED_BY_OTHERS = frozenset({"ABORTED", "TIMED_OUT"})
_CLEAN = "Failure Clean"
_TASK_ATTEMPTS = 7
"""A task is retried up to six times."""


def after_every_step(world: World) -> list[str]:
    checks = (_one_final_result, _result_is_that_of_the_execution, no_execution_is_started_twice)
    return [text for check in checks for text in check(world)]


def at_the_end(world: World) -> list[str]:
    checks = (
        _one_stack_operation_at_a_time,
        _clean_failure_changed_nothing,
        _successful_push_was_deployed,
        _latest_deployment_stays,
        _nothing_is_left_behind,
        _undisturbed_pipelines_succeed,
    )
    found = [*after_every_step(world), *pipeline_invariants.always(world)]
    return found + [text for check in checks for text in check(world)]


def _one_final_result(world: World) -> Iterator[str]:
    """An invocation whose result was accepted reports no other, and an action has one final result."""
    for run in world.functions.invocations:
        results = [call.number for call in run.calls if call.operation.service == "codepipeline"]
        if any(number in world.accepted for number in results[:-1]):
            yield f"{run.function} reported a result again after its result was accepted"
    actions = world.jobs_of_actions
    for count in Counter(actions[final.job_id] for final in world.final_results).values():
        if count > 1:
            yield f"an action got {count} final results"


def _result_is_that_of_the_execution(world: World) -> Iterator[str]:
    for final in world.final_results:
        if final.is_success and final.status != "SUCCEEDED":
            yield f"a success was reported, but the execution was {final.status or 'not there'}"
        if not final.is_success and final.status in {"RUNNING", "SUCCEEDED"} and not final.redriven:
            yield f"a failure was reported, but the execution was {final.status}"


def _one_stack_operation_at_a_time(world: World) -> Iterator[str]:
    for stack in world.cloudformation.stacks:
        running = ""
        for event in stack.own_events:
            status, token = event["ResourceStatus"], event["ClientRequestToken"]
            if running and token != running and status in _STARTS:
                yield f"{token} started an operation on {stack.name} during that of {running}"
            running = token if status.endswith("_IN_PROGRESS") else ""


def _clean_failure_changed_nothing(world: World) -> Iterator[str]:
    for execution in world.executions:
        if execution.status.value != "FAILED" or pipeline_invariants.last_state(execution) != _CLEAN:
            continue
        for event in _events_of(world, execution.name):
            if event["ResourceStatus"] in {"CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS"}:
                yield f"{execution.name} ended clean ({execution.error}), but had started to change its stack"


def _successful_push_was_deployed(world: World) -> Iterator[str]:
    """The push of a successful execution was in the stack while the execution ran."""
    for execution in world.executions:
        if execution.status.value != "SUCCEEDED":
            continue
        revision = revision_of(execution.input)
        if not world.pushed[revision].should_succeed:
            yield f"{execution.name} succeeded with a push that cannot be deployed"
        was_deployed = any(_is_success(event) for event in _events_of(world, execution.name))
        if not was_deployed and not _was_in_stack(world, execution, revision):
            yield f"{execution.name} succeeded, but its push {revision} never was in the stack"


def _latest_deployment_stays(world: World) -> Iterator[str]:
    """A stack has the push of the last successful operation."""
    for stack in world.cloudformation.stacks:
        revisions = [revision for _, revision in _contents(world, stack)]
        exists = stack.status not in {"DELETE_COMPLETE", "ROLLBACK_COMPLETE"}
        if revisions and exists and stack.parameters.get("Size") != str(revisions[-1]):
            yield f"{stack.name} has push {stack.parameters.get('Size')}, the last one was {revisions[-1]}"


def _nothing_is_left_behind(world: World) -> Iterator[str]:
    """This does not hold for an execution that another process has ended."""
    left = [key for _, key in world.s3.objects if key.startswith("templates/")]
    left += [
        change_set.name
        for change_set in world.cloudformation.change_sets.values()
        if change_set.stack.status != "DELETE_COMPLETE"
        and not change_set.execution_status.startswith("EXECUTE")
    ]
    for execution in world.executions:
        if execution.status.value not in _ENDED_BY_OTHERS:
            for name in left:
                if execution.name in name:
                    yield f"{name} was left behind"


def _undisturbed_pipelines_succeed(world: World) -> Iterator[str]:
    """Without interference, a pipeline with a stack of its own deploys every valid push.

    A pipeline that shares its stack waits for the others, or fails before it has started an operation.
    """
    too_many = len([fault for fault in world.hit if fault in TRANSIENT]) >= _TASK_ATTEMPTS
    if too_many or not set(world.hit) <= TRANSIENT | REPEATS:
        return
    users = Counter(plan.stack for plan in world.plans.values())
    shared = {plan.stack for plan in world.plans.values() if users[plan.stack] > 1 or plan.mode == "PARALLEL"}
    for execution in world.executions:
        stack, revision = world.stack_of(execution), revision_of(execution.input)
        succeeded = execution.status.value == "SUCCEEDED"
        kind = world.pushed[revision]
        if stack in world.disturbed:
            continue
        if stack not in shared and succeeded != kind.should_succeed:
            yield f"{execution.name} ended with {execution.error or 'success'}, though its push was {kind}"
        if stack not in shared and succeeded and json.loads(execution.output)["Size"] != str(revision):
            yield f"{execution.name} deployed push {revision} with the output {execution.output}"
        if kind.should_succeed and not succeeded and pipeline_invariants.last_state(execution) != _CLEAN:
            yield f"{execution.name} ended dirty with {execution.error}, though its push was {kind}"
    for final in world.final_results:
        if not final.status and not final.is_success:
            yield f"an action failed before it started an execution: {final.parameters}"


# ---------------------------------------------------------------- reading


def _is_success(event: dict[str, Any]) -> bool:
    return event["ResourceStatus"] in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}


def _events_of(world: World, execution: str) -> list[dict[str, Any]]:
    """Return the events of stacks in the operations of an execution."""
    return [
        event
        for stack in world.cloudformation.stacks
        for event in stack.own_events
        if execution in event["ClientRequestToken"]
    ]


def _contents(world: World, stack: FakeStack) -> list[tuple[Any, int]]:
    """Return (since when, revision) of what was in the stack, the oldest first."""
    revisions = {item.name: revision_of(item.input) for item in world.executions}
    return [
        (event["Timestamp"], revision)
        for event in stack.own_events
        if _is_success(event)
        for name, revision in revisions.items()
        if name in event["ClientRequestToken"]
    ]


def _was_in_stack(world: World, execution: Any, revision: int) -> bool:
    """Return whether the stack had the revision at some time while the execution ran."""
    for stack in world.cloudformation.stacks:
        if stack.name.removeprefix(STACK_PREFIX) != world.stack_of(execution):
            continue
        contents = _contents(world, stack)
        ends = [*(since for since, _ in contents[1:]), world.clock.now()]
        for (since, deployed), end in zip(contents, ends, strict=False):
            if deployed == revision and since <= execution.stop_date and end >= execution.start_date:
                return True
    return False
