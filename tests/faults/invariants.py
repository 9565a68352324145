"""What must hold after every schedule, whatever failed."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from stepline.localaws.codepipeline.models import ActionStatus
from tests.faults.functions import Invocation
from tests.faults.kinds import REPEATS, TRANSIENT, Fault
from tests.faults.known_errors import known_errors
from tests.faults.network import FUNCTION_SECRETS
from tests.faults.simulation import Simulation
from tests.faults.surroundings import ARTIFACT_SECRETS, TRIGGER

_SECRETS = (*FUNCTION_SECRETS, *ARTIFACT_SECRETS)
_SUCCEEDED = "SUCCEEDED"
_DELIVERIES = 3
"""Lambda runs an event that failed up to two more times."""


@dataclass(frozen=True)
class Ending:
    """How it all ended, as far as nothing transient may change it."""

    pipeline: tuple[str, ...]
    failures: tuple[str, ...]
    executions: tuple[str, ...]
    variables: tuple[str, ...]
    stacks: tuple[str, ...]


def ending(simulation: Simulation) -> Ending:
    actions = deploy_actions(simulation)
    return Ending(
        pipeline=tuple(item["status"] for item in simulation.pipeline_executions),
        failures=tuple(_error(action).get("code", "") for action in actions),
        executions=tuple(f"{item.status.value} {item.error or ''}" for item in simulation.executions),
        variables=tuple(json.dumps(action["output"].get("outputVariables") or {}) for action in actions),
        stacks=tuple(f"{stack.name} {stack.status}" for stack in simulation.cloudformation.stacks),
    )


def deploy_actions(simulation: Simulation) -> list[dict[str, Any]]:
    """Every run of a Deploy action, a pipeline's newest first."""
    codepipeline = simulation.codepipeline
    return [
        item
        for pipeline in codepipeline.list_pipelines({})["pipelines"]
        for item in codepipeline.list_action_executions({"pipelineName": pipeline["name"]})[
            "actionExecutionDetails"
        ]
        if item["actionName"] == "Deploy"
    ]


def always(simulation: Simulation) -> list[str]:
    """What does not hold although it must whatever happens, to however many pipelines."""
    return [text for check in _ALWAYS for text in check(simulation)]


def violations(simulation: Simulation, expected: Ending) -> list[str]:
    """What does not hold, in words; `expected` is how the way ends when nothing fails."""
    return [*always(simulation), *(text for check in _OF_A_WAY for text in check(simulation, expected))]


Check = Callable[[Simulation, Ending], Iterator[str]]


def _nothing_hangs(simulation: Simulation) -> Iterator[str]:
    for item in simulation.pipeline_executions:
        if item["status"] in {"InProgress", "Stopping"}:
            yield "a pipeline execution is still in progress"
    for execution in simulation.executions:
        if execution.status.value == "RUNNING":
            yield f"the execution {execution.name} still runs"


def _one_execution_per_action(simulation: Simulation) -> Iterator[str]:
    """Its name says which action: that of the first job."""
    first_jobs = {event["CodePipeline.job"]["id"] for event in simulation.first_events}
    names = [execution.name for execution in simulation.executions]
    for name, count in Counter(simulation.started).items():
        if count > 1:
            yield f"the execution {name} was started {count} times"
    for name in names:
        if name.removeprefix("codepipeline-") not in first_jobs:
            yield f"the execution {name} belongs to no action"
    if len(names) > len(deploy_actions(simulation)):
        yield f"{len(names)} executions for {len(deploy_actions(simulation))} actions"


def _one_final_answer(simulation: Simulation) -> Iterator[str]:
    jobs = simulation.jobs_of_actions
    finals = Counter(jobs[answer.job_id] for answer in simulation.answers if answer.is_final)
    for action, jobs_ in _grouped(jobs).items():
        if finals[action] > 1:
            yield f"an action got {finals[action]} final answers"
        if (
            finals[action] == 0
            and not _was_left(simulation, jobs_[-1])
            and not used_up(simulation, jobs_[-1])
        ):
            yield "an action got no answer, although not every delivery failed"


