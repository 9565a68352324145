"""How ministack's CloudWatch and SNS behave without the patches."""

from __future__ import annotations

import json
from typing import Any

from ministack.services import cloudwatch, sns
from ministack.services.cloudformation import provisioners

ACCOUNT = "000000000000"
KEY = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/k"


async def facts() -> dict[str, Any]:
    properties = {"TopicName": "t", "KmsMasterKeyId": KEY}
    topic, _ = provisioners._RESOURCE_HANDLERS["AWS::SNS::Topic"]["create"]("Topic", properties, "stack")
    published: list[str] = []
    sns._fanout = lambda arn, *_: published.append(arn)
    sns._topics[topic]["attributes"]["Policy"] = json.dumps({"Version": "2012-10-17", "Statement": []})
    for name in ("of-stack", "without-data"):
        cloudwatch._alarms[name] = _alarm(name, topic)
    cloudwatch._alarms["without-data"]["MetricName"] = "other"
    cloudwatch.record_metric("stepline", "DirtyFailures", 1, "Count", {"StackName": "other"})
    recorded_only = cloudwatch._alarms["of-stack"]["StateValue"]
    cloudwatch._evaluate_all_alarms()
    return {
        "key of topic": sns._topics[topic]["attributes"].get("KmsMasterKeyId"),
        "after the metric": recorded_only,
        "metric of another stack": cloudwatch._alarms["of-stack"]["StateValue"],
        "published without permission": published,
        "without data": cloudwatch._alarms["without-data"]["StateValue"],
    }


def _alarm(name: str, topic: str) -> dict[str, Any]:
    return {
        "AlarmName": name,
        "AlarmArn": f"arn:aws:cloudwatch:us-east-1:{ACCOUNT}:alarm:{name}",
        "Namespace": "stepline",
        "MetricName": "DirtyFailures",
        "Dimensions": [{"Name": "StackName", "Value": "stack"}],
        "Statistic": "Sum",
        "Period": 300,
        "EvaluationPeriods": 1,
        "Threshold": 1.0,
        "ComparisonOperator": "GreaterThanOrEqualToThreshold",
        "TreatMissingData": "notBreaching",
        "StateValue": "INSUFFICIENT_DATA",
        "AlarmActions": [topic],
    }
