"""The two ends of ministack's EventBridge that its API does not offer."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any

from ministack.services import eventbridge

from stepline.localaws.events import AwsEvent
from stepline.localaws.iam import Actor, Permission
from stepline.localaws.service_roles import ServiceRoles

_log = logging.getLogger(__name__)

Deliver = Callable[[str, str, str], object]
"""Takes the target's ARN, the rule's ARN and the event (or the rule's input) as JSON text."""


def publish(event: AwsEvent) -> None:
    """Put an AWS service's own event on the default bus: PutEvents refuses `aws.` sources."""
    entry = {
        "Source": event.source,
        "DetailType": event.detail_type,
        "Detail": json.dumps(event.detail),
        "Resources": list(event.resources),
        "Time": event.time.timestamp(),
    }
    eventbridge._put_events({"Entries": [entry]}, allow_aws_source=True)


def deliver_to(action: str, deliver: Deliver, roles: ServiceRoles) -> None:
    """Deliver events for targets of the action's service (the third part of a target's ARN) to `deliver`.

    The target's role must allow the action on the target.

    ministack knows no pipelines, and would start state machines on an interpreter of its own.
    """
    original = eventbridge._invoke_target
    service = action.partition(":")[0]

    def invoke_target(
        target: dict[str, Any], event: dict[str, Any], rule: dict[str, Any], view: Any = None
    ) -> None:
        arn = target.get("Arn", "")
        if arn.split(":")[2:3] != [service]:
            original(target, event, rule, view)
            return
        try:
            actor = Actor("events.amazonaws.com", target.get("RoleArn", ""), rule.get("Name", "rule"))
            roles.authorize(actor, [Permission(action, arn)])
            deliver(arn, rule.get("Arn", ""), _input(target, event, rule, view))
        except Exception:
            _log.exception("EventBridge could not deliver to %s", arn)

    eventbridge._invoke_target = invoke_target


def _input(target: dict[str, Any], event: dict[str, Any], rule: dict[str, Any], view: Any) -> str:
    view = view or eventbridge._pattern_event_view(event)
    if transformer := target.get("InputTransformer"):
        return str(eventbridge._apply_input_transformer(transformer, rule, view))
    return str(target.get("Input") or json.dumps(view.event_with_detail()))
