"""Invariants of the scenarios of a pipeline, for any faults."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from stepline.localaws.codepipeline.models import ActionStatus
from tests.fakes import sts
from tests.fakes.cloudformation.stacks import OTHER_PROCESS
from tests.faults import invariants, result_invariants, trigger_function
from tests.faults.functions import Invocation
from tests.faults.network import FUNCTION_SECRETS
from tests.faults.pipeline_parts import CLEAN_UP, LARGE_DATA_BUCKET, TRIGGER, WORKER
from tests.faults.pipeline_world import PipelineWorld
from tests.faults.schedule import CLASSES, DENIALS, REPEATS, STALE, TRANSIENT, Fault
from tests.statemachines.approvals.approvers import PROOF
from tests.statemachines.deploy.machine import APPROVALS_TABLE

_SECRETS = (*FUNCTION_SECRETS, *sts.SECRETS)
_ENDINGS = frozenset(CLASSES["pipeline"])
_FOR_CLEAN_UP = frozenset(
    {
        "DeleteChangeSet",
        "DeleteObject",
        "DescribeExecution",
        "ListChangeSets",
        "ListExecutions",
        "ListObjectsV2",
    }
)
_NOT_READ = "Its output was not read: No access to"
_ATTEMPT = re.compile(r"stepline-([a-z]+)-.*-(\d+)")


@dataclass(frozen=True)
class Ending:
    """How a scenario ended: what no transient fault may change."""

    pipeline: tuple[str, ...]
    failures: tuple[str, ...]
    executions: tuple[str, ...]
    variables: tuple[str, ...]
    stacks: tuple[str, ...]
    attempts: tuple[str, ...] = ()


def ending(world: PipelineWorld) -> Ending:
    actions = deploy_actions(world)
    return Ending(
        pipeline=tuple(item["status"] for item in world.pipeline_executions),
        failures=tuple(_error(action).get("code", "") for action in actions),
        executions=tuple(f"{item.status.value} {item.error or ''}" for item in world.executions),
        variables=tuple(json.dumps(action["output"].get("outputVariables") or {}) for action in actions),
        stacks=() if world.is_stopped else _stacks(world),
        attempts=() if others_interfere(world) or world.is_stopped else _attempts(world),
    )


def _stacks(world: PipelineWorld) -> tuple[str, ...]:
    return tuple(f"{stack.name} {stack.status}" for stack in world.cloudformation.stacks)


def others_interfere(world: PipelineWorld) -> bool:
    """Return whether another process changes the stack at certain calls, which faults move."""
    return bool(world.cloudformation.interference or world.s3.interference)


def _attempts(world: PipelineWorld) -> tuple[str, ...]:
    """Return the change sets and operations of executions: "update-1" is that of a first attempt."""
    names = [change_set.name for change_set in world.cloudformation.all_change_sets]
    names += [
        event["ClientRequestToken"] for stack in world.cloudformation.stacks for event in stack.own_events
    ]
    found = {_ATTEMPT.sub(r"\1-\2", name) for name in names if name.startswith("stepline-")}
    return tuple(sorted(found))


def deploy_actions(world: PipelineWorld) -> list[dict[str, Any]]:
    """Return the executions of all Deploy actions, the latest of each pipeline first."""
    codepipeline = world.codepipeline
    return [
        item
        for pipeline in codepipeline.list_pipelines({})["pipelines"]
        for item in codepipeline.list_action_executions({"pipelineName": pipeline["name"]})[
            "actionExecutionDetails"
        ]
        if item["actionName"] == "Deploy"
    ]


def always(world: PipelineWorld) -> list[str]:
    """Return the violations of what holds for any number of pipelines and any faults."""
    return [text for check in _ALWAYS for text in check(world)]


def violations(world: PipelineWorld, expected: Ending) -> list[str]:
    """Return one sentence for each violation; `expected` is the ending of the scenario when nothing fails."""
    own = [text for check in _OF_ONE_PIPELINE for text in check(world)]
    return [
        *always(world),
        *own,
        *transient_faults_change_nothing(world, expected),
        *_denial_fails_the_action_at_once(world, expected),
    ]


# ---------------------------------------------------------------- always


def _no_pipeline_runs(world: PipelineWorld) -> Iterator[str]:
    for item in world.pipeline_executions:
        if item["status"] in {"InProgress", "Stopping"}:
            yield "a pipeline execution is still in progress"


def _one_execution_for_an_action(world: PipelineWorld) -> Iterator[str]:
    """The name of an execution has the id of the action's first job."""
    first_jobs = {event["CodePipeline.job"]["id"] for event in world.first_events}
    names = [execution.name for execution in world.executions]
    for name in names:
        if name.removeprefix("codepipeline-") not in first_jobs:
            yield f"the execution {name} belongs to no action"
    if len(names) > len(deploy_actions(world)):
        yield f"{len(names)} executions for {len(deploy_actions(world))} actions"


