"""What an exception of botocore means for a deployment."""

from __future__ import annotations

import re

from statemachines import aws_errors
from statemachines.deploy.errors import MissingCapabilityError, StackMovedError
from statemachines.errors import (
    MAX_REASON_CHARACTERS,
    TaskError,
)
from stepline.core.aws_errors import AwsFailure, Trouble, classify, error_code, error_message
from stepline.core.errors import cut

# CloudFormation has no error codes for these: what differs is the message of a ValidationError.
_DOES_NOT_EXIST = re.compile(r"^Stack\b.* does not exist$")
_IN_WRONG_STATE = re.compile(
    r"\bis in [A-Z_]+ state and can ?not be (?:updated|executed|deleted)|in a non-terminal \[[A-Z_]+\] state"
)
_NO_TEMPLATE = re.compile(r"^S3 error: The specified key does not exist")
_CAPABILITY = re.compile(r"\bCAPABILITY_[A-Z_]+\b")


def explain(error: AwsFailure) -> TaskError:
    """The error of ours that says what happens next."""
    if error_code(error) == "InsufficientCapabilitiesException":
        return missing_capabilities(error_message(error)) or aws_errors.explain(error)
    if stack_does_not_exist(error) or stack_is_in_wrong_state(error):
        return StackMovedError(aws_errors.reason(error))
    return aws_errors.explain(error)


def is_throttle_or_outage(error: AwsFailure) -> bool:
    return classify(error) is Trouble.TRANSIENT


def stack_does_not_exist(error: AwsFailure) -> bool:
    """True only for CloudFormation's own statement that there is no such stack."""
    return error_code(error) == "ValidationError" and bool(
        _DOES_NOT_EXIST.search(error_message(error).strip())
    )


def stack_is_in_wrong_state(error: AwsFailure) -> bool:
    """True if the stack has begun another operation meanwhile."""
    return error_code(error) == "ValidationError" and bool(_IN_WRONG_STATE.search(error_message(error)))


def template_is_gone(error: AwsFailure) -> bool:
    """True if CloudFormation found no object at the TemplateURL."""
    return error_code(error) == "ValidationError" and bool(_NO_TEMPLATE.search(error_message(error)))


def missing_capabilities(reason: str) -> MissingCapabilityError | None:
    """From CloudFormation's "Requires capabilities : [CAPABILITY_IAM]"; None if it says no such thing."""
    names = dict.fromkeys(_CAPABILITY.findall(reason)) if "equires capabilities" in reason else {}
    return MissingCapabilityError(names, reason=cut(reason, MAX_REASON_CHARACTERS)) if names else None
