"""Errors of the macro, besides those of `stepline.core.errors`. CloudFormation shows their messages."""

from __future__ import annotations

from stepline.core.errors import SteplineError


class MacroUseError(SteplineError):
    """The template calls the macro in a wrong way."""


class DefinitionNotFoundError(SteplineError):
    """The object, or this version of it, does not exist."""


class DefinitionRefusedError(SteplineError):
    """The object is not a definition that may be injected."""