def _one_final_result_for_an_action(world: PipelineWorld) -> Iterator[str]:
    actions = world.jobs_of_actions
    finals = Counter(actions[result.job_id] for result in world.results if result.is_final)
    latest_jobs = {action: job_id for job_id, action in actions.items()}
    for action, latest_job in latest_jobs.items():
        if finals[action] > 1:
            yield f"an action got {finals[action]} final results"
        is_over = (
            _is_abandoned(world, latest_job)
            or every_delivery_failed(world, latest_job)
            or _event_was_late(world, latest_job)
        )
        if finals[action] == 0 and not is_over:
            yield "an action got no result, although not every delivery failed"


def _is_abandoned(world: PipelineWorld, job_id: str) -> bool:
    """Return whether the pipeline was stopped without waiting for the action."""
    return world.codepipeline._jobs.get(job_id).action.status is ActionStatus.ABANDONED


def every_delivery_failed(world: PipelineWorld, job_id: str) -> bool:
    """Return whether Lambda ran the job's event as often as it does, and every invocation failed."""
    runs = [run for run in world.functions.invocations if run.job_id == job_id and not run.is_repeat]
    deliveries = 1 + len(trigger_function.configuration().retry_seconds)
    return len(runs) >= deliveries and all(run.error for run in runs)


def _event_was_late(world: PipelineWorld, job_id: str) -> bool:
    """Return whether Lambda discarded the job's event for its age, and every delivery before failed."""
    runs = [run for run in world.functions.invocations if run.job_id == job_id]
    return all(run.error for run in runs) and job_id in world.event_queue.discarded


def _no_late_event_starts_an_execution(world: PipelineWorld) -> Iterator[str]:
    """Meanwhile a newer revision may have been deployed."""
    for name in world.late_starts:
        yield f"{name} was started by an event whose job had timed out"


def _only_known_stacks_are_changed(world: PipelineWorld) -> Iterator[str]:
    """A stack that another process creates is changed only after a check has found it."""
    created = {item.stack_id: item.call for item in world.stack_changes if item.operation == "AddStack"}
    checks = [call.number for call in world.calls if call.function == "CheckStackExists"]
    for item in world.stack_changes:
        since = created.get(item.stack_id, 0)
        if item.operation == "AddStack":
            continue
        if not any(since <= number <= item.call for number in checks):
            yield f"{item.operation} changed a stack that was created after the last check"
        if item.is_foreign:
            yield f"{item.operation} changed a stack that belongs to others"


def _no_stack_is_changed_for_an_ended_action(world: PipelineWorld) -> Iterator[str]:
    """Unless the action ends between the question and the change."""
    endings = {injection.call for injection in world.schedule.injections if injection.fault in _ENDINGS}
    for item in world.stack_changes:
        if item.is_stale and item.call not in endings:
            yield f"{item.operation} changed a stack for an action that has ended"


def _outputs_are_those_of_the_deployed_stack(world: PipelineWorld) -> Iterator[str]:
    """Stacks that another process creates have other outputs."""
    created = max((item.call for item in world.stack_changes if item.operation == "AddStack"), default=0)
    checks = [call.number for call in world.calls if call.function == "CheckStackExists"]
    for execution in world.executions:
        is_of_others = execution.output is not None and OTHER_PROCESS in execution.output
        if is_of_others and max(checks) < created:
            yield f"{execution.name} has the outputs of a stack that it did not deploy"


def _large_input_is_stored_once(world: PipelineWorld) -> Iterator[str]:
    """So a repeated job refers to the same version, and starts no second execution."""
    for (bucket, key), versions in world.s3.versions.items():
        if bucket == LARGE_DATA_BUCKET and len(versions) > 1:
            yield f"{key} was stored {len(versions)} times"


