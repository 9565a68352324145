"""Rules that the definition of every state machine follows."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from types import ModuleType
from typing import Any, Final

from stepline.core.errors import SteplineError

State = Mapping[str, Any]

_MAX_NAME_CHARACTERS: Final = 80
_MIN_COMMENT_CHARACTERS: Final = 21
_LAMBDA: Final = "arn:${Partition}:states:::lambda:invoke"
_LAMBDA_TIMEOUT_SECONDS: Final = 60
"""The time-out of the functions (Globals of the templates): that of a task must be longer."""
_RETRIED: Final = {"TransientAwsError", "Lambda.ServiceException", "States.Timeout"}
# What Lambda itself reports: "Handle transient Lambda service exceptions" and "Error names" in the Step
# Functions Developer Guide; Runtime.ExitError is the errorType of a process that was killed.
_ERRORS_OF_AWS: Final = re.compile(
    r"States\.[A-Za-z]+|Lambda\.[A-Za-z]+|Runtime\.ExitError|Sandbox\.Timedout|Batch\.[A-Za-z]+|StepFunctions\.[A-Za-z]+|Ssm\.[A-Za-z]+|AWS\.[A-Za-z.]+"
)


def violations(asl: Mapping[str, Any], *errors: ModuleType) -> list[str]:
    """Return one sentence for each violation; `errors` are the modules with the errors of the functions."""
    return [
        *_machine_violations(asl),
        *(text for name, state in states(asl) for text in _state_violations(name, state, errors)),
    ]


def states(asl: Mapping[str, Any]) -> Iterator[tuple[str, State]]:
    """Yield every state, those of Maps and of parallel branches included."""
    for name, state in asl["States"].items():
        yield name, state
        inner = [state.get("ItemProcessor"), state.get("Iterator"), *state.get("Branches", [])]
        for machine in filter(None, inner):
            yield from states(machine)


def _machine_violations(asl: Mapping[str, Any]) -> Iterator[str]:
    if not asl.get("Comment"):
        yield "the machine has no Comment"
    if "TimeoutSeconds" not in asl:
        yield "the machine has no TimeoutSeconds"


def _state_violations(name: str, state: State, errors: tuple[ModuleType, ...]) -> Iterator[str]:
    if len(name) > _MAX_NAME_CHARACTERS:
        yield f"{name}: the name is too long"
    if len(state.get("Comment", "")) < _MIN_COMMENT_CHARACTERS:
        yield f"{name}: the Comment is too short"
    if state["Type"] == "Task":
        yield from _task_violations(name, state)
    for rule in [*state.get("Retry", []), *state.get("Catch", [])]:
        for error in rule["ErrorEquals"]:
            if not _is_known(error, errors):
                yield f"{name}: no function raises {error}"


def _task_violations(name: str, state: State) -> Iterator[str]:
    if state["Resource"] == _LAMBDA and state.get("TimeoutSeconds", 0) <= _LAMBDA_TIMEOUT_SECONDS:
        yield f"{name}: TimeoutSeconds is missing, or not longer than that of the function"
    ends = "TimeoutSeconds" in state or "TimeoutSecondsPath" in state
    if state["Resource"].endswith(".waitForTaskToken") and not ends:
        yield f"{name}: waits for a token without an end"
    retried = {error for rule in state.get("Retry", []) for error in rule["ErrorEquals"]}
    if state["Resource"] == _LAMBDA and not retried >= _RETRIED:
        yield f"{name}: does not retry {_RETRIED - retried}"
    if "States.ALL" in retried:
        yield f"{name}: retries errors that are permanent"
    for rule in state.get("Retry", []):
        if rule.get("BackoffRate", 2) <= 1 or "MaxAttempts" not in rule or "MaxDelaySeconds" not in rule:
            yield f"{name}: a Retry does not back off, or has no end"
    if [rule["ErrorEquals"] for rule in state.get("Catch", [])][-1:] != [["States.ALL"]]:
        yield f"{name}: the last Catch is not for all errors"


def _is_known(error: str, modules: tuple[ModuleType, ...]) -> bool:
    """Return whether it is a name of AWS's, or a class of ours."""
    found = [getattr(module, error, None) for module in modules]
    classes = [item for item in found if isinstance(item, type) and issubclass(item, SteplineError)]
    ours = any(item.__name__ == error for item in classes)
    return ours or _ERRORS_OF_AWS.fullmatch(error) is not None
