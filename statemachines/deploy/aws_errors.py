"""What an exception of botocore means for a deployment."""

from __future__ import annotations

import re

from statemachines.deploy.errors import MissingCapabilityError
from stepline.core.aws_errors import AwsFailure, error_code, error_message, reason, translate
from stepline.core.cloudformation.errors import (
    StackChangedError,
    stack_does_not_exist,
    stack_is_in_wrong_state,
)
from stepline.core.errors import SteplineError
from stepline.core.limits import MAX_REASON_CHARACTERS
from stepline.core.text import cut

_CAPABILITY = re.compile(r"\bCAPABILITY_[A-Z_]+\b")


def translate_for_deploy(error: AwsFailure) -> SteplineError:
    """As `translate`, with the errors that only a deployment has."""
    if error_code(error) == "InsufficientCapabilitiesException":
        return missing_capabilities(error_message(error)) or translate(error)
    if stack_does_not_exist(error) or stack_is_in_wrong_state(error):
        return StackChangedError(reason(error))
    return translate(error)


def missing_capabilities(reason: str) -> MissingCapabilityError | None:
    """From CloudFormation's "Requires capabilities : [CAPABILITY_IAM]"; None if it says no such thing."""
    names = dict.fromkeys(_CAPABILITY.findall(reason)) if "equires capabilities" in reason else {}
    return MissingCapabilityError(names, reason=cut(reason, MAX_REASON_CHARACTERS)) if names else None