def _no_stack_operation_is_repeated(world: PipelineWorld) -> Iterator[str]:
    started: Counter[tuple[str, str]] = Counter()
    for stack in world.cloudformation.stacks:
        for event in stack.own_events:
            kind, _, status = event["ResourceStatus"].partition("_")
            token = event["ClientRequestToken"]
            is_start = status == "IN_PROGRESS" and kind in {"CREATE", "UPDATE", "DELETE"}
            if is_start and token.startswith("stepline-"):
                started[kind.lower(), token.rpartition("-")[0]] += 1  # without the number of the attempt
    for (kind, token), count in started.items():
        if count > 1:
            yield f"{count} operations to {kind} a stack for {token}"


def _no_secret_is_shown(world: PipelineWorld) -> Iterator[str]:
    texts = {
        "a log": world.log.getvalue(),
        "a result or a token": json.dumps([dict(result.parameters) for result in world.results]),
        "an execution's input": "".join(execution.input for execution in world.executions),
        "an execution's output": "".join(execution.output or "" for execution in world.executions),
        "a message": json.dumps(world.sns.messages),
    }
    tokens = [item["taskToken"]["S"] for item in world.dynamodb.items(APPROVALS_TABLE)]
    for place, text in texts.items():
        if any(secret in text for secret in (*_SECRETS, *tokens, PROOF["securityToken"])):
            yield f"a credential is in {place}"


def _change_that_waits_is_executed_only_when_approved(world: PipelineWorld) -> Iterator[str]:
    executed = {
        item.id: item
        for item in world.cloudformation.all_change_sets
        if item.execution_status.startswith("EXECUTE")
    }
    for request in world.dynamodb.items(APPROVALS_TABLE):
        status = request["status"]["S"]
        if json.loads(request["subject"]["S"])["changeSetId"] in executed and status != "APPROVED":
            yield f"a change set was executed whose request for approval is {status}"
        if status == "WAITING" and _has_checked_approval(world, request["executionArn"]["S"]):
            yield "a request for approval waits, although the wait has ended"


def _has_checked_approval(world: PipelineWorld, arn: str) -> bool:
    """Return whether the last attempt of the execution went past the wait."""
    names = [
        event["stateEnteredEventDetails"]["name"]
        for execution in world.executions
        if execution.arn == arn
        for event in execution.events()
        if event["type"].endswith("StateEntered")
    ]
    return "Execute Change Set" in names


def _request_is_answered_once(world: PipelineWorld) -> Iterator[str]:
    """The same answer can be repeated, and then has the same status."""
    for request_id, statuses in world.approvers.accepted.items():
        stored = {
            item["status"]["S"]
            for item in world.dynamodb.items(APPROVALS_TABLE)
            if item["id"]["S"] == request_id
        }
        if statuses != stored:
            yield f"the answers {sorted(statuses)} were accepted, and {sorted(stored)} is stored"


_ALWAYS: tuple[Callable[[PipelineWorld], Iterator[str]], ...] = (
    _no_pipeline_runs,
    invariants.no_execution_runs,
    invariants.no_execution_is_started_twice,
    _one_execution_for_an_action,
    _one_final_result_for_an_action,
    _large_input_is_stored_once,
    _no_stack_operation_is_repeated,
    _no_late_event_starts_an_execution,
    _only_known_stacks_are_changed,
    _no_stack_is_changed_for_an_ended_action,
    _outputs_are_those_of_the_deployed_stack,
    _no_secret_is_shown,
    _change_that_waits_is_executed_only_when_approved,
    _request_is_answered_once,
    invariants.every_error_is_known,
)


# ---------------------------------------------------------------- one pipeline


def _express_task_runs_once(world: PipelineWorld) -> Iterator[str]:
    actions = deploy_actions(world)
    if world.express_runs > len(actions):
        yield f"the task of the Express machine ran {world.express_runs} times for {len(actions)} actions"


def _nothing_is_left_behind(world: PipelineWorld) -> Iterator[str]:
    """This does not hold if cleaning up was denied, or Step Functions has deleted the execution.

    CloudFormation deletes no change set that it is creating, which never ends in some scenarios.
    """
    denied = {operation.name for operation in world.denials}
    if Fault.EXECUTION_EXPIRED in world.schedule.faults or denied & _FOR_CLEAN_UP:
        return
    for _, key in world.s3.objects:
        if key.startswith("templates/"):
            yield f"the temporary object {key} was left behind"
    for change_set in world.cloudformation.change_sets.values():
        is_ours = change_set.name.startswith("stepline-")
        is_deletable = change_set.status not in {"CREATE_PENDING", "CREATE_IN_PROGRESS"}
        if is_ours and is_deletable and not change_set.execution_status.startswith("EXECUTE"):
            yield f"the change set {change_set.name} ({change_set.execution_status}) was left behind"


