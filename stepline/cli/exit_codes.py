"""The exit codes of commands that watch an execution of a pipeline."""

from __future__ import annotations

from enum import IntEnum

from stepline.aws.pipeline_executions import PipelineExecution
from stepline.aws.statuses import Status


class ExitCode(IntEnum):
    """click uses 2 for a wrong command line."""

    SUCCEEDED = 0
    FAILED = 1
    NOT_FINISHED = 3  # stopped, superseded or cancelled: neither succeeded nor failed
    TIMED_OUT = 124  # as timeout(1)


def exit_code(execution: PipelineExecution) -> ExitCode:
    """Return the exit code for an execution that has ended."""
    match execution.status:
        case Status.SUCCEEDED:
            return ExitCode.SUCCEEDED
        case Status.FAILED:
            return ExitCode.FAILED
    return ExitCode.NOT_FINISHED