def _was_left(simulation: Simulation, job_id: str) -> bool:
    """Whether the pipeline was stopped without waiting for the action."""
    return simulation.codepipeline._jobs.get(job_id).action.status is ActionStatus.ABANDONED


def used_up(simulation: Simulation, job_id: str) -> bool:
    """Whether Lambda ran the job's event as often as it does, and every run broke."""
    runs = [run for run in simulation.functions.invocations if run.job_id == job_id and not run.is_repeat]
    return len(runs) >= _DELIVERIES and all(run.error for run in runs)


def _answer_is_how_it_ended(simulation: Simulation, _expected: Ending) -> Iterator[str]:
    ends = {execution.arn: execution.status.value for execution in simulation.executions}
    for action in deploy_actions(simulation):
        external_id = action["output"]["executionResult"].get("externalExecutionId") or ""
        if ":express:" in external_id:
            continue  # closed when it was answered, and kept nowhere: `_express_work_is_done_once`
        end = ends.get(external_id)
        if action["status"] == "Succeeded" and end != _SUCCEEDED and not _was_forgotten(simulation):
            yield f"a success was reported, but the execution is {end}"
        if action["status"] == "Failed" and end == _SUCCEEDED and not _may_fail(simulation, action):
            yield f"the execution succeeded, but the action failed: {_error(action).get('message')}"


def _express_work_is_done_once(simulation: Simulation, _expected: Ending) -> Iterator[str]:
    """And where its outcome is unknown, that is what is told."""
    actions = deploy_actions(simulation)
    if simulation.work_done > len(actions):
        yield f"an Express machine worked {simulation.work_done} times for {len(actions)} actions"


def _was_forgotten(simulation: Simulation) -> bool:
    return Fault.EXECUTION_EXPIRED in simulation.schedule.faults


def _may_fail(simulation: Simulation, action: dict[str, Any]) -> bool:
    """Without the permission to ask or to answer nobody can know, and CodePipeline must be told something."""
    refused = {operation.name for operation in simulation.denied}
    return bool(refused) and (
        _error(action).get("code") == "PermissionError" or "PutJobFailureResult" in refused
    )


def _no_operation_twice(simulation: Simulation) -> Iterator[str]:
    begun: Counter[tuple[str, str]] = Counter()
    for stack in simulation.cloudformation.stacks:
        for event in stack.events:
            is_stack = event["PhysicalResourceId"] == stack.id
            if is_stack and event["ResourceStatus"] in {
                "CREATE_IN_PROGRESS",
                "UPDATE_IN_PROGRESS",
                "DELETE_IN_PROGRESS",
            }:
                kind = event["ResourceStatus"].partition("_")[0].lower()
                token = event["ClientRequestToken"]
                if token.startswith("stepline-"):
                    begun[kind, token.rpartition("-")[0]] += 1  # without the number of the attempt
    for (kind, token), count in begun.items():
        if count > 1:
            yield f"{count} operations to {kind} a stack for {token}"


def _nothing_left_behind(simulation: Simulation, _expected: Ending) -> Iterator[str]:
    """Unless it was forbidden, or the execution was ended from outside: then nobody is left to do it."""
    ended_from_outside = {item.status.value for item in simulation.executions} & {"ABORTED", "TIMED_OUT"}
    if simulation.denied or ended_from_outside or _was_forgotten(simulation):
        return
    for _, key in simulation.s3.objects:
        if key.startswith("templates/"):
            yield f"the temporary object {key} was left behind"
    for change_set in simulation.cloudformation.change_sets.values():
        ours = change_set.name.startswith("stepline-")
        if ours and not change_set.execution_status.startswith("EXECUTE"):
            yield f"the change set {change_set.name} ({change_set.execution_status}) was left behind"


