"""What can go wrong in the process and its facade, besides what can in every state machine.

the step is run again   `S3DataPreconditionError`
tell the caller         `TransactionNotFoundError` (404), `RequestTooLargeError` (413), and
                        `stepline.core.errors.InvalidInputError` (400)
change the step         `DataTooLargeError`
"""

from __future__ import annotations

from stepline.core.errors import SteplineError


class S3DataPreconditionError(SteplineError):
    """The step before has not written its output (yet)."""


class TransactionNotFoundError(SteplineError):
    """There is no such transaction, or it is another caller's: which of the two, nobody is told."""


class RequestTooLargeError(SteplineError):
    """The request's body, or what it says, is longer than what is stored."""


class DataTooLargeError(SteplineError):
    """A step's output, with what is there already, is longer than what can be answered."""
