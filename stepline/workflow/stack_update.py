"""Whether a stack can be updated, and waiting until it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stepline.aws.polling import Polling
from stepline.aws.stack_updates import OperationFailedError, wait_for_operation
from stepline.core.cloudformation.operations import Operation
from stepline.core.cloudformation.stack_status import Phase, parse_status, phase_of
from stepline.core.errors import UsageError

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudformation.type_defs import StackTypeDef


def check_updatable(stack: StackTypeDef) -> None:
    """Raises UsageError."""
    name, status = stack["StackName"], stack["StackStatus"]
    phase = phase_of(parse_status(status))
    if phase is Phase.RUNNING:
        raise UsageError(f"the stack {name} is {status}: it is being updated; try again when that is over")
    if phase not in {Phase.DONE, Phase.ROLLED_BACK}:
        raise UsageError(f"the stack {name} is {status} and cannot be updated: its owner must repair it")


def wait_for_update(cloudformation: CloudFormationClient, operation: Operation, polling: Polling) -> None:
    """Raises UsageError, with the reason, if the update failed or was rolled back."""
    try:
        wait_for_operation(cloudformation, operation, polling)
    except OperationFailedError as error:
        outcome = error.outcome
        state = (
            f"{outcome.stack_name} is as it was before ({outcome.status})"
            if outcome.phase is Phase.ROLLED_BACK
            else f"{outcome.stack_name} is {outcome.status}: a person must look at it"
        )
        raise UsageError(f"the update failed, and {state}", details=[error.message]) from error