def _transient_changes_nothing(simulation: Simulation, expected: Ending) -> Iterator[str]:
    """Except that ours may win where it lost to somebody else, who comes at a certain call."""
    found = ending(simulation)
    if any("outcome of the Express execution" in str(_error(item)) for item in deploy_actions(simulation)):
        return  # it was started, and the wait for it was lost: nobody can know
    won = any("StackChangedError" in text for text in expected.executions) and "Succeeded" in found.pipeline
    if won or not simulation.schedule.faults <= TRANSIENT | REPEATS:
        return
    at_deadline = any("TimeoutMinutesPassed" in text for text in expected.executions)
    for name, want in vars(expected).items():
        if at_deadline and name != "pipeline":
            continue  # a delay decides how far it came when its time was over
        if vars(found)[name] != want:
            yield f"transient faults changed the {name}: {vars(found)[name]} instead of {want}"


def _denial_fails_at_once(simulation: Simulation, expected: Ending) -> Iterator[str]:
    """Within the invocation that met it, as a PermissionError."""
    if simulation.schedule.faults != {Fault.ACCESS_DENIED} or len(simulation.denied) != 1:
        return
    (operation,) = simulation.denied
    if operation.role == "task" or ending(simulation) == expected:
        return  # a task's failure is the execution's; or it could be done without
    if operation.name == "PutJobFailureResult":
        return  # nobody can be told
    denied = [run for run in simulation.functions.invocations if operation in run.denied]
    if len(denied) > 1:
        yield f"{operation} was denied to {len(denied)} invocations"
    for action in deploy_actions(simulation):
        if _error(action).get("code") != "PermissionError":
            yield f"{operation} was denied, and the action ended with {_error(action)}"


def _denied_task_fails_at_once(simulation: Simulation, _expected: Ending) -> Iterator[str]:
    """A task that may not do something is not run again for it."""
    for run in simulation.functions.invocations:
        if run.function == TRIGGER or not run.denied:
            continue
        again = [item for item in simulation.functions.invocations if item.event == run.event and item.denied]
        if len(again) > 1 and not simulation.schedule.faults & (TRANSIENT | REPEATS):
            yield f"{run.function} was run {len(again)} times, although it was denied something"
            return


def _no_secret_shows(simulation: Simulation) -> Iterator[str]:
    places = {
        "a log": simulation.log.getvalue(),
        "an answer or a token": json.dumps([dict(answer.parameters) for answer in simulation.answers]),
        "an execution's input": "".join(execution.input for execution in simulation.executions),
    }
    for place, text in places.items():
        if any(secret in text for secret in _SECRETS):
            yield f"a credential is in {place}"


def _every_error_is_known(simulation: Simulation) -> Iterator[str]:
    for run in simulation.functions.invocations:
        if run.error and not run.dead and run.error not in known_errors():
            yield f"{run.function} ended with {run.error}: {run.message}"


def _grouped(jobs: dict[str, str]) -> dict[str, list[str]]:
    """The jobs of each action, oldest first."""
    groups: dict[str, list[str]] = {}
    for job, action in jobs.items():
        groups.setdefault(action, []).append(job)
    return groups


def _error(action: dict[str, Any]) -> dict[str, Any]:
    """`{"code", "message"}` of a run that failed."""
    return action["output"]["executionResult"].get("errorDetails") or {}


_ALWAYS: tuple[Callable[[Simulation], Iterator[str]], ...] = (
    _nothing_hangs,
    _one_execution_per_action,
    _one_final_answer,
    _no_operation_twice,
    _no_secret_shows,
    _every_error_is_known,
)
_OF_A_WAY: tuple[Check, ...] = (
    _answer_is_how_it_ended,
    _express_work_is_done_once,
    _nothing_left_behind,
    _transient_changes_nothing,
    _denial_fails_at_once,
    _denied_task_fails_at_once,
)

__all__ = ["Ending", "Invocation", "always", "deploy_actions", "ending", "used_up", "violations"]
