"""How ministack's services behave without the patches."""

from __future__ import annotations

import inspect
import json
import logging
from typing import Any

from ministack import app
from ministack.core import iam_actions
from ministack.services import dynamodb, eventbridge, lambda_svc, s3, scheduler, stepfunctions, sts
from ministack.services.cloudformation import provisioners

_PIPELINE = "arn:aws:codepipeline:us-east-1:000000000000:p"
_RULE = {"Name": "r", "Arn": "arn:aws:events:us-east-1:000000000000:rule/r"}
_EVENT = {"Source": "s", "DetailType": "d", "Detail": "{}", "EventId": "1", "Time": "2026-01-01T00:00:00Z"}


async def facts() -> dict[str, Any]:
    put = eventbridge._put_events(
        {"Entries": [{"Source": "aws.codecommit", "DetailType": "d", "Detail": "{}"}]}
    )
    bucket, machine = _create_bucket_and_machine()
    sts.register_session("expired", {"Expiration": 1.0})
    sts.register_session("another", {})
    return {
        "services": sorted({"codecommit", "codepipeline", "states"} & app.SERVICE_HANDLERS.keys()),
        "resource types": sorted(
            {
                "AWS::CodeCommit::Repository",
                "AWS::CodePipeline::CustomActionType",
                "AWS::CodePipeline::Pipeline",
            }
            & provisioners._RESOURCE_HANDLERS.keys()
        ),
        "pipeline target": [text for text in _warnings_of_pipeline_target() if _PIPELINE in text],
        "aws source": json.loads(put[2])["FailedEntryCount"],
        "handler errors": "Runtime.HandlerError" in inspect.getsource(lambda_svc._execute_function_warm),
        "encryption without a key": s3._resolve_sse_write_headers(
            {"x-amz-server-side-encryption": "aws:kms"}, bucket
        )[0],
        "bucket encryption": s3._bucket_default_sse_headers(bucket),
        "seconds between schedules": [
            eventbridge._SCHEDULER_TICK_INTERVAL,
            scheduler._SCHEDULE_TICK_INTERVAL,
        ],
        "schedule": _create_schedule(),
        "time to live": _create_table(),
        "tracing": stepfunctions._state_machines[machine].get("tracingConfiguration"),
        "expired session": "expired" in sts._sessions,
        "actions of": sorted({"codecommit", "codepipeline"} & iam_actions.SERVICE_TO_IAM_NAMESPACE.keys()),
        "deep document": await _status_of_deep_document(),
        "previous event ids": "previousEventId" in inspect.getsource(stepfunctions._add_event),
    }


def _create_schedule() -> dict[str, Any]:
    """Create one as CloudFormation does, with a role that does not exist, and return the record."""
    properties = {
        "Name": "s",
        "ScheduleExpression": "rate(1 hour)",
        "ScheduleExpressionTimezone": "Asia/Tokyo",
        "Target": {"Arn": "arn:aws:lambda:us-east-1:000000000000:function:f", "RoleArn": "none"},
    }
    provisioners._RESOURCE_HANDLERS["AWS::Scheduler::Schedule"]["create"]("S", properties, "stack")
    record: dict[str, Any] = json.loads(scheduler._get_schedule("s", {})[2])
    return record


def _create_table() -> Any:
    """Create one as CloudFormation does, and return its time to live."""
    properties = {
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        "TimeToLiveSpecification": {"AttributeName": "expires", "Enabled": True},
    }
    name = provisioners._RESOURCE_HANDLERS["AWS::DynamoDB::Table"]["create"]("T", properties, "stack")[0]
    return json.loads(dynamodb._describe_ttl({"TableName": name})[2])["TimeToLiveDescription"]


async def _status_of_deep_document() -> int:
    headers = {"x-amz-target": "AWSEvents.ListRules", "content-type": "application/x-amz-json-1.1"}
    response = await app._dispatch_service_request("POST", "/", headers, b"[" * 100_000, {}, "request")
    return int(response[0])


def _warnings_of_pipeline_target() -> list[str]:
    """Return what ministack logs when a rule's target is a pipeline."""
    warnings: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: warnings.append(record.getMessage())  # type: ignore[method-assign]
    eventbridge.logger.addHandler(handler)
    eventbridge.logger.setLevel(logging.DEBUG)
    eventbridge._invoke_target({"Id": "1", "Arn": _PIPELINE}, _EVENT, _RULE)
    return warnings


def _create_bucket_and_machine() -> tuple[str, str]:
    """Create them as CloudFormation does; return their physical ids."""
    encryption = {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "k"}}
    bucket = {"BucketEncryption": {"ServerSideEncryptionConfiguration": [encryption]}}
    machine = {"DefinitionString": "{}", "TracingConfiguration": {"Enabled": True}}
    handlers = provisioners._RESOURCE_HANDLERS
    return (
        handlers["AWS::S3::Bucket"]["create"]("Bucket", bucket, "stack")[0],
        handlers["AWS::StepFunctions::StateMachine"]["create"]("Machine", machine, "stack")[0],
    )
