"""Invariants of the scenarios of a system, for any faults."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from tests.faults import invariants
from tests.faults.functions import Invocation
from tests.faults.network import FUNCTION_SECRETS
from tests.faults.schedule import DENIALS, Fault
from tests.faults.system_world import SystemWorld

_PERMISSION_ERRORS = {"PermissionDeniedError", "AccessDeniedError", "ApprovalRefusedError"}
"""The last one names GetCallerIdentity, which AWS denies if an approver's proof is not valid."""


def violations(world: SystemWorld, expected: Any) -> list[str]:
    """Return one sentence for each violation; `expected` is the ending of the scenario when nothing fails."""
    return [
        *(text for check in _CHECKS for text in check(world)),
        *_transient_faults_change_nothing(world, expected),
        *world.scenario.check(world),
    ]


def _no_execution_is_started_twice(world: SystemWorld) -> Iterator[str]:
    """After Step Functions has deleted an execution, its name is free again."""
    if Fault.EXECUTION_EXPIRED not in world.schedule.faults:
        yield from invariants.no_execution_is_started_twice(world)


def _no_secret_is_shown(world: SystemWorld) -> Iterator[str]:
    log = world.log.getvalue()
    if any(secret in log for secret in (*FUNCTION_SECRETS, *world.scenario.secrets)):
        yield "a secret is in a log"
    shown = " ".join([*world.responses, *(run.message for run in world.functions.invocations)])
    if any(secret in shown for secret in FUNCTION_SECRETS):
        yield "a credential is in a response"


def _transient_faults_change_nothing(world: SystemWorld, expected: Any) -> Iterator[str]:
    if world.scenario.is_resilient and invariants.only_transient_faults(world):
        yield from invariants.differences(world.scenario.ending(world), expected)


def _denial_is_reported(world: SystemWorld) -> Iterator[str]:
    """An error names the denied operation, unless the function succeeded without it or has a response."""
    for run in world.functions.invocations if _only_denied(world) else ():
        if not run.denied or not run.error:
            continue
        if run.error not in _PERMISSION_ERRORS:
            yield f"{run.function} was denied {run.denied[0]}, and ended with {run.error}: {run.message}"
        elif not any(operation.name in run.message for operation in run.denied):
            yield f"{run.function} was denied {run.denied[0]}, and its error is: {run.message}"


def _denied_task_is_not_retried(world: SystemWorld) -> Iterator[str]:
    """Lambda retries every asynchronous event, so those are not counted."""
    delivered = [event for _, event in world.delivered]
    denied = [run for run in world.functions.invocations if run.denied and run.error]
    for run in denied:
        repeated = [item for item in denied if _is_same(item, run)]
        if len(repeated) > 1 and _only_denied(world) and run.event not in delivered:
            yield f"{run.function} was run {len(repeated)} times, although it was denied something"
            return


def _denied_state_is_not_retried(world: SystemWorld) -> Iterator[str]:
    for parameters, count in Counter(world.denied_tasks).items():
        if count > 1 and _only_denied(world):
            yield f"a state made a denied call {count} times: {parameters}"


def _only_denied(world: SystemWorld) -> bool:
    return bool(world.schedule.faults) and world.schedule.faults <= DENIALS


def _is_same(one: Invocation, other: Invocation) -> bool:
    return one.function == other.function and one.event == other.event


_CHECKS: tuple[Callable[[SystemWorld], Iterator[str]], ...] = (
    invariants.no_execution_runs,
    _no_execution_is_started_twice,
    invariants.every_error_is_known,
    _no_secret_is_shown,
    _denial_is_reported,
    _denied_task_is_not_retried,
    _denied_state_is_not_retried,
)
