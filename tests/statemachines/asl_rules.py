"""Rules that the text of every state machine keeps."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from types import ModuleType
from typing import Any, Final

from stepline.core.errors import SteplineError

State = Mapping[str, Any]

_MAX_NAME_CHARACTERS: Final = 80
_MIN_COMMENT_CHARACTERS: Final = 20
_LAMBDA: Final = "arn:aws:states:::lambda:invoke"
_LAMBDA_TIMEOUT_SECONDS: Final = 60
"""The templates' Globals: a task is given up only after its function was."""
_RETRIED: Final = {"TransientAwsError", "Lambda.ServiceException", "States.Timeout"}
_ERRORS_OF_AWS: Final = re.compile(
    r"States\.[A-Za-z]+|Lambda\.[A-Za-z]+|Runtime\.ExitError|Sandbox\.Timedout|Batch\.[A-Za-z]+|Ssm\.[A-Za-z]+|AWS\.[A-Za-z.]+"
)


def violations(asl: Mapping[str, Any], *errors: ModuleType) -> list[str]:
    """What is wrong with a state machine, one sentence each; `errors` are the modules of its own errors."""
    return [*_of_machine(asl), *(text for name, state in states(asl) for text in _of(name, state, errors))]


def states(asl: Mapping[str, Any]) -> Iterator[tuple[str, State]]:
    """Every state, those of Maps and of parallel branches included."""
    for name, state in asl["States"].items():
        yield name, state
        inner = [state.get("ItemProcessor"), state.get("Iterator"), *state.get("Branches", [])]
        for machine in filter(None, inner):
            yield from states(machine)


def _of_machine(asl: Mapping[str, Any]) -> Iterator[str]:
    if not asl.get("Comment"):
        yield "the machine has no Comment"
    if "TimeoutSeconds" not in asl:
        yield "the machine has no TimeoutSeconds"


def _of(name: str, state: State, errors: tuple[ModuleType, ...]) -> Iterator[str]:
    if len(name) > _MAX_NAME_CHARACTERS:
        yield f"{name}: the name is too long"
    if len(state.get("Comment", "")) < _MIN_COMMENT_CHARACTERS:
        yield f"{name}: the Comment says too little"
    if state["Type"] == "Task":
        yield from _of_task(name, state)
    for rule in [*state.get("Retry", []), *state.get("Catch", [])]:
        for error in rule["ErrorEquals"]:
            if not _is_known(error, errors):
                yield f"{name}: nobody raises {error}"


def _of_task(name: str, state: State) -> Iterator[str]:
    if state["Resource"] == _LAMBDA and state.get("TimeoutSeconds", 0) <= _LAMBDA_TIMEOUT_SECONDS:
        yield f"{name}: TimeoutSeconds is missing, or less than the function's"
    retried = {error for rule in state.get("Retry", []) for error in rule["ErrorEquals"]}
    if state["Resource"] == _LAMBDA and not retried >= _RETRIED:
        yield f"{name}: does not retry {_RETRIED - retried}"
    if "States.ALL" in retried:
        yield f"{name}: what cannot succeed must not be tried again"
    for rule in state.get("Retry", []):
        if rule.get("BackoffRate", 2) <= 1 or "MaxAttempts" not in rule or "MaxDelaySeconds" not in rule:
            yield f"{name}: a Retry does not back off, or has no end"
    if [rule["ErrorEquals"] for rule in state.get("Catch", [])][-1:] != [["States.ALL"]]:
        yield f"{name}: the last Catch is not for all errors"


def _is_known(error: str, modules: tuple[ModuleType, ...]) -> bool:
    """Whether it is AWS's name, or a class of ours."""
    found = [getattr(module, error, None) for module in modules]
    ours = any(isinstance(item, type) and issubclass(item, SteplineError) for item in found)
    return ours or _ERRORS_OF_AWS.fullmatch(error) is not None
