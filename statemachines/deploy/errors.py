"""Errors of a deployment, besides those of `stepline.core`, and how the state machine handles all of them.

retry               `TransientAwsError`
second attempt      `StackChangedError`
clean failure       `InvalidInputError`, `ArtifactUnreadableError`, `MissingCapabilityError`,
                    `PermissionDeniedError`, `RequestRefusedError`, `ChangeSetFailedError`,
                    `ReplacementRefusedError`, `ForeignStackError`, `SettingsError`, `ApprovalRejectedError`,
                    `ApprovalExpiredError`, `StalePipelineExecutionError`: nothing was changed
end of the wait     `ApprovalDecidedError`: a request was answered before it was repeated
not in a workflow   `ApprovalRefusedError`: an approver's answer is not accepted
dirty failure       `ManualInterventionRequiredError`, `StackCreationFailedError`, `StackUpdateFailedError`,
                    `StackDeletionFailedError`: a person must check the stack
clean or dirty      `WaitTimedOutError`: clean before anything was changed
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from statemachines.deploy.limits import MAX_ALLOWANCE_CHARACTERS
from stepline.core.errors import SteplineError
from stepline.core.limits import MAX_MESSAGE_CHARACTERS, MAX_REASON_CHARACTERS
from stepline.core.text import cut, joined


class ArtifactUnreadableError(SteplineError):
    """The artifact or a file in it does not exist or cannot be read."""


class MissingCapabilityError(SteplineError):
    """The template needs a capability that was not acknowledged."""

    def __init__(self, capabilities: Iterable[str], *, reason: str = "") -> None:
        self.capabilities = tuple(capabilities)
        names = ", ".join(f'"{name}"' for name in self.capabilities)
        details = f" CloudFormation says: {reason}" if reason else ""
        super().__init__(f'The template needs "capabilities": [{names}] in the input.{details}')


class ChangeSetFailedError(SteplineError):
    """CloudFormation could not create the change set."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(cut(reason, MAX_REASON_CHARACTERS) or "CloudFormation gave no reason.")


class ReplacementRefusedError(SteplineError):
    """The change set would remove or replace resources that hold something, and this is not allowed.

    `dangers` has an entry for each resource, such as "Queue (AWS::SQS::Queue) would be replaced"; `paths` are
    their logical ids, as `allowReplacement` names them.
    """

    def __init__(self, dangers: Sequence[str], paths: Sequence[str]) -> None:
        self.dangers = tuple(dangers)
        names = json.dumps(list(paths))
        value = names if len(names) <= MAX_ALLOWANCE_CHARACTERS else "true"
        advice = f'. Nothing was changed. To allow it, set "allowReplacement": {value} in the input.'
        super().__init__(joined(self.dangers, MAX_MESSAGE_CHARACTERS - len(advice), "; ") + advice)


class WaitTimedOutError(SteplineError):
    """A wait loop has reached its limit."""


class ForeignStackError(SteplineError):
    """The stack belongs to another pipeline, or was not created by a pipeline."""


class StalePipelineExecutionError(SteplineError):
    """The action that has started the execution is no longer in progress."""


class StackCreationFailedError(SteplineError):
    """The creation of the stack failed."""


class StackUpdateFailedError(SteplineError):
    """The update failed, and was rolled back or could not be rolled back."""


class CleanUpIncompleteError(SteplineError):
    """Something that a stopped execution has left cannot be deleted yet."""


class StackDeletionFailedError(SteplineError):
    """A stack whose creation failed could not be deleted."""
