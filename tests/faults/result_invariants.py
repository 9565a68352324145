"""Whether each result of an action is that of its execution, and what justifies another one.

The execution is found by the id of the action's first job, not by what the result says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tests.faults.pipeline_world import JobResult, PipelineWorld
from tests.faults.schedule import TRANSIENT, Fault

_ENDED_BADLY = {"FAILED", "TIMED_OUT", "ABORTED"}
_STOPPED = "the execution was stopped because"
_UNKNOWN_START = "It is not known whether the state machine was started"
_STILL_RUNNING = "it was still running when last seen"
_GAVE_UP = "AWS could not be reached until the action's timeout"
_UNKNOWN_OUTCOME = "outcome of the Express execution"
_JUSTIFYING_DENIALS = frozenset(
    {
        "DescribeExecution",
        "StopExecution",
        "PutJobSuccessResult",
        "PutObject",
        # of the custom action's worker: it cannot wait for the end, or not read the job any more
        "UpdateItem",
        "GetJobDetails",
    }
)
"""Without one of these the function cannot know or report how an existing execution ended."""


def results_are_true(world: PipelineWorld) -> Iterator[str]:
    for result in world.results:
        if result.is_final and not _is_express(result):
            check = _success_is_true if result.is_success else _failure_is_true
            yield from check(world, result)
            yield from _names_its_execution(world, result)


def unknown_outcomes_are_justified(world: PipelineWorld) -> Iterator[str]:
    """The outcome of an Express execution is unknown only if the wait for it was interrupted."""
    for result in world.results:
        is_claim_denied = any(operation.service == "s3" for operation in world.denials)
        if is_unknown(result) and not world.schedule.faults & TRANSIENT and not is_claim_denied:
            yield f"nothing interrupted the wait for the Express execution: {_message(result)}"


def is_unknown(result: JobResult) -> bool:
    return not result.is_success and _UNKNOWN_OUTCOME in _message(result)


def _success_is_true(world: PipelineWorld, result: JobResult) -> Iterator[str]:
    if result.status != "SUCCEEDED" and not _is_expired(world, result):
        yield f"a success was reported, but the execution is {result.status or 'not there'}"


def _failure_is_true(world: PipelineWorld, result: JobResult) -> Iterator[str]:
    """A failed execution, or none, may have any message; of the others a failure needs a reason."""
    message = _message(result)
    if result.redriven:
        return
    if _STOPPED in message and result.status != "ABORTED" and not _is_expired(world, result):
        yield f"the execution is {result.status}, and was reported as stopped"
    if result.status in {"", *_ENDED_BADLY}:
        return
    if not any(justifies(world, result) for justifies in _JUSTIFICATIONS):
        yield f"a failure was reported, but the execution is {result.status}: {message}"


def _names_its_execution(world: PipelineWorld, result: JobResult) -> Iterator[str]:
    named = _details(result).get("externalExecutionId", result.arn)
    if named != result.arn and not _is_expired(world, result):
        yield f"the result names {named}, but the execution is {result.arn or 'not there'}"


def _denied(_world: PipelineWorld, result: JobResult) -> bool:
    """Return whether the invocation was denied what it needed, and the failure says so."""
    names = {operation.name for operation in result.denied}
    return (
        _details(result)["type"] == "PermissionError"
        and bool(names & _JUSTIFYING_DENIALS)
        and any(name in _message(result) for name in names)
    )


def _gave_up(world: PipelineWorld, result: JobResult) -> bool:
    return _GAVE_UP in _message(result) and bool(world.schedule.faults & TRANSIENT)


def _may_have_started(world: PipelineWorld, result: JobResult) -> bool:
    """Return whether nothing has shown the execution, and the failure says so."""
    return _UNKNOWN_START in _message(result) and bool(world.schedule.faults & TRANSIENT)


def _still_runs(_world: PipelineWorld, result: JobResult) -> bool:
    return _STILL_RUNNING in _message(result) and result.status == "RUNNING"


def _started_meanwhile(world: PipelineWorld, result: JobResult) -> bool:
    """Return whether a repeated event started the execution while this result was reported."""
    return result.arn.rpartition(":")[2] in world.started_meanwhile


_JUSTIFICATIONS: tuple[Callable[[PipelineWorld, JobResult], bool], ...] = (
    _denied,
    _gave_up,
    _still_runs,
    _may_have_started,
    _started_meanwhile,
)


def _is_expired(world: PipelineWorld, result: JobResult) -> bool:
    """Return whether Step Functions has deleted the execution."""
    return not result.status and Fault.EXECUTION_EXPIRED in world.schedule.faults


def _is_express(result: JobResult) -> bool:
    return ":express:" in _details(result).get("externalExecutionId", "") or is_unknown(result)


def _message(result: JobResult) -> str:
    return str(_details(result).get("message", ""))


def _details(result: JobResult) -> dict[str, str]:
    details: dict[str, str] = result.parameters["executionDetails" if result.is_success else "failureDetails"]
    return details
