"""Patches ministack's EventBridge: which events it takes, and to which targets and how it delivers them."""

from __future__ import annotations

import contextvars
import json
import logging
import threading
from collections.abc import Callable
from typing import Any

from ministack.services import eventbridge, lambda_svc, s3

from stepline.localaws import service_policies
from stepline.localaws.cloudwatch import Metric
from stepline.localaws.emulators.ministack import cloudwatch
from stepline.localaws.emulators.ministack.dead_letter_queues import Clients, send_undelivered_event
from stepline.localaws.events import AwsEvent
from stepline.localaws.iam import Actor, Permission
from stepline.localaws.service_roles import ServiceRoles

_log = logging.getLogger(__name__)

_SERVICE = "events.amazonaws.com"
SCHEDULER = "scheduler.amazonaws.com"
_DEFAULT_BUS = "default"

Deliver = Callable[[str, str, str], object]
"""Takes the target's ARN, the rule's ARN and the event (or the rule's input) as JSON text."""

_Json = dict[str, Any]

invoking_service: contextvars.ContextVar[str] = contextvars.ContextVar("invoking_service", default=_SERVICE)
"""The service that invokes targets now. EventBridge Scheduler does so with ministack's EventBridge."""

_object_version: contextvars.ContextVar[str | None] = contextvars.ContextVar("object_version", default=None)


def publish(event: AwsEvent) -> None:
    """Put an AWS service's own event on the default bus; PutEvents refuses sources that begin with `aws.`."""
    eventbridge._put_events({"Entries": [_entry(event)]}, allow_aws_source=True)


def targets_of(event: AwsEvent) -> list[str]:
    """Return the ARNs of the targets of the rules on the default bus that match the event."""
    view = eventbridge._pattern_event_view(_entry(event))
    return [
        target["Arn"]
        for key, rule in _rules_of_default_bus()
        if eventbridge._matches_pattern_view(rule["EventPattern"], view)
        for target in eventbridge._targets.get(key, ())
    ]


def patterns_of_rules() -> list[_Json]:
    """Return the event patterns of the rules on the default bus."""
    return [json.loads(rule["EventPattern"]) for _, rule in _rules_of_default_bus()]


def _rules_of_default_bus() -> list[tuple[str, _Json]]:
    return [
        (key, rule)
        for key, rule in eventbridge._rules.items()
        if rule.get("EventBusName", _DEFAULT_BUS) == _DEFAULT_BUS
        and rule.get("State") == "ENABLED"
        and rule.get("EventPattern")
    ]


def _entry(event: AwsEvent) -> _Json:
    return {
        "Source": event.source,
        "DetailType": event.detail_type,
        "Detail": json.dumps(event.detail),
        "Resources": list(event.resources),
        "Time": event.time.timestamp(),
    }


def add_versions_to_s3_events() -> None:
    """Add the object's version to S3's events, which distinguishes two writes; ministack leaves it out."""
    original_fire, original_dispatch = s3._fire_s3_event, eventbridge._dispatch_event

    def fire(*args: Any, version_id: str | None = None, **kwargs: Any) -> None:
        token = _object_version.set(version_id)
        try:
            original_fire(*args, version_id=version_id, **kwargs)
        finally:
            _object_version.reset(token)

    def dispatch(event: _Json, *args: Any) -> None:
        if event.get("Source") == "aws.s3" and (version := _object_version.get()):
            detail = json.loads(event["Detail"])
            detail["object"]["version-id"] = version
            event = {**event, "Detail": json.dumps(detail)}
        original_dispatch(event, *args)

    s3._fire_s3_event = fire
    eventbridge._dispatch_event = dispatch


def deliver_to(action: str, deliver: Deliver, roles: ServiceRoles) -> None:
    """Deliver events for targets of the action's service with `deliver`, if the target's role allows it.

    ministack does not know pipelines as targets, and starts state machines on an interpreter of its own.
    """

    def invoke(target: _Json, event: _Json, rule: _Json, view: Any, _original: Any) -> None:
        arn = target["Arn"]
        try:
            actor = Actor(invoking_service.get(), target.get("RoleArn", ""), rule.get("Name", "rule"))
            roles.authorize(actor, [Permission(action, arn)])
            deliver(arn, rule.get("Arn", ""), _input(target, event, rule, view))
        except Exception:
            _log.exception("EventBridge cannot deliver to %s", arn)
            name = rule.get("Name", "")
            cloudwatch.record(Metric("AWS/Events", "FailedInvocations", {"RuleName": name}))

    _invoke_targets_of(action.partition(":")[0], invoke)


def invoke_functions_as_lambda(clients: Clients) -> None:
    """Invoke a rule's function asynchronously, with two retries, if the function's policy allows it.

    ministack runs it once, and checks no policy. An event without permission is sent to the target's
    dead-letter queue.
    """

    def invoke(target: _Json, event: _Json, rule: _Json, view: Any, original: Any) -> None:
        arn = target["Arn"]
        if invoking_service.get() == SCHEDULER:  # which needs the permission of its role, not of the function
            original(target, event, rule, view)
            return
        found = lambda_svc.function_policy_for_arn(arn)
        policy = found and found[0]
        if service_policies.allows(policy, _SERVICE, "lambda:InvokeFunction", arn, source_arn=rule["Arn"]):
            original(target, event, rule, view)
            return
        _log.warning("EventBridge may not invoke %s", arn)
        # On another thread: the calls are to this process, whose only event loop may wait here.
        document = (view or eventbridge._pattern_event_view(event)).event_with_detail()
        work = (send_undelivered_event, clients, _SERVICE, target, rule["Arn"], document)
        threading.Thread(target=contextvars.copy_context().run, args=work, daemon=True).start()

    def run(arn: str, payload: str) -> None:
        function, configuration, name = lambda_svc._get_func_record_for_ref(arn)
        if not function or not configuration:
            _log.warning("EventBridge cannot find the function %s", name)
            return
        record = lambda_svc._execution_record_for_config(function, configuration)
        lambda_svc.invoke_async_with_retry(record, json.loads(payload))

    _invoke_targets_of("lambda", invoke)
    eventbridge._dispatch_to_lambda = run


def _invoke_targets_of(service: str, invoke: Callable[[_Json, _Json, _Json, Any, Any], None]) -> None:
    """Let `invoke` deliver to targets of the service; it also gets ministack's own function to do so."""
    original = eventbridge._invoke_target

    def invoke_target(target: _Json, event: _Json, rule: _Json, view: Any = None) -> None:
        if target.get("Arn", "").split(":")[2:3] == [service]:
            invoke(target, event, rule, view, original)
        else:
            original(target, event, rule, view)

    eventbridge._invoke_target = invoke_target


def _input(target: _Json, event: _Json, rule: _Json, view: Any) -> str:
    view = view or eventbridge._pattern_event_view(event)
    if transformer := target.get("InputTransformer"):
        return str(eventbridge._apply_input_transformer(transformer, rule, view))
    return str(target.get("Input") or json.dumps(view.event_with_detail()))
