"""What must hold however the pipelines are interleaved: at every moment, and when all is over."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

from tests.faults import invariants
from tests.faults.kinds import REPEATS, TRANSIENT
from tests.interleavings.pushes import STACK_PREFIX, revision_of
from tests.interleavings.world import World
from tests.statemachines.fake_cloudformation import FakeStack

_BEGUN = frozenset({"CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "DELETE_IN_PROGRESS"})
_ENDED_FROM_OUTSIDE = frozenset({"ABORTED", "TIMED_OUT"})
_CLEAN = "Failure Clean"
_TASK_ATTEMPTS = 7
"""A task is run again up to six times."""


def at_every_moment(world: World) -> list[str]:
    return [text for check in (_answered_once, _told_the_truth, _started_once) for text in check(world)]


def at_the_end(world: World) -> list[str]:
    """Of a world in which nothing is left to do."""
    checks = (
        _one_operation_at_a_time,
        _clean_means_clean,
        _success_means_deployed,
        _last_one_stays,
        _nothing_left_behind,
        _calm_pipelines_are_not_disturbed,
    )
    found = [*at_every_moment(world), *invariants.always(world)]
    return found + [text for check in checks for text in check(world)]


def _answered_once(world: World) -> Iterator[str]:
    """An invocation whose answer was taken answers no more, and an action has one final answer."""
    for run in world.functions.invocations:
        answers = [call.number for call in run.made if call.operation.service == "codepipeline"]
        if any(number in world.taken for number in answers[:-1]):
            yield f"{run.function} answered once more after its answer was taken"
    jobs = world.jobs_of_actions
    for count in Counter(jobs[told.answer.job_id] for told in world.told).values():
        if count > 1:
            yield f"an action got {count} final answers"


def _told_the_truth(world: World) -> Iterator[str]:
    for told in world.told:
        if told.is_success and told.status != "SUCCEEDED":
            yield f"a success was reported, but the execution was {told.status or 'not there'}"
        if not told.is_success and told.status in {"RUNNING", "SUCCEEDED"} and not told.redriven:
            yield f"a failure was reported, but the execution was {told.status}"


def _started_once(world: World) -> Iterator[str]:
    for name, count in Counter(world.started).items():
        if count > 1:
            yield f"the execution {name} was started {count} times"


def _one_operation_at_a_time(world: World) -> Iterator[str]:
    for stack in world.cloudformation.stacks:
        running = ""
        for event in _own_events(stack):
            status, token = event["ResourceStatus"], event["ClientRequestToken"]
            if running and token != running and status in _BEGUN:
                yield f"{token} began to work at {stack.name} while {running} did"
            running = token if status.endswith("_IN_PROGRESS") else ""


def _clean_means_clean(world: World) -> Iterator[str]:
    """Who ends in Failure Clean has created and updated nothing."""
    for execution in world.executions:
        if execution.status.value != "FAILED" or _last_state(execution) != _CLEAN:
            continue
        for event in _events_of(world, execution.name):
            if event["ResourceStatus"] in {"CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS"}:
                yield f"{execution.name} ended clean ({execution.error}), but had begun to change its stack"


def _success_means_deployed(world: World) -> Iterator[str]:
    """What a successful execution brings was in the stack while it ran."""
    for execution in world.executions:
        if execution.status.value != "SUCCEEDED":
            continue
        revision = revision_of(execution.input)
        if not world.pushed[revision].should_succeed:
            yield f"{execution.name} succeeded with what cannot be deployed"
        if not any(_own_end(event) for event in _events_of(world, execution.name)) and not _was_there(
            world, execution, revision
        ):
            yield f"{execution.name} succeeded, but its push {revision} never was in the stack"


def _last_one_stays(world: World) -> Iterator[str]:
    """In the stack is what the last operation that came to a good end brought."""
    for stack in world.cloudformation.stacks:
        brought = [revision for _, revision in _contents(world, stack)]
        is_there = stack.status not in {"DELETE_COMPLETE", "ROLLBACK_COMPLETE"}
        if brought and is_there and stack.parameters.get("Size") != str(brought[-1]):
            yield f"{stack.name} has push {stack.parameters.get('Size')}, the last one was {brought[-1]}"


def _nothing_left_behind(world: World) -> Iterator[str]:
    """Unless the execution was ended from outside: then nobody is left to do it."""
    left = [key for _, key in world.s3.objects if key.startswith("templates/")]
    left += [
        change_set.name
        for change_set in world.cloudformation.change_sets.values()
        if change_set.stack.status != "DELETE_COMPLETE"
        and not change_set.execution_status.startswith("EXECUTE")
    ]
    for execution in world.executions:
        if execution.status.value not in _ENDED_FROM_OUTSIDE:
            for name in left:
                if execution.name in name:
                    yield f"{name} was left behind"


def _calm_pipelines_are_not_disturbed(world: World) -> Iterator[str]:
    """Who shares a stack with nobody, and whom nobody meddles with, gets what was pushed deployed.

    Who shares it has to wait for the others, or fails before anything was begun.
    """
    too_much = len([fault for fault in world.hit if fault in TRANSIENT]) >= _TASK_ATTEMPTS
    if too_much or not set(world.hit) <= TRANSIENT | REPEATS:
        return
    users = Counter(plan.stack for plan in world.plans.values())
    shared = {plan.stack for plan in world.plans.values() if users[plan.stack] > 1 or plan.mode == "PARALLEL"}
    for execution in world.executions:
        stack, revision = _stack_of(world, execution), revision_of(execution.input)
        succeeded = execution.status.value == "SUCCEEDED"
        kind = world.pushed[revision]
        if stack in world.meddled:
            continue
        if stack not in shared and succeeded != kind.should_succeed:
            yield f"{execution.name} ended with {execution.error or 'success'}, though its push was {kind}"
        if stack not in shared and succeeded and json.loads(execution.output)["Size"] != str(revision):
            yield f"{execution.name} deployed push {revision} and put out {execution.output}"
        if kind.should_succeed and not succeeded and _last_state(execution) != _CLEAN:
            yield f"{execution.name} ended dirty with {execution.error}, though its push was {kind}"
    for told in world.told:
        if not told.status and not told.is_success:
            yield f"an action failed before it began: {told.answer.parameters}"


# ------------------------------------------------------------------ reading


def _own_events(stack: FakeStack) -> list[dict[str, Any]]:
    """Those of the stack itself, oldest first."""
    return [event for event in stack.events if event["PhysicalResourceId"] == stack.id]


def _own_end(event: dict[str, Any]) -> bool:
    return event["ResourceStatus"] in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}


def _events_of(world: World, execution: str) -> list[dict[str, Any]]:
    """Events of stacks that an execution's operations brought about."""
    return [
        event
        for stack in world.cloudformation.stacks
        for event in _own_events(stack)
        if execution in event["ClientRequestToken"]
    ]


def _contents(world: World, stack: FakeStack) -> list[tuple[Any, int]]:
    """(since when, revision), oldest first: what was in the stack."""
    revisions = {item.name: revision_of(item.input) for item in world.executions}
    found = []
    for event in _own_events(stack):
        token = event["ClientRequestToken"]
        if _own_end(event):
            found += [(event["Timestamp"], revisions[name]) for name in revisions if name in token]
    return found


def _was_there(world: World, execution: Any, revision: int) -> bool:
    """Whether the stack held the revision at some moment while the execution ran."""
    for stack in world.cloudformation.stacks:
        if stack.name.removeprefix(STACK_PREFIX) != _stack_of(world, execution):
            continue
        contents = _contents(world, stack)
        ends = [*(since for since, _ in contents[1:]), world.clock.now()]
        for (since, brought), end in zip(contents, ends, strict=False):
            if brought == revision and since <= execution.stop_date and end >= execution.start_date:
                return True
    return False


def _stack_of(world: World, execution: Any) -> str:
    return str(world.stack_of(execution))


def _last_state(execution: Any) -> str:
    names = [
        event["stateEnteredEventDetails"]["name"]
        for event in execution.events()
        if event["type"] == "FailStateEntered"
    ]
    return names[-1] if names else ""
