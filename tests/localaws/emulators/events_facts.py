"""How ministack sends events of written objects without the patches."""

from __future__ import annotations

import json
from typing import Any

from ministack.services import cloudtrail, eventbridge, lambda_svc, s3, sqs
from ministack.services.cloudformation import provisioners

ACCOUNT = "000000000000"
BUCKET = "bucket"
FUNCTION = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:f"
QUEUE = f"arn:aws:sqs:us-east-1:{ACCOUNT}:q"
NOTIFIED = "<NotificationConfiguration><EventBridgeConfiguration/></NotificationConfiguration>"


async def facts() -> dict[str, Any]:
    events: list[dict[str, Any]] = []
    invoked: list[str] = []
    eventbridge._dispatch_event = lambda event, *_: events.append(event)
    eventbridge._dispatch_to_lambda = lambda arn, _payload: invoked.append(arn)
    s3._buckets[BUCKET] = {"created": "", "objects": {}, "region": "us-east-1"}
    s3._bucket_notifications[BUCKET] = NOTIFIED
    s3._fire_s3_event(BUCKET, "k", "s3:ObjectCreated:Put", size=1, etag="e", version_id="v", sequencer="1")
    notified = json.loads(events[0]["Detail"])["object"]
    event = {"Source": "s", "DetailType": "d", "Detail": "{}", "EventId": "1", "Time": "2026-01-01T00:00:00Z"}
    eventbridge._invoke_target({"Arn": FUNCTION}, event, {"Arn": "arn:aws:events:us-east-1:0:rule/r"})
    created = cloudtrail._create_trail({"Name": "t", "S3BucketName": "no-such-bucket"})
    cloudtrail._start_logging({"Name": "t"})
    values = [{"Type": "AWS::S3::Object", "Values": [f"arn:aws:s3:::{BUCKET}/"]}]
    selector = {"ReadWriteType": "All", "IncludeManagementEvents": False, "DataResources": values}
    cloudtrail._put_event_selectors({"TrailName": "t", "EventSelectors": [selector]})
    events.clear()
    s3._bucket_notifications.pop(BUCKET)
    put = await s3.handle_request("PUT", f"/{BUCKET}/k", {"host": "localhost"}, b"x", {})
    return {
        "notified": notified,
        "invoked without permission": invoked,
        "trail type": "AWS::CloudTrail::Trail" in provisioners._RESOURCE_HANDLERS,
        "trail without bucket": created[0],
        "put": put[0],
        "recorded": len(events),
        "lost event": _lost_event(),
        "dead-letter queue": _dead_letter_queue(),
    }


def _lost_event() -> dict[str, Any]:
    """Return the message in the dead-letter queue of a function that failed."""
    queue: dict[str, Any] = {"messages": [], "attributes": {}}
    sqs._queue_by_arn = lambda _arn: queue
    sqs.queue_delay = lambda _queue: 0
    lambda_svc._functions["f"] = {"config": {"FunctionArn": FUNCTION}}
    lambda_svc._route_async_failure(QUEUE, "f", {"the": "event"}, {"body": {"errorMessage": "why"}})
    found: dict[str, Any] = json.loads(queue["messages"][0]["body"])
    return found


def _dead_letter_queue() -> Any:
    """Return the dead-letter queue of a function whose template has one."""
    properties = {"FunctionName": "g", "DeadLetterConfig": {"TargetArn": QUEUE}, "Code": {"ZipFile": ""}}
    provisioners._RESOURCE_HANDLERS["AWS::Lambda::Function"]["create"]("Function", properties, "stack")
    return lambda_svc._functions["g"]["config"].get("DeadLetterConfig")
