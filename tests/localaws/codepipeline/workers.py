"""Custom action types and actions for tests, and a job worker."""

from __future__ import annotations

from typing import Any

from tests.localaws.codepipeline.fakes import World

TYPE_ID = {"category": "Test", "owner": "Custom", "provider": "Checks", "version": "1"}
TYPE_ARN = "arn:aws:codepipeline:us-east-1:000000000000:actiontype:Custom/Test/Checks/1"

Polled = dict[str, Any]


def config_property(name: str, **members: Any) -> dict[str, Any]:
    return {"name": name, "required": False, "key": False, "secret": False, **members}


SUITE = config_property("Suite", required=True, key=True)
TOKEN = config_property("Token", secret=True)


def custom_type(*properties: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """Return parameters of CreateCustomActionType, by default with the properties Suite and Token."""
    return {
        "category": "Test",
        "provider": "Checks",
        "version": "1",
        "configurationProperties": list(properties or (SUITE, TOKEN)),
        "inputArtifactDetails": {"minimumCount": 0, "maximumCount": 2},
        "outputArtifactDetails": {"minimumCount": 0, "maximumCount": 1},
        **changes,
    }


def custom_action(name: str = "Deploy", **changes: Any) -> dict[str, Any]:
    return {
        "name": name,
        "actionTypeId": TYPE_ID,
        "configuration": {"Suite": "smoke"},
        "inputArtifacts": [{"name": "SourceOutput"}],
        **changes,
    }


def poll(world: World, **params: Any) -> list[Polled]:
    return list(world.client.poll_for_jobs(actionTypeId=TYPE_ID, **params)["jobs"])


def claim(world: World, **params: Any) -> Polled:
    """Poll for the only job, and acknowledge it."""
    (job,) = poll(world, **params)
    answer = world.client.acknowledge_job(jobId=job["id"], nonce=job["nonce"])
    assert answer["status"] == "InProgress"
    return job
