"""The change set of a deployment, as it passes between the tasks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from statemachines.deploy.aws_errors import missing_capabilities
from statemachines.deploy.errors import ChangeSetFailedError
from statemachines.deploy.waiting import Progress
from statemachines.fields import Fields, JsonObject
from stepline.core.cloudformation.change_sets import ChangeSetState, change_set_state
from stepline.core.cloudformation.errors import StackChangedError
from stepline.core.text import quoted


@dataclass(frozen=True)
class ChangeSet:
    """`id` and `stack_id` are ARNs; `stack_policy` is what the stack shall get, empty for what it has.

    The stack is named in every request, although the ARN alone would do: IAM policies are about stacks.
    """

    id: str
    stack_id: str
    stack_policy: str
    progress: Progress

    @classmethod
    def parse(cls, fields: Fields) -> Self:
        return cls(
            id=fields.text("id"),
            stack_id=fields.text("stackId"),
            stack_policy=fields.text_or_empty("stackPolicy"),
            progress=Progress.parse(fields.section("progress")),
        )

    def to_json(self) -> JsonObject:
        return {
            "id": self.id,
            "stackId": self.stack_id,
            "stackPolicy": self.stack_policy,
            "progress": self.progress.to_json(),
        }


def check_state(status: str, execution_status: str, reason: str) -> ChangeSetState:
    """RUNNING, READY or UNCHANGED.

    Raises `StackChangedError` if it was deleted or made obsolete, `MissingCapabilityError` (a macro may
    bring resources that need one), `ChangeSetFailedError`.
    """
    match change_set_state(status, execution_status, reason):
        case ChangeSetState.FAILED:
            raise missing_capabilities(reason) or ChangeSetFailedError(reason)
        case ChangeSetState.INVALID:
            raise invalid()
        case ChangeSetState.UNKNOWN:
            raise ChangeSetFailedError(
                f"The change set has the status {quoted(status)}, which this version does not know."
            )
        case state:
            return state


def invalid() -> StackChangedError:
    return StackChangedError("The change set is no longer valid: the stack was changed by another process.")