def _denied_task_is_not_retried(world: PipelineWorld) -> Iterator[str]:
    for run in world.functions.invocations:
        if run.function in {TRIGGER, WORKER, CLEAN_UP} or not run.denied:
            continue
        repeated = [
            item
            for item in world.functions.invocations
            if (item.function, item.event) == (run.function, run.event) and item.denied
        ]
        if len(repeated) > 1 and not world.schedule.faults & (
            TRANSIENT | REPEATS | {Fault.EXECUTION_REDRIVEN}
        ):
            yield f"{run.function} was run {len(repeated)} times, although it was denied something"
            return


_OF_ONE_PIPELINE: tuple[Callable[[PipelineWorld], Iterator[str]], ...] = (
    result_invariants.results_are_true,
    result_invariants.unknown_outcomes_are_justified,
    _express_task_runs_once,
    _nothing_is_left_behind,
    _denied_task_is_not_retried,
)


def transient_faults_change_nothing(world: PipelineWorld, expected: Ending) -> Iterator[str]:
    """Except that our update may come first where another process did, which comes at a certain call."""
    found = ending(world)
    if any(map(result_invariants.is_unknown, world.results)):
        return  # it was started, and its result was lost: nothing can know the outcome
    was_first = "Succeeded" in found.pipeline and (
        any("StackChangedError" in text for text in expected.executions)
        or (others_interfere(world) and any("ForeignStackError" in text for text in expected.executions))
    )
    if was_first or not invariants.only_transient_faults(world):
        return
    if world.approvers.disagree:
        return  # a delay decides whose answer is the first
    if any("TimeoutMinutesPassed" in text for text in expected.executions):
        return  # a delay decides how far it came before its deadline; the result must be true all the same
    if world.schedule.faults & STALE:
        # an older answer may cost an attempt
        found, expected = replace(found, attempts=()), replace(expected, attempts=())
        older_answers = sum(injection.fault in STALE for injection in world.schedule.injections)
        if older_answers + others_interfere(world) > 1 and _ended_clean_because_of_a_change(world):
            return  # both attempts met a change of the stack
    yield from invariants.differences(found, expected)


def _ended_clean_because_of_a_change(world: PipelineWorld) -> bool:
    """Return whether the stack was changed in both attempts: by another process, or so it seemed."""
    return all(
        execution.error == "StackChangedError" and last_state(execution) == "Failure Clean"
        for execution in world.executions
    )


def last_state(execution: Any) -> str:
    """Return the Fail state that ended the execution, or empty text."""
    names = [
        event["stateEnteredEventDetails"]["name"]
        for event in execution.events()
        if event["type"] == "FailStateEntered"
    ]
    return names[-1] if names else ""


def _denial_fails_the_action_at_once(world: PipelineWorld, expected: Ending) -> Iterator[str]:
    """The invocation that was denied something reports a PermissionError."""
    if not world.schedule.faults <= DENIALS or len(set(world.denials)) != 1:
        return
    operation = world.denials[0]
    if operation.role == "task" or ending(world) == expected:
        return  # a task's failure is the execution's; or the trigger succeeded without it
    if operation.name == "PutJobFailureResult":
        return  # no failure can be reported
    denied = [
        run
        for run in world.functions.invocations
        if operation in run.denied and not _follows_the_end(run, world)
    ]
    if len(denied) > 1:
        yield f"{operation} was denied to {len(denied)} invocations"
    for action in deploy_actions(world):
        if action["status"] == "Succeeded" and Fault.CALL_DENIED in world.schedule.faults:
            continue  # a later attempt of the same was not denied
        if action["status"] == "Succeeded" and _NOT_READ in _summary(action):
            continue  # an execution that has succeeded does not fail because of its output
        if _error(action).get("code") != "PermissionError":
            yield f"{operation} was denied, and the action ended with {_error(action)}"


def _follows_the_end(run: Invocation, world: PipelineWorld) -> bool:
    """Return whether the worker began after the failure of a job had been reported."""
    failures = [call.number for call in world.calls if call.operation.name == "PutJobFailureResult"]
    return run.function == WORKER and bool(failures) and run.calls[0].number > failures[0]


def _summary(action: dict[str, Any]) -> str:
    return str(action["output"]["executionResult"].get("externalExecutionSummary", ""))


def _error(action: dict[str, Any]) -> dict[str, Any]:
    """Return code and message of an action that failed."""
    return action["output"]["executionResult"].get("errorDetails") or {}
