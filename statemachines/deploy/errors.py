"""What can go wrong in a deployment, grouped by what happens next.

These come to those of every state machine (`statemachines.errors`).

try again            `TransientAwsError`
start from the top   `StackChangedError`, once
tell the user        `InvalidInputError`, `ArtifactUnreadableError`, `MissingCapabilityError`,
                     `PermissionDeniedError`, `RequestRefusedError`, `ChangeSetFailedError`,
                     `ReplacementRefusedError`, `SettingsError`: nothing was changed
alarm someone        `ManualInterventionRequiredError`, `StackCreationFailedError`, `StackUpdateFailedError`,
                     `StackDeletionFailedError`: a stack was left in a state that someone must look at
it depends           `WaitTimedOutError`: clean before anything was changed, else an alarm

A message begins with the cause, because consoles cut the end; it never holds credentials.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from stepline.core.errors import SteplineError
from stepline.core.limits import MAX_MESSAGE_CHARACTERS, MAX_REASON_CHARACTERS
from stepline.core.text import cut


class StackChangedError(SteplineError):
    """The stack is not as it was found: another writer was at it. The deployment starts again."""


class ArtifactUnreadableError(SteplineError):
    """The artifact, or a file in it, is not there or cannot be read."""


class MissingCapabilityError(SteplineError):
    """The template needs a capability that was not acknowledged."""

    def __init__(self, capabilities: Iterable[str], *, reason: str = "") -> None:
        self.capabilities = tuple(capabilities)
        names = ", ".join(f'"{name}"' for name in self.capabilities)
        why = f" CloudFormation says: {reason}" if reason else ""
        super().__init__(f'The template needs "capabilities": [{names}] in the input.{why}')


class ChangeSetFailedError(SteplineError):
    """CloudFormation could not make the change set."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(cut(reason, MAX_REASON_CHARACTERS) or "CloudFormation gave no reason.")


class ReplacementRefusedError(SteplineError):
    """The change set would remove or replace resources, and that was not allowed.

    `dangers`: one phrase for each resource, as "Queue (AWS::SQS::Queue) would be replaced".
    """

    def __init__(self, dangers: Sequence[str]) -> None:
        self.dangers = tuple(dangers)
        advice = '. Nothing was changed. Set "allowReplacement": true in the input to allow it.'
        super().__init__(_listed(self.dangers, MAX_MESSAGE_CHARACTERS - len(advice)) + advice)


class WaitTimedOutError(SteplineError):
    """A wait loop came to its end."""


class ManualInterventionRequiredError(SteplineError):
    """The stack is in a state that only a person can resolve."""


class StackCreationFailedError(SteplineError):
    """The stack was not created."""


class StackUpdateFailedError(SteplineError):
    """The update was rolled back, or failed and was not even rolled back."""


class StackDeletionFailedError(SteplineError):
    """The remains of a failed stack could not be deleted."""


def _listed(phrases: Sequence[str], max_characters: int) -> str:
    """The phrases, as many as fit, and how many more there are."""
    more = "; and {} more"
    room = max_characters - len(more) - len(str(len(phrases)))
    shown: list[str] = []
    for phrase in phrases:
        room -= len(phrase) + 2
        if room < 0:
            break
        shown.append(phrase)
    rest = len(phrases) - len(shown)
    return "; ".join(shown) + (more.format(rest) if rest else "")
