"""Actions in another region: with clients and artifacts of that region."""

from __future__ import annotations

import json
from typing import Any

from tests.localaws.codepipeline.remote import RemotePipeline, action, new_name

TEMPLATE = json.dumps(
    {
        "Resources": {"Topic": {"Type": "AWS::SNS::Topic"}},
        "Outputs": {"Region": {"Value": {"Ref": "AWS::Region"}}},
    }
)
OTHER = "eu-west-1"


def deploy(name: str, stack: str, **changes: Any) -> dict[str, Any]:
    configuration = {
        "ActionMode": "CREATE_UPDATE",
        "StackName": stack,
        "TemplatePath": "Source::template.json",
        "OutputFileName": "outputs.json",
    }
    return action(name, "Deploy/CloudFormation", configuration, outputArtifacts=[{"name": name}], **changes)


def test_stack_is_deployed_to_the_region_of_the_action(remote: RemotePipeline) -> None:
    stack, there = new_name("stack"), new_name("there")
    remote.server.client("s3").create_bucket(Bucket=there)
    stores = {"us-east-1": {"type": "S3", "location": remote.name}, OTHER: {"type": "S3", "location": there}}
    remote.create(
        [deploy("There", stack, region=OTHER)],
        [deploy("Here", stack)],
        artifactStore=None,
        artifactStores=stores,
    ).run({"template.json": TEMPLATE})

    assert remote.variables("There") == {"Region": OTHER}
    assert remote.variables("Here") == {"Region": "us-east-1"}
    source, far = remote.action("Source"), remote.action("There")
    assert source["output"]["outputArtifacts"][0]["s3location"]["bucket"] == remote.name
    assert far["input"]["inputArtifacts"][0]["s3location"]["bucket"] == there
    assert far["output"]["outputArtifacts"][0]["s3location"]["bucket"] == there
    assert far["input"]["region"] == OTHER
