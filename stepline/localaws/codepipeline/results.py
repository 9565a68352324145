"""What the provider of an action reports: a failure, a revision, summary and output variables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from stepline.core.failure_types import FailureType


class ActionFailedError(Exception):
    """An action's work failed; the action fails with this code and message."""

    def __init__(self, code: FailureType, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True, kw_only=True)
class ErrorDetails:
    """Why an action failed. Users read `message`, so it says what to change."""

    code: FailureType
    message: str


@dataclass(frozen=True, kw_only=True)
class Revision:
    """The revision that a source action found.

    `id`: commit id or object version. `variables`: the source action's output variables.
    `url`: a page of the AWS console.
    """

    id: str
    summary: str | None = None
    created: datetime | None = None
    url: str | None = None
    variables: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class CurrentRevision:
    """The revision that an action reports to have processed (GetPipelineState)."""

    id: str
    change_id: str
    created: datetime


@dataclass(frozen=True, kw_only=True)
class ActionResult:
    """What an action's provider reports, when the action ends or continues with another job.

    None and empty values keep what was reported earlier. `output_variables` and `source_revision` count
    only if the action succeeds.
    """

    error: ErrorDetails | None = None
    summary: str | None = None
    percent_complete: int | None = None
    external_id: str | None = None
    external_url: str | None = None
    log_stream_arn: str | None = None
    output_variables: Mapping[str, str] = field(default_factory=dict)
    source_revision: Revision | None = None
    current_revision: CurrentRevision | None = None

    @classmethod
    def failure(cls, code: FailureType, message: str) -> ActionResult:
        return cls(error=ErrorDetails(code=code, message=message))
