"""Descriptions of changes of stacks that wait for an approval, as the Deploy state machine stores them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

ID = "0123456789ab-1"


def description(approval_id: str = ID, *, minutes: float = 60, pipeline: str = "app") -> dict[str, Any]:
    """Return the description of a request that expires in so many minutes: a queue would be replaced."""
    now = datetime.now(UTC)
    return {
        "id": approval_id,
        "kind": "change",
        "stackName": "dev-app",
        "pipelineName": pipeline,
        "stage": "Deploy",
        "action": "Deploy",
        "pipelineExecutionId": "7e0c9a4e-0000-4000-8000-000000000000",
        "executionArn": f"arn:aws:states:us-east-1:000000000000:execution:stepline-deploy:{approval_id}",
        "revision": "1" * 40,
        "requester": "",
        "notByRequester": False,
        "requestedAt": now.isoformat(timespec="seconds"),
        "expiresAt": (now + timedelta(minutes=minutes)).isoformat(timespec="seconds"),
        "resources": [
            {
                "path": "Queue",
                "type": "AWS::SQS::Queue",
                "effect": "would be replaced",
                "causes": ["property QueueName"],
            }
        ],
        "omitted": 0,
    }
