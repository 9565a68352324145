"""Errors of approvals, besides those of `stepline.core.errors`."""

from __future__ import annotations

from stepline.core.errors import SteplineError


class ApprovalRejectedError(SteplineError):
    """A person rejected the change."""


class ApprovalExpiredError(SteplineError):
    """Nobody answered the request for approval in time."""


class ApprovalDecidedError(SteplineError):
    """The request for approval has already been answered, so nobody needs to be asked again."""


class ApprovalRefusedError(SteplineError):
    """An answer to a request for approval is not accepted. The message says why and what to do."""
