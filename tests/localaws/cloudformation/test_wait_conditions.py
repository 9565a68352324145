"""Wait conditions, which the programs of an application signal."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

import pytest

from tests.localaws.cloudformation.deployments import Deployment
from tests.waiting import wait_for

TEMPLATE: dict[str, Any] = {
    "Resources": {
        "Handle": {"Type": "AWS::CloudFormation::WaitConditionHandle"},
        "Ready": {
            "Type": "AWS::CloudFormation::WaitCondition",
            "Properties": {"Handle": {"Ref": "Handle"}, "Timeout": "300"},
        },
    },
    "Outputs": {"Data": {"Value": {"Fn::GetAtt": ["Ready", "Data"]}}},
}


@pytest.mark.parametrize("by_url", [False, True], ids=["SignalResource", "URL of the handle"])
def test_signal_ends_the_wait(deployment: Deployment, by_url: bool) -> None:
    client, name = deployment.client, deployment.name
    client.create_stack(StackName=name, TemplateBody=json.dumps(TEMPLATE))

    def waits() -> bool:
        events = client.describe_stack_events(StackName=name)["StackEvents"]
        return "Ready" in [event["LogicalResourceId"] for event in events]

    wait_for(waits)
    if by_url:
        body = json.dumps({"Status": "SUCCESS", "UniqueId": "web-1", "Data": "started", "Reason": "done"})
        url, headers = deployment.physical_ids()["Handle"], {"Content-Type": ""}
        request = urllib.request.Request(url, method="PUT", data=body.encode(), headers=headers)
        with urllib.request.urlopen(request, timeout=10) as response:
            assert response.status == 200
    else:
        signal = {"LogicalResourceId": "Ready", "UniqueId": "web-1", "Status": "SUCCESS"}
        client.signal_resource(StackName=name, **signal)

    assert deployment.status() == "CREATE_COMPLETE", deployment.reasons()
    data = json.loads(deployment.outputs()["Data"])
    assert data == ({"web-1": "started"} if by_url else {"web-1": ""})
