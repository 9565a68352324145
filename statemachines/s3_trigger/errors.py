"""Errors of the S3 trigger and of its sample, besides those of `stepline.core.errors`."""

from __future__ import annotations

from stepline.core.errors import SteplineError


class InvalidEventError(SteplineError):
    """The event of a written object lacks the object's key."""


class ExpressNotSupportedError(SteplineError):
    """The state machine is Express: a repeated event would start a second execution."""


class ObjectDeletedError(SteplineError):
    """The object, or this version of it, was deleted before it was read."""
