"""Errors of a rollout, besides those of `stepline.core.errors`. Both end it; some targets are deployed."""

from __future__ import annotations

from stepline.core.errors import SteplineError


class WaveFailedError(SteplineError):
    """More targets of a wave failed than are tolerated. The message says what happened to each target."""


class AlarmError(SteplineError):
    """An alarm is in the state ALARM after a wave, or does not exist."""
