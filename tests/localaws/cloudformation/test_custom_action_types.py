"""AWS::CodePipeline::CustomActionType."""

from __future__ import annotations

from typing import Any

from tests.localaws.cloudformation.deployments import Deployment, resources
from tests.localaws.running_server import Server

TYPE = "AWS::CodePipeline::CustomActionType"


def custom_type(provider: str, **changes: Any) -> dict[str, Any]:
    """Numbers and booleans may be text, as in the templates of older tools."""
    properties = {
        "Category": "Test",
        "Provider": provider,
        "Version": 1,
        "ConfigurationProperties": [
            {"Name": "Suite", "Required": "true", "Key": True, "Secret": "false", "Type": "String"}
        ],
        "InputArtifactDetails": {"MinimumCount": "0", "MaximumCount": 1},
        "OutputArtifactDetails": {"MinimumCount": 0, "MaximumCount": "0"},
        "Settings": {"EntityUrlTemplate": "https://checks.example/{Config:Suite}"},
        "Tags": [{"Key": "team", "Value": "checks"}],
        **changes,
    }
    return {**resources(Checks=(TYPE, properties)), "Outputs": {"Id": {"Value": {"Ref": "Checks"}}}}


def versions(server: Server, provider: str) -> list[str]:
    listed = server.client("codepipeline").list_action_types(actionOwnerFilter="Custom")["actionTypes"]
    return [item["id"]["version"] for item in listed if item["id"]["provider"] == provider]


def test_type_is_created_updated_replaced_and_deleted(server: Server, deployment: Deployment) -> None:
    provider = deployment.name
    codepipeline = server.client("codepipeline")
    deployment.create(custom_type(provider))

    assert deployment.outputs() == {"Id": f"Test|{provider}|1"}
    listed = codepipeline.list_action_types(actionOwnerFilter="Custom")["actionTypes"]
    (found,) = [item for item in listed if item["id"]["provider"] == provider]
    assert found["actionConfigurationProperties"] == [
        {"name": "Suite", "required": True, "key": True, "secret": False, "type": "String"}
    ]
    assert found["inputArtifactDetails"] == {"minimumCount": 0, "maximumCount": 1}
    assert found["settings"] == {"entityUrlTemplate": "https://checks.example/{Config:Suite}"}

    changes = deployment.update(custom_type(provider, Tags=[{"Key": "stage", "Value": "dev"}]))
    assert changes["Checks"]["Replacement"] == "False"
    arn = f"arn:aws:codepipeline:us-east-1:000000000000:actiontype:Custom/Test/{provider}/1"
    tags = codepipeline.list_tags_for_resource(resourceArn=arn)["tags"]
    assert {"key": "stage", "value": "dev"} in tags
    assert "team" not in {tag["key"] for tag in tags}

    changes = deployment.update(custom_type(provider, Version="2"))
    assert changes["Checks"]["Replacement"] == "True"
    assert versions(server, provider) == ["2"]

    deployment.delete()
    assert versions(server, provider) == []


def test_changed_properties_need_another_version(server: Server, deployment: Deployment) -> None:
    """The replacement would have the identifier of the type that it replaces."""
    provider = deployment.name
    deployment.create(custom_type(provider))
    changes = deployment.preview(custom_type(provider, ConfigurationProperties=[]))
    assert changes["Checks"]["Replacement"] == "True"
    deployment.client.execute_change_set(StackName=deployment.name, ChangeSetName=deployment.change_set)
    assert deployment.status() == "UPDATE_ROLLBACK_COMPLETE"
    assert any(f"'Test|{provider}|1' already exists" in reason for reason in deployment.reasons())
    assert versions(server, provider) == ["1"]


def test_type_that_codepipeline_refuses_fails_the_resource(deployment: Deployment) -> None:
    settings = {"EntityUrlTemplate": "https://checks.example/{Config:Other}"}
    reasons = deployment.create_failing(custom_type(deployment.name, Settings=settings))
    assert any("'Other', which is not both required and not secret" in reason for reason in reasons)
