"""What ministack lacks on the way from a written object, by EventBridge, to a function."""

from __future__ import annotations

import contextvars
import json
import logging
import threading
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError
from ministack.services import eventbridge, lambda_svc, s3

from stepline.localaws import service_policies
from stepline.localaws.emulators.ministack_properties import Properties, _after
from stepline.localaws.iam import Actor
from stepline.localaws.iam.acting import acting_as

_log = logging.getLogger(__name__)

Clients = Callable[[str], Any]
"""boto3 clients of the local AWS, by the service's name, which act as whoever acts."""

_SERVICE = "events.amazonaws.com"
_MAX_ERROR_CHARACTERS = 1_024  # "ErrorMessage" [Lambda developer guide, "Dead-letter queues"]

_version: contextvars.ContextVar[str | None] = contextvars.ContextVar("version", default=None)


def tell_versions() -> None:
    """S3's events on EventBridge lack the object's version: that is how a write is told from another."""
    original_fire, original_dispatch = s3._fire_s3_event, eventbridge._dispatch_event

    def fire(*args: Any, version_id: str | None = None, **kwargs: Any) -> None:
        token = _version.set(version_id)
        try:
            original_fire(*args, version_id=version_id, **kwargs)
        finally:
            _version.reset(token)

    def dispatch(event: dict[str, Any], *args: Any) -> None:
        if event.get("Source") == "aws.s3" and (version := _version.get()):
            detail = json.loads(event["Detail"])
            detail["object"]["version-id"] = version
            event = {**event, "Detail": json.dumps(detail)}
        original_dispatch(event, *args)

    s3._fire_s3_event = fire
    eventbridge._dispatch_event = dispatch


def invoke_functions(clients: Clients) -> None:
    """Invoke a rule's function as Lambda runs events, twice more when it fails; if its policy allows.

    ministack runs it once, and asks nobody. What cannot be delivered goes to the target's own queue.
    """
    original = eventbridge._invoke_target

    def invoke_target(
        target: dict[str, Any], event: dict[str, Any], rule: dict[str, Any], view: Any = None
    ) -> None:
        arn = target.get("Arn", "")
        if arn.split(":")[2:3] != ["lambda"]:
            original(target, event, rule, view)
            return
        found = lambda_svc.function_policy_for_arn(arn)
        policy = found and found[0]
        if service_policies.allows(policy, _SERVICE, "lambda:InvokeFunction", arn, source_arn=rule["Arn"]):
            original(target, event, rule, view)
        else:
            _log.warning("EventBridge may not invoke %s", arn)
            # Its calls come back to this process, whose one loop may be the one that waits here.
            work = (_keep, clients, target, rule["Arn"], event, view)
            threading.Thread(target=contextvars.copy_context().run, args=work, daemon=True).start()

    def run(arn: str, payload: str) -> None:
        function, configuration, name = lambda_svc._get_func_record_for_ref(arn)
        if not function or not configuration:
            _log.warning("EventBridge cannot find the function %s", name)
            return
        record = lambda_svc._execution_record_for_config(function, configuration)
        lambda_svc.invoke_async_with_retry(record, json.loads(payload))

    eventbridge._invoke_target = invoke_target
    eventbridge._dispatch_to_lambda = run


def _keep(clients: Clients, target: dict[str, Any], rule_arn: str, event: dict[str, Any], view: Any) -> None:
    """Put the event into the queue of the target, if it has one that lets EventBridge in.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html
    """
    queue = target.get("DeadLetterConfig", {}).get("Arn")
    if not queue:
        return
    try:
        sqs = clients("sqs")
        url = sqs.get_queue_url(QueueName=queue.split(":")[5])["QueueUrl"]
        attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"]).get("Attributes", {})
        if not service_policies.allows(
            attributes.get("Policy"), _SERVICE, "sqs:SendMessage", queue, source_arn=rule_arn
        ):
            _log.warning("EventBridge may not send to %s", queue)
            return
        view = view or eventbridge._pattern_event_view(event)
        said = {"RULE_ARN": rule_arn, "TARGET_ARN": target["Arn"], "ERROR_CODE": "NO_PERMISSIONS"}
        _send(sqs, url, view.event_with_detail(), said)
    except ClientError:
        _log.exception("EventBridge could not send to %s", queue)


def _remember_dead_letter_queues() -> None:
    """Give a function the dead-letter queue of its template, which ministack's CloudFormation drops."""

    def apply(name: str, properties: Properties) -> None:
        configuration = lambda_svc._functions[name]["config"]
        configuration.pop("DeadLetterConfig", None)
        if "DeadLetterConfig" in properties:
            configuration["DeadLetterConfig"] = dict(properties["DeadLetterConfig"])

    _after("AWS::Lambda::Function", apply)


def keep_lost_events(clients: Clients) -> None:
    """Put an event that a function failed with into its dead-letter queue as AWS does: the event itself.

    The function's role must allow it. ministack writes what a failure destination gets, and asks nobody.

    https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
    """
    _remember_dead_letter_queues()
    original = lambda_svc._route_async_failure

    def route(target_arn: str, name: str, event: Any, result: dict[str, Any]) -> None:
        configuration = lambda_svc._functions[name]["config"]
        if (
            configuration.get("DeadLetterConfig", {}).get("TargetArn") != target_arn
            or ":sqs:" not in target_arn
        ):
            original(target_arn, name, event, result)
            return
        body = result.get("body")
        message = body.get("errorMessage", "") if isinstance(body, dict) else ""
        said = {"ErrorCode": "200", "ErrorMessage": message[:_MAX_ERROR_CHARACTERS] or "Unknown"}
        try:
            with acting_as(Actor("lambda.amazonaws.com", configuration["Role"], name)):
                sqs = clients("sqs")
                account_id, queue = target_arn.split(":")[4:6]
                _send(sqs, f"{sqs.meta.endpoint_url}/{account_id}/{queue}", event, said)
        except ClientError as error:
            _log.warning("%s could not keep an event in %s: %s", name, target_arn, error)

    lambda_svc._route_async_failure = route


def _send(sqs: Any, url: str, event: Any, said: dict[str, str]) -> None:
    attributes = {name: {"DataType": "String", "StringValue": text} for name, text in said.items()}
    sqs.send_message(QueueUrl=url, MessageBody=json.dumps(event), MessageAttributes=attributes)
