"""AWS::Scheduler::Schedule: schedules invoke functions on time, with the permissions of their role."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from botocore.exceptions import ClientError

from tests.localaws.cloudformation.deployments import Deployment, resources
from tests.localaws.cloudformation.functions import attribute, function, role, table
from tests.localaws.running_server import Server
from tests.waiting import wait_for

RECORD = """
import boto3, json, os

def handler(event, context):
    item = {"id": {"S": event.get("name", "default")}, "event": {"S": json.dumps(event)}}
    boto3.client("dynamodb").put_item(TableName=os.environ["TABLE"], Item=item)
"""


def schedule(
    expression: str, given: dict[str, str] | None = None, *, role_name: str = "Invoker", **properties: Any
) -> tuple[str, dict[str, Any]]:
    target: dict[str, Any] = {"Arn": attribute("Recorder"), "RoleArn": attribute(role_name)}
    if given is not None:
        target["Input"] = json.dumps(given)
    return "AWS::Scheduler::Schedule", {
        "ScheduleExpression": expression,
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "Target": target,
        **properties,
    }


def target_of(ids: dict[str, str], role_name: str = "Invoker") -> dict[str, str]:
    """Return the target of a schedule, by the physical ids of the stack."""
    return {
        "Arn": f"arn:aws:lambda:us-east-1:000000000000:function:{ids['Recorder']}",
        "RoleArn": f"arn:aws:iam::000000000000:role/{ids[role_name]}",
    }


def template(**schedules: Any) -> dict[str, Any]:
    return resources(
        Table=table("id"),
        RecorderRole=role("lambda", {"Action": "dynamodb:PutItem", "Resource": attribute("Table")}),
        Recorder=function(RECORD, "RecorderRole"),
        Invoker=role("scheduler", {"Action": "lambda:InvokeFunction", "Resource": attribute("Recorder")}),
        Denied=role("scheduler"),
        **schedules,
    )


def test_schedules_invoke_their_function_and_delete_themselves(
    server: Server, deployment: Deployment
) -> None:
    deployment.create(
        template(
            Denied1=schedule("rate(1 hour)", {"name": "denied"}, role_name="Denied"),
            Later=schedule("rate(1 hour)", {"name": "later"}, StartDate="2099-01-01T00:00:00Z"),
            Off=schedule("rate(1 hour)", {"name": "off"}, State="DISABLED"),
            Daily=schedule("cron(0 0 1 1 ? 2099)", {"name": "cron"}),
            Rate=schedule("rate(1 hour)", {"name": "rate"}),
            Unset=schedule("rate(1 hour)"),
        )
    )
    ids = deployment.physical_ids()
    dynamodb, scheduler = server.client("dynamodb"), server.client("scheduler")
    moment = datetime.now(UTC) + timedelta(seconds=1)
    given = {"name": "once", "time": "<aws.scheduler.scheduled-time>", "arn": "<aws.scheduler.schedule-arn>"}
    arn = scheduler.create_schedule(
        Name=deployment.name,
        ScheduleExpression=f"at({moment.astimezone(ZoneInfo('Asia/Tokyo')):%Y-%m-%dT%H:%M:%S})",
        ScheduleExpressionTimezone="Asia/Tokyo",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={**target_of(ids), "Input": json.dumps(given)},
        ActionAfterCompletion="DELETE",
    )["ScheduleArn"]

    def recorded() -> dict[str, Any]:
        items = dynamodb.scan(TableName=ids["Table"])["Items"]
        return {item["id"]["S"]: json.loads(item["event"]["S"]) for item in items}

    wait_for(lambda: len(recorded()) == 3)
    events = recorded()
    assert set(events) == {"once", "rate", "default"}
    assert events["once"] == {"name": "once", "time": f"{moment:%Y-%m-%dT%H:%M:%SZ}", "arn": arn}
    assert events["default"]["source"] == "aws.scheduler"
    assert events["default"]["detail-type"] == "Scheduled Event"
    with pytest.raises(scheduler.exceptions.ResourceNotFoundException):
        scheduler.get_schedule(Name=deployment.name)
    deployment.delete()


def test_schedule_without_an_assumable_role_or_with_an_invalid_expression_is_refused(
    server: Server, deployment: Deployment
) -> None:
    deployment.create(template(OtherRole=role("lambda")))
    ids = deployment.physical_ids()
    valid = {
        "Name": deployment.name,
        "ScheduleExpression": "rate(1 hour)",
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "Target": target_of(ids),
    }
    for changes, message in (
        ({"Target": target_of(ids, "OtherRole")}, "must allow AWS EventBridge Scheduler"),
        ({"ScheduleExpression": "rate(soon)"}, "Invalid Schedule Expression"),
        ({"ScheduleExpression": "at(soon)"}, "Invalid Schedule Expression"),
        ({"ScheduleExpressionTimezone": "Mars/Olympus"}, "timezone"),
    ):
        with pytest.raises(ClientError, match=message):
            server.client("scheduler").create_schedule(**{**valid, **changes})
