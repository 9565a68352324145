"""The decorator of Deploy's task handlers, and what AWS's errors mean for a deployment."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from typing import Any, Final

from statemachines.deploy.errors import MissingCapabilityError
from statemachines.deploy.permission_advice import with_advice
from statemachines.deploy.request import find_target
from statemachines.task import Handler, TaskFunction
from statemachines.task import task as any_task
from stepline.core.aws_errors import AwsFailure, error_code, error_message, reason, translate
from stepline.core.clients import AssumedRole, assuming
from stepline.core.cloudformation.errors import (
    StackChangedError,
    stack_does_not_exist,
    stack_is_in_wrong_state,
)
from stepline.core.errors import PermissionDeniedError, SteplineError
from stepline.core.fields import Fields, JsonObject
from stepline.core.limits import MAX_REASON_CHARACTERS
from stepline.core.text import cut

_CAPABILITY = re.compile(r"\bCAPABILITY_[A-Z_]+\b")


def translate_for_deploy(error: AwsFailure) -> SteplineError:
    """Return the error to raise for `error`: as `translate`, but also the errors of a deployment."""
    if error_code(error) == "InsufficientCapabilitiesException":
        return missing_capabilities(error_message(error)) or translate(error)
    if stack_does_not_exist(error) or stack_is_in_wrong_state(error):
        return StackChangedError(reason(error))
    translated = translate(error)
    if isinstance(translated, PermissionDeniedError):
        return PermissionDeniedError(with_advice(translated.message), **translated.fields)
    return translated


def missing_capabilities(reason: str) -> MissingCapabilityError | None:
    """Parse CloudFormation's "Requires capabilities : [CAPABILITY_IAM]"; return None for other reasons."""
    names = dict.fromkeys(_CAPABILITY.findall(reason)) if "equires capabilities" in reason else {}
    return MissingCapabilityError(names, reason=cut(reason, MAX_REASON_CHARACTERS)) if names else None


_task: Final = any_task("deploy", translate_for_deploy)


def task(work: TaskFunction) -> Handler:
    """Create a Lambda handler, whose calls of CloudFormation and IAM go to the request's target."""
    handle = _task(work)

    @functools.wraps(work)
    def handle_in_target(event: Any, context: Any) -> JsonObject:
        with assuming(_role(event)):
            return handle(event, context)

    return handle_in_target


def _role(event: Any) -> AssumedRole | None:
    if not isinstance(event, Mapping) or not isinstance(event.get("request"), Mapping):
        return None
    target = find_target(Fields(event["request"], "the input"))
    return target.role if target else None
