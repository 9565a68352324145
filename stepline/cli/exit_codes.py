"""The exit codes of commands that follow an execution of a pipeline."""

from __future__ import annotations

from enum import IntEnum

from stepline.aws.runs import PipelineRun
from stepline.aws.statuses import Status


class ExitCode(IntEnum):
    """2 is click's for a wrong command line."""

    SUCCEEDED = 0
    FAILED = 1
    NOT_FINISHED = 3  # stopped, superseded or cancelled: neither succeeded nor failed
    TIMED_OUT = 124  # as timeout(1) has it


def exit_code(run: PipelineRun) -> ExitCode:
    """The exit code for an execution that is over."""
    match run.execution.status:
        case Status.SUCCEEDED:
            return ExitCode.SUCCEEDED
        case Status.FAILED:
            return ExitCode.FAILED
    return ExitCode.NOT_FINISHED
