"""Interprets the statuses of stacks: whether an operation is in progress, and what may be done next."""

from __future__ import annotations

from enum import Enum, StrEnum

from stepline.core.cloudformation.errors import ManualInterventionRequiredError
from stepline.core.text import quoted


class StackStatus(StrEnum):
    """All statuses of a stack [model: StackStatus]."""

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
    """What a deployment can do with a stack in a certain status."""

    RUNNING = "an operation is in progress: wait"
    DONE = "the last operation succeeded: the stack can be updated"
    ROLLED_BACK = "the last operation was rolled back: the stack is as before and can be updated"
    DELETE_ONLY = "the creation failed: CloudFormation allows nothing but to delete the stack"
    STUCK = "a person must decide"
    DELETED = "the stack does not exist any more"


_PHASES = {
    StackStatus.CREATE_IN_PROGRESS: Phase.RUNNING,
    StackStatus.ROLLBACK_IN_PROGRESS: Phase.RUNNING,
    StackStatus.DELETE_IN_PROGRESS: Phase.RUNNING,
    StackStatus.UPDATE_IN_PROGRESS: Phase.RUNNING,
    # The update is complete, and old resources are being deleted; no other update is accepted meanwhile.
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
    # A change set for a new stack was created, but not executed: there are no resources.
    StackStatus.REVIEW_IN_PROGRESS: Phase.DELETE_ONLY,
    # A creation failed and was rolled back. "The only action you can perform is a delete operation."
    StackStatus.ROLLBACK_COMPLETE: Phase.DELETE_ONLY,
    # The same, but some resources of the failed creation could not be deleted. If the deletion of the stack
    # fails, too, its status becomes DELETE_FAILED.
    StackStatus.ROLLBACK_FAILED: Phase.DELETE_ONLY,
    # A creation or update failed with rollback disabled: the resources were to be kept, to be repaired,
    # updated or rolled back.
    StackStatus.CREATE_FAILED: Phase.STUCK,
    StackStatus.UPDATE_FAILED: Phase.STUCK,
    # The stack may hold data: a person must choose which resources to retain.
    StackStatus.DELETE_FAILED: Phase.STUCK,
    StackStatus.UPDATE_ROLLBACK_FAILED: Phase.STUCK,
    StackStatus.IMPORT_ROLLBACK_FAILED: Phase.STUCK,
    StackStatus.DELETE_COMPLETE: Phase.DELETED,
}

_ADVICE = {
    StackStatus.CREATE_FAILED: "Its creation failed with rollback disabled: repair or delete it.",
    StackStatus.UPDATE_FAILED: "An update failed with rollback disabled: repair it or roll it back.",
    StackStatus.DELETE_FAILED: "Finish its deletion, choosing which resources to retain.",
    StackStatus.UPDATE_ROLLBACK_FAILED: "Fix the cause that its events show, then continue the rollback.",
    StackStatus.IMPORT_ROLLBACK_FAILED: "Fix the cause that its events show, then roll back the import.",
}


def parse_status(text: str) -> StackStatus:
    """Parse a status. Raise `ManualInterventionRequiredError` for an unknown one."""
    try:
        return StackStatus(text)
    except ValueError as error:
        raise ManualInterventionRequiredError(
            f"CloudFormation reports the status {quoted(text)}, which this version does not know."
        ) from error


def phase_of(status: StackStatus) -> Phase:
    return _PHASES[status]


def manual_intervention_error(
    stack_name: str, status: StackStatus, reason: str = ""
) -> ManualInterventionRequiredError:
    """Return the error for a stack in `Phase.STUCK`, which says what to do."""
    details = f" CloudFormation says: {reason}" if reason else ""
    return ManualInterventionRequiredError(
        f"The stack {stack_name} is in {status}. {_ADVICE[status]}{details}"
    )
