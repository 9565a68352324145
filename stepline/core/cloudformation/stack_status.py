"""What each status of a CloudFormation stack means for a deployment."""

from __future__ import annotations

from enum import Enum, StrEnum

from stepline.core.cloudformation.errors import ManualInterventionRequiredError
from stepline.core.text import quoted


class StackStatus(StrEnum):
    """All of them: `StackStatus` of botocore's model of CloudFormation."""

    CREATE_IN_PROGRESS = "CREATE_IN_PROGRESS"
    CREATE_FAILED = "CREATE_FAILED"
    CREATE_COMPLETE = "CREATE_COMPLETE"
    ROLLBACK_IN_PROGRESS = "ROLLBACK_IN_PROGRESS"
    ROLLBACK_FAILED = "ROLLBACK_FAILED"
    ROLLBACK_COMPLETE = "ROLLBACK_COMPLETE"
    DELETE_IN_PROGRESS = "DELETE_IN_PROGRESS"
    DELETE_FAILED = "DELETE_FAILED"
    DELETE_COMPLETE = "DELETE_COMPLETE"
    UPDATE_IN_PROGRESS = "UPDATE_IN_PROGRESS"
    UPDATE_COMPLETE_CLEANUP_IN_PROGRESS = "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"
    UPDATE_COMPLETE = "UPDATE_COMPLETE"
    UPDATE_FAILED = "UPDATE_FAILED"
    UPDATE_ROLLBACK_IN_PROGRESS = "UPDATE_ROLLBACK_IN_PROGRESS"
    UPDATE_ROLLBACK_FAILED = "UPDATE_ROLLBACK_FAILED"
    UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS = "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS"
    UPDATE_ROLLBACK_COMPLETE = "UPDATE_ROLLBACK_COMPLETE"
    REVIEW_IN_PROGRESS = "REVIEW_IN_PROGRESS"
    IMPORT_IN_PROGRESS = "IMPORT_IN_PROGRESS"
    IMPORT_COMPLETE = "IMPORT_COMPLETE"
    IMPORT_ROLLBACK_IN_PROGRESS = "IMPORT_ROLLBACK_IN_PROGRESS"
    IMPORT_ROLLBACK_FAILED = "IMPORT_ROLLBACK_FAILED"
    IMPORT_ROLLBACK_COMPLETE = "IMPORT_ROLLBACK_COMPLETE"


class Phase(Enum):
    """What a deployment may do with a stack, or must think of its operation."""

    RUNNING = "an operation is under way: wait"
    DONE = "the last operation succeeded: the stack can be updated"
    ROLLED_BACK = "the last operation was undone: the stack is as before and can be updated"
    USELESS = "never came to life, and all that CloudFormation allows is to delete it"
    STUCK = "a person must decide"
    GONE = "deleted"


_PHASES = {
    StackStatus.CREATE_IN_PROGRESS: Phase.RUNNING,
    StackStatus.ROLLBACK_IN_PROGRESS: Phase.RUNNING,
    StackStatus.DELETE_IN_PROGRESS: Phase.RUNNING,
    StackStatus.UPDATE_IN_PROGRESS: Phase.RUNNING,
    # The new resources are there, the old ones are being removed; no update is accepted meanwhile.
    StackStatus.UPDATE_COMPLETE_CLEANUP_IN_PROGRESS: Phase.RUNNING,
    StackStatus.UPDATE_ROLLBACK_IN_PROGRESS: Phase.RUNNING,
    StackStatus.UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS: Phase.RUNNING,
    StackStatus.IMPORT_IN_PROGRESS: Phase.RUNNING,
    StackStatus.IMPORT_ROLLBACK_IN_PROGRESS: Phase.RUNNING,
    StackStatus.CREATE_COMPLETE: Phase.DONE,
    StackStatus.UPDATE_COMPLETE: Phase.DONE,
    StackStatus.IMPORT_COMPLETE: Phase.DONE,
    StackStatus.UPDATE_ROLLBACK_COMPLETE: Phase.ROLLED_BACK,
    StackStatus.IMPORT_ROLLBACK_COMPLETE: Phase.ROLLED_BACK,
    # A change set for a new stack that nobody executed: there are no resources.
    StackStatus.REVIEW_IN_PROGRESS: Phase.USELESS,
    # A creation that failed and was undone. "The only action you can perform is a delete operation."
    StackStatus.ROLLBACK_COMPLETE: Phase.USELESS,
    # The same, but some resources of the failed creation could not be removed; deleting is all that
    # is allowed here, too, and where it fails again it ends in DELETE_FAILED.
    StackStatus.ROLLBACK_FAILED: Phase.USELESS,
    # A creation or update that failed with rollback switched off: somebody wanted the resources
    # kept, and may still repair, update or roll back.
    StackStatus.CREATE_FAILED: Phase.STUCK,
    StackStatus.UPDATE_FAILED: Phase.STUCK,
    # Somebody was deleting a stack that may hold data; which resources to retain is theirs to say.
    StackStatus.DELETE_FAILED: Phase.STUCK,
    StackStatus.UPDATE_ROLLBACK_FAILED: Phase.STUCK,
    StackStatus.IMPORT_ROLLBACK_FAILED: Phase.STUCK,
    StackStatus.DELETE_COMPLETE: Phase.GONE,
}

_ADVICE = {
    StackStatus.CREATE_FAILED: "Its creation failed and rollback was switched off: repair or delete it.",
    StackStatus.UPDATE_FAILED: "An update failed and rollback was switched off: repair it or roll it back.",
    StackStatus.DELETE_FAILED: "Finish its deletion, choosing which resources to retain.",
    StackStatus.UPDATE_ROLLBACK_FAILED: "Repair what its events name, then continue the update rollback.",
    StackStatus.IMPORT_ROLLBACK_FAILED: "Repair what its events name, then roll the import back.",
}


def parse_status(text: str) -> StackStatus:
    """Raises `ManualInterventionRequiredError` for a status that this program does not know."""
    try:
        return StackStatus(text)
    except ValueError as error:
        raise ManualInterventionRequiredError(
            f"CloudFormation reports the status {quoted(text)}, which this version does not know."
        ) from error


def phase_of(status: StackStatus) -> Phase:
    return _PHASES[status]


def needs_person(stack_name: str, status: StackStatus, reason: str = "") -> ManualInterventionRequiredError:
    """The error for a stack in `Phase.STUCK`, with what a person can do."""
    said = f" CloudFormation says: {reason}" if reason else ""
    return ManualInterventionRequiredError(f"The stack {stack_name} is in {status}. {_ADVICE[status]}{said}")
