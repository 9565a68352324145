"""What keeps the macro from injecting a definition. CloudFormation is told each one, and the user by it.

These come to those of every state machine (`statemachines.errors`).

tell the user   all of them
"""

from __future__ import annotations

from stepline.core.errors import SteplineError


class MacroUseError(SteplineError):
    """The template calls the macro in a way that it cannot serve."""


class DefinitionNotFoundError(SteplineError):
    """There is no such object, or not in that version."""


class DefinitionRefusedError(SteplineError):
    """The object is no definition of a state machine that may be injected."""
