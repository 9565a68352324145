"""Stops and redrives an execution of a state machine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from stepline.aws.execution_history import parse_standard_execution
from stepline.console.acts.act import Question, argument, new_act, reason_of
from stepline.console.addresses import execution_address
from stepline.console.pages import Console, PageNotFoundError, Query
from stepline.core.aws_errors import error_code
from stepline.core.executions.arns import ExecutionArn

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient

_MAX_REASON: Final = 512
"""Of an execution that is stopped [ours]; a cause may have 32,768 characters [model]."""

_ERROR: Final = "StoppedInConsole"
_RUNNING: Final = "RUNNING"
_MISSING: Final = frozenset({"ExecutionDoesNotExist", "InvalidArn"})
_REDRIVABLE: Final = "REDRIVABLE"


def _ask_stop(console: Console, query: Query) -> Question:
    execution = _arn(query)
    found = _describe(console, execution)
    return Question(
        title=f"Stop {execution.name}",
        consequences=[
            f"Step Functions stops the execution {execution.name} of the state machine {execution.machine}: "
            "it enters no further state.",
            "A function that runs now goes on to its end, and an operation of CloudFormation that has begun, "
            "too. A job or execution that a state waits for is stopped if Step Functions can do that.",
            "The action of a pipeline that waits for the execution fails.",
            "The change set of an execution of the Deploy state machine is deleted.",
        ],
        obstacle=None if found["status"] == _RUNNING else _has_ended(found),
        max_reason_characters=_MAX_REASON,
        button="Stop the execution",
        is_dangerous=True,
        back=execution_address(str(execution)),
        fields={"arn": str(execution)},
    )


def _stop(console: Console, query: Query) -> str:
    execution = _arn(query)
    reason = reason_of(query, _MAX_REASON)
    _stepfunctions(console, execution).stop_execution(
        executionArn=str(execution), error=_ERROR, cause=reason or "the execution was stopped in the console"
    )
    return execution_address(str(execution))


def _ask_redrive(console: Console, query: Query) -> Question:
    execution = _arn(query)
    found = _describe(console, execution)
    return Question(
        title=f"Redrive {execution.name}",
        consequences=[
            f"Step Functions continues the execution {execution.name} of the state machine "
            f"{execution.machine} from the state that failed, with the same input; states that succeeded are "
            "not repeated.",
            "An execution that ended in a Fail state is redriven from that state, and fails again.",
            "The action of a pipeline that ran it has failed, and stays so: to go on with the pipeline, "
            "retry its stage instead.",
        ],
        obstacle=_redrive_obstacle(found),
        button="Redrive the execution",
        back=execution_address(str(execution)),
        fields={"arn": str(execution)},
    )


def _redrive_obstacle(found: Mapping[str, Any]) -> str | None:
    if found["status"] == _RUNNING:
        return "This execution is running."
    status = found.get("redriveStatus", _REDRIVABLE)
    if status == _REDRIVABLE:
        return None
    reason = found.get("redriveStatusReason") or f"its status is {found['status']}"
    return f"This execution cannot be redriven: {reason}."


def _redrive(console: Console, query: Query) -> str:
    execution = _arn(query)
    _stepfunctions(console, execution).redrive_execution(executionArn=str(execution))
    return execution_address(str(execution))


def _has_ended(found: Mapping[str, Any]) -> str:
    return f"This execution has ended: {found['status'].lower().replace('_', ' ')}."


def _arn(query: Query) -> ExecutionArn:
    text = argument(query, "arn")
    execution = parse_standard_execution(text)
    if execution is None:
        raise PageNotFoundError(f"{text} is not the ARN of a Standard execution")
    return execution


def _describe(console: Console, execution: ExecutionArn) -> Mapping[str, Any]:
    try:
        return _stepfunctions(console, execution).describe_execution(executionArn=str(execution))
    except ClientError as error:
        if error_code(error) not in _MISSING:
            raise
        raise PageNotFoundError(f"execution {execution} does not exist in {console.target}") from error


def _stepfunctions(console: Console, execution: ExecutionArn) -> SFNClient:
    return console.target.client("stepfunctions", execution.region)  # type: ignore[no-any-return]


ACTS = (
    new_act("stop-execution", _ask_stop, _stop),
    new_act("redrive", _ask_redrive, _redrive),
)
