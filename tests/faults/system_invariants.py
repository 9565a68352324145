"""What must hold after every schedule of a system, whatever failed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

from tests.faults.functions import Invocation
from tests.faults.kinds import REPEATS, TRANSIENT, Fault
from tests.faults.known_errors import known_errors
from tests.faults.network import FUNCTION_SECRETS, Operation
from tests.faults.system import Ending, SystemWorld

Check = Callable[[SystemWorld, Ending], Iterator[str]]

_OF_PERMISSION = {"PermissionDeniedError", "AccessDeniedError"}


def violations(world: SystemWorld, expected: Ending) -> list[str]:
    """What does not hold, in words; `expected` is how the way ends when nothing fails."""
    return [*(text for check in _CHECKS for text in check(world, expected)), *world.way.always(world)]


def _nothing_hangs(world: SystemWorld, _expected: Ending) -> Iterator[str]:
    for execution in world.executions:
        if execution.running:
            yield f"the execution {execution.name} of {execution.machine.name} still runs"


def _started_once(world: SystemWorld, _expected: Ending) -> Iterator[str]:
    """Under its name; more names than without faults are seen by `_transient_changes_nothing`."""
    for name, count in Counter(world.started).items():
        if count > 1 and Fault.EXECUTION_EXPIRED not in world.schedule.faults:
            yield f"{name} was started {count} times"


def _every_error_is_known(world: SystemWorld, _expected: Ending) -> Iterator[str]:
    for run in world.functions.invocations:
        if run.error and not run.dead and run.error not in known_errors():
            yield f"{run.function} ended with {run.error}: {run.message}"


def _no_secret_shows(world: SystemWorld, _expected: Ending) -> Iterator[str]:
    log = world.log.getvalue()
    if any(secret in log for secret in (*FUNCTION_SECRETS, *world.way.secrets)):
        yield "a secret is in a log"
    told = " ".join([*world.answers, *(run.message for run in world.functions.invocations)])
    if any(secret in told for secret in FUNCTION_SECRETS):
        yield "a credential is in an answer"


def _transient_changes_nothing(world: SystemWorld, expected: Ending) -> Iterator[str]:
    if not world.way.is_steady or not world.schedule.faults <= TRANSIENT | REPEATS:
        return
    found = world.way.ending(world)
    for name, want in vars(expected).items():
        if vars(found)[name] != want:
            yield f"transient faults changed the {name}: {vars(found)[name]} instead of {want}"


def _denial_is_told(world: SystemWorld, _expected: Ending) -> Iterator[str]:
    """By an error that names what was denied, unless the function could do without, or answered itself."""
    for run in world.functions.invocations if _is_denial_alone(world) else ():
        if not run.denied or not run.error:
            continue
        if run.error not in _OF_PERMISSION:
            yield f"{run.function} was denied {run.denied[0]}, and ended with {run.error}: {run.message}"
        elif not any(_names(run.message, operation) for operation in run.denied):
            yield f"{run.function} was denied {run.denied[0]}, and does not say so: {run.message}"


def _names(message: str, operation: Operation) -> bool:
    return operation.name in message


def _denied_task_fails_at_once(world: SystemWorld, _expected: Ending) -> Iterator[str]:
    """A task that may not do something is not run again for it; Lambda itself runs any event again."""
    delivered = [event for _, event in world.delivered]
    denied = [run for run in world.functions.invocations if run.denied and run.error]
    for run in denied:
        again = [item for item in denied if _is_same(item, run)]
        if len(again) > 1 and _is_denial_alone(world) and run.event not in delivered:
            yield f"{run.function} was run {len(again)} times, although it was denied something"
            return


def _denied_state_fails_at_once(world: SystemWorld, _expected: Ending) -> Iterator[str]:
    """Nor does a Task state ask again for what it was denied."""
    for parameters, count in Counter(world.denied_tasks).items():
        if count > 1 and _is_denial_alone(world):
            yield f"a state has asked {count} times for what it was denied: {parameters}"


def _is_denial_alone(world: SystemWorld) -> bool:
    return world.schedule.faults == {Fault.ACCESS_DENIED}


def _is_same(one: Invocation, other: Invocation) -> bool:
    return one.function == other.function and one.event == other.event


_CHECKS: tuple[Check, ...] = (
    _nothing_hangs,
    _started_once,
    _every_error_is_known,
    _no_secret_shows,
    _transient_changes_nothing,
    _denial_is_told,
    _denied_task_fails_at_once,
    _denied_state_fails_at_once,
)
