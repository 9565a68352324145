"""Patches ministack's dead-letter queues: templates lose those of functions, and rules have none."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import ClientError
from ministack.services import lambda_svc

from stepline.localaws import service_policies
from stepline.localaws.emulators.ministack import cloudwatch
from stepline.localaws.emulators.ministack.cloudformation.resource_types import Properties, after_change
from stepline.localaws.iam import Actor, acting_as

Clients = Callable[[str], Any]
"""Returns a boto3 client of the local AWS by the service's name, which signs as the current actor."""

_MAX_ERROR_CHARACTERS = 1_024  # "ErrorMessage" [Lambda developer guide, "Dead-letter queues"]
_log = logging.getLogger(__name__)


def set_queues_of_functions() -> None:
    """Give a function the dead-letter queue of its template, which ministack's CloudFormation drops."""

    def apply(name: str, properties: Properties) -> None:
        configuration = lambda_svc._functions[name]["config"]
        configuration.pop("DeadLetterConfig", None)
        if "DeadLetterConfig" in properties:
            configuration["DeadLetterConfig"] = dict(properties["DeadLetterConfig"])

    after_change("AWS::Lambda::Function", apply)


def send_events_of_failed_functions(clients: Clients) -> None:
    """Send the event itself to the function's dead-letter queue, if the function's role allows it.

    ministack sends what a failure destination would receive, and checks no permission.

    https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
    """
    original = lambda_svc._route_async_failure

    def route(target_arn: str, name: str, event: Any, result: dict[str, Any]) -> None:
        cloudwatch.record_dropped_event(name)
        configuration = lambda_svc._functions[name]["config"]
        is_dead_letter_queue = configuration.get("DeadLetterConfig", {}).get("TargetArn") == target_arn
        if not is_dead_letter_queue or ":sqs:" not in target_arn:
            original(target_arn, name, event, result)
            return
        body = result.get("body")
        message = body.get("errorMessage", "") if isinstance(body, dict) else ""
        reasons = {"ErrorCode": "200", "ErrorMessage": message[:_MAX_ERROR_CHARACTERS] or "Unknown"}
        try:
            with acting_as(Actor("lambda.amazonaws.com", configuration["Role"], name)):
                sqs = clients("sqs")
                account_id, queue = target_arn.split(":")[4:6]
                _send(sqs, f"{sqs.meta.endpoint_url}/{account_id}/{queue}", event, reasons)
        except ClientError as error:
            _log.warning("%s cannot send an event to %s: %s", name, target_arn, error)

    lambda_svc._route_async_failure = route


def send_undelivered_event(
    clients: Clients, service: str, target: dict[str, Any], rule_arn: str, event: Any
) -> None:
    """Send an event to the queue of a rule's target, if it has one whose policy lets `service` send messages.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html
    """
    queue = target.get("DeadLetterConfig", {}).get("Arn")
    if not queue:
        return
    try:
        sqs = clients("sqs")
        url = sqs.get_queue_url(QueueName=queue.split(":")[5])["QueueUrl"]
        attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"]).get("Attributes", {})
        policy = attributes.get("Policy")
        if not service_policies.allows(policy, service, "sqs:SendMessage", queue, source_arn=rule_arn):
            _log.warning("%s may not send to %s", service, queue)
            return
        reasons = {"RULE_ARN": rule_arn, "TARGET_ARN": target["Arn"], "ERROR_CODE": "NO_PERMISSIONS"}
        _send(sqs, url, event, reasons)
    except ClientError:
        _log.exception("%s cannot send to %s", service, queue)


def _send(sqs: Any, url: str, event: Any, reasons: Mapping[str, str]) -> None:
    attributes = {name: {"DataType": "String", "StringValue": text} for name, text in reasons.items()}
    sqs.send_message(QueueUrl=url, MessageBody=json.dumps(event), MessageAttributes=attributes)
