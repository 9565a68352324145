"""What can go wrong when a written object starts a state machine, and in the sample that it starts.

These come to those of every state machine (`statemachines.errors`).

tell the user   `EventNotUnderstoodError`, `ExpressMachineError`, `ObjectGoneError`
"""

from __future__ import annotations

from stepline.core.errors import SteplineError


class EventNotUnderstoodError(SteplineError):
    """An event that should tell of a written object lacks what every such event has."""


class ExpressMachineError(SteplineError):
    """The state machine to start is an Express one, of which the same event twice would start two."""


class ObjectGoneError(SteplineError):
    """The object, or this version of it, was deleted before it could be read."""
