"""The change set of a deployment, as it is passed between the tasks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from statemachines.deploy.errors import ChangeSetFailedError
from statemachines.deploy.permission_advice import with_advice
from statemachines.deploy.task import missing_capabilities
from statemachines.deploy.waiting import WaitProgress
from stepline.core.cloudformation.change_sets import ChangeSetState, change_set_state
from stepline.core.cloudformation.errors import StackChangedError
from stepline.core.fields import Fields, JsonObject
from stepline.core.text import quoted


@dataclass(frozen=True)
class ChangeSet:
    """`id` and `stack_id` are ARNs; `stack_policy` is the policy to set, empty if the stack keeps its own.

    Requests name the stack although the change set's ARN would be enough: IAM policies are about stacks.
    """

    id: str
    stack_id: str
    stack_policy: str
    progress: WaitProgress

    @classmethod
    def parse(cls, event: Fields) -> Self:
        """Parse the member `changeSet` of an event."""
        change_set = event.section("changeSet")
        return cls(
            id=change_set.text("id"),
            stack_id=change_set.text("stackId"),
            stack_policy=change_set.text_or_empty("stackPolicy"),
            progress=WaitProgress.parse(change_set.section("progress")),
        )

    def to_json(self) -> JsonObject:
        return {
            "id": self.id,
            "stackId": self.stack_id,
            "stackPolicy": self.stack_policy,
            "progress": self.progress.to_json(),
        }


def check_state(status: str, execution_status: str, reason: str) -> ChangeSetState:
    """Return RUNNING, READY or UNCHANGED.

    Raise `StackChangedError` if the change set was deleted or is obsolete, `MissingCapabilityError` (a macro
    may add resources that need one), or `ChangeSetFailedError`.
    """
    match change_set_state(status, execution_status, reason):
        case ChangeSetState.FAILED:
            raise missing_capabilities(reason) or ChangeSetFailedError(with_advice(reason))
        case ChangeSetState.INVALID:
            raise change_set_invalid()
        case ChangeSetState.UNKNOWN:
            raise ChangeSetFailedError(
                f"The change set has the status {quoted(status)}, which this version does not know."
            )
        case state:
            return state


def change_set_invalid() -> StackChangedError:
    return StackChangedError("The change set is no longer valid: the stack was changed by another process.")
