"""The CloudFormation action against the local CloudFormation, with the role of the pipeline."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.localaws.codepipeline.fakes import World, pipeline, stage
from tests.localaws.codepipeline.remote import ALLOW_ALL, RemotePipeline, action, new_name

BROKEN = {"Type": "AWS::SQS::Queue", "Properties": {"MessageRetentionPeriod": 1}}


def template(**changes: Any) -> str:
    """A stack with a parameter Size, which is also its output."""
    return json.dumps(
        {
            "Parameters": {"Size": {"Type": "String", "Default": "1"}},
            "Resources": {
                "Value": {
                    "Type": "AWS::SSM::Parameter",
                    "Properties": {"Type": "String", "Value": {"Ref": "Size"}},
                }
            },
            "Outputs": {"Size": {"Value": {"Ref": "Size"}}, "Name": {"Value": {"Ref": "Value"}}},
            **changes,
        }
    )


def deploy(stack_name: str, mode: str = "CREATE_UPDATE", **changes: Any) -> dict[str, Any]:
    configuration = {
        "ActionMode": mode,
        "StackName": stack_name,
        "TemplatePath": "Source::template.json",
        **changes.pop("configuration", {}),
    }
    name = changes.pop("name", "Deploy")
    return action(name, "Deploy/CloudFormation", configuration, **changes)


def stack(remote: RemotePipeline, name: str) -> dict[str, Any]:
    return dict(remote.server.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0])


def parameters(remote: RemotePipeline, name: str) -> dict[str, str]:
    return {
        item["ParameterKey"]: item["ParameterValue"] for item in stack(remote, name).get("Parameters", [])
    }


def size(remote: RemotePipeline, name: str) -> str:
    return parameters(remote, name)["Size"]


def create_stack(remote: RemotePipeline, name: str, text: str) -> None:
    remote.server.client("cloudformation").create_stack(StackName=name, TemplateBody=text)


# --- CREATE_UPDATE ------------------------------------------------------------------------------------


def test_stack_is_created_and_its_outputs_are_variables(remote: RemotePipeline) -> None:
    name = new_name("stack")
    remote.create([deploy(name)]).run({"template.json": template()})

    assert stack(remote, name)["StackStatus"] == "CREATE_COMPLETE"
    assert remote.variables("Deploy")["Size"] == "1"
    result = remote.action("Deploy")["output"]["executionResult"]
    assert result["externalExecutionId"] == stack(remote, name)["StackId"]


def test_stack_is_updated(remote: RemotePipeline) -> None:
    name = new_name("stack")
    remote.create([deploy(name)]).run({"template.json": template()})
    changed = template(Parameters={"Size": {"Type": "String", "Default": "2"}})
    remote.run({"template.json": changed})
    assert stack(remote, name)["StackStatus"] == "UPDATE_COMPLETE"
    assert remote.variables("Deploy")["Size"] == "2"


def test_template_that_changes_nothing_is_deployed_successfully(remote: RemotePipeline) -> None:
    name = new_name("stack")
    remote.create([deploy(name)]).run({"template.json": template()}).run({"template.json": template()})
    assert stack(remote, name)["StackStatus"] == "CREATE_COMPLETE"
    assert remote.variables("Deploy")["Size"] == "1"


def test_failure_has_the_reason_of_the_resource(remote: RemotePipeline) -> None:
    text = template(Resources={"Queue": BROKEN})
    broken = text.replace('"Name": {"Value": {"Ref": "Value"}}', '"Name": {"Value": "n"}')
    remote.create([deploy(new_name("stack"))]).run({"template.json": broken}, expected="Failed")
    assert "Queue" in remote.error("Deploy")
    assert "MessageRetentionPeriod" in remote.error("Deploy")


def test_stack_whose_creation_failed_cannot_be_updated(remote: RemotePipeline) -> None:
    name = new_name("stack")
    remote.create([deploy(name)])
    create_stack(remote, name, json.dumps({"Resources": {"Queue": BROKEN}}))
    remote.run({"template.json": template()}, expected="Failed")
    assert "ROLLBACK_COMPLETE" in remote.error("Deploy")


def test_large_template_is_deployed(remote: RemotePipeline) -> None:
    name = new_name("stack")
    large = template(Description="d" * 1000, Metadata={"Filler": "x" * 60_000})
    remote.create([deploy(name)]).run({"template.json": large})
    assert stack(remote, name)["StackStatus"] == "CREATE_COMPLETE"


def test_sam_template_is_deployed_with_auto_expand(remote: RemotePipeline) -> None:
    name = new_name("stack")
    sam = {
        "Transform": "AWS::Serverless-2016-10-31",
        "Resources": {
            "F": {
                "Type": "AWS::Serverless::Function",
                "Properties": {
                    "Runtime": "python3.13",
                    "Handler": "index.handler",
                    "InlineCode": "def handler(event, context):\n    return 1\n",
                },
            }
        },
    }
    capabilities = {"Capabilities": "CAPABILITY_IAM,CAPABILITY_AUTO_EXPAND"}
    remote.create([deploy(name, configuration=capabilities)]).run({"template.json": json.dumps(sam)})
    assert stack(remote, name)["StackStatus"] == "CREATE_COMPLETE"


def test_missing_capability_fails_the_action(remote: RemotePipeline) -> None:
    role = {
        "Type": "AWS::IAM::Role",
        "Properties": {"AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": []}},
    }
    text = json.dumps({"Resources": {"Role": role}})
    remote.create([deploy(new_name("stack"))]).run({"template.json": text}, expected="Failed")
    assert "CAPABILITY_IAM" in remote.error("Deploy")


# --- template configuration and parameter overrides ---------------------------------------------------


def test_template_configuration_sets_parameters_tags_and_policy(remote: RemotePipeline) -> None:
    name = new_name("stack")
    given = {
        "Parameters": {"Size": 7},
        "Tags": {"Team": "web"},
        "StackPolicy": {
            "Statement": [
                {"Effect": "Allow", "NotAction": "Update:Delete", "Principal": "*", "Resource": "*"}
            ]
        },
    }
    configuration = {"TemplateConfiguration": "Source::config/test.json"}
    remote.create([deploy(name, configuration=configuration)]).run(
        {"template.json": template(), "config/test.json": json.dumps(given)}
    )
    assert size(remote, name) == "7"
    assert stack(remote, name)["Tags"] == [{"Key": "Team", "Value": "web"}]
    policy = remote.server.client("cloudformation").get_stack_policy(StackName=name)["StackPolicyBody"]
    assert json.loads(policy) == given["StackPolicy"]


def test_overrides_win_over_the_template_configuration(remote: RemotePipeline) -> None:
    name = new_name("stack")
    configuration = {
        "TemplateConfiguration": "Source::test.json",
        "ParameterOverrides": json.dumps({"Size": "9"}),
    }
    remote.create([deploy(name, configuration=configuration)]).run(
        {"template.json": template(), "test.json": json.dumps({"Parameters": {"Size": "7"}})}
    )
    assert size(remote, name) == "9"


def test_get_param_reads_a_file_of_an_artifact(remote: RemotePipeline) -> None:
    name = new_name("stack")
    overrides = json.dumps({"Size": {"Fn::GetParam": ["Source", "values.json", "size"]}})
    remote.create([deploy(name, configuration={"ParameterOverrides": overrides})]).run(
        {"template.json": template(), "values.json": json.dumps({"size": 11})}
    )
    assert size(remote, name) == "11"


def test_get_artifact_attribute_returns_the_place_of_an_artifact(remote: RemotePipeline) -> None:
    name = new_name("stack")
    names = ("BucketName", "ObjectKey", "URL", "ArtifactName")
    overrides = json.dumps({item: {"Fn::GetArtifactAtt": ["Source", item]} for item in names})
    text = template(
        Parameters={item: {"Type": "String"} for item in (*names, "Size")}
        | {"Size": {"Type": "String", "Default": "1"}}
    )
    remote.create([deploy(name, configuration={"ParameterOverrides": overrides})]).run(
        {"template.json": text}
    )

    place = remote.action("Source")["output"]["outputArtifacts"][0]["s3location"]
    given = parameters(remote, name)
    assert (given["BucketName"], given["ObjectKey"]) == (place["bucket"], place["key"])
    assert given["ArtifactName"] == "Source"
    assert given["URL"] == f"https://s3.us-east-1.amazonaws.com/{place['bucket']}/{place['key']}"


def test_variables_of_earlier_actions_are_inserted(remote: RemotePipeline) -> None:
    name = new_name("stack")
    overrides = json.dumps({"Size": "#{SourceVariables.ETag}"})
    remote.create([deploy(name, configuration={"ParameterOverrides": overrides})]).run(
        {"template.json": template()}
    )
    assert size(remote, name) == remote.variables("Source")["ETag"]


@pytest.mark.parametrize(
    ("configuration", "message"),
    [
        ({"TemplatePath": "Source::missing.json"}, "missing.json"),
        ({"TemplatePath": "template.json"}, "ArtifactName::FileName"),
        ({"TemplatePath": "Other::template.json"}, "Other is not an input artifact"),
        ({"ParameterOverrides": "{"}, "ParameterOverrides is not valid JSON"),
        ({"ParameterOverrides": "[]"}, "ParameterOverrides must be a JSON object"),
        ({"ParameterOverrides": '{"Size": {"Ref": "x"}}'}, "the value of Size must be text"),
        ({"ParameterOverrides": '{"Size": {"Fn::GetParam": ["Source", "text.txt", "k"]}}'}, "not valid JSON"),
        (
            {"ParameterOverrides": '{"Size": {"Fn::GetParam": ["Source", "config.json", "k"]}}'},
            "does not have the key k",
        ),
        ({"ParameterOverrides": '{"Size": {"Fn::GetArtifactAtt": ["Source", "Size"]}}'}, "no attribute Size"),
        ({"TemplateConfiguration": "Source::text.txt"}, "is not valid JSON"),
        ({"ParameterOverrides": '{"Unknown": "1"}'}, "Unknown"),
    ],
)
def test_configuration_that_cannot_be_used_fails_the_action(
    remote: RemotePipeline, configuration: dict[str, str], message: str
) -> None:
    files = {"template.json": template(), "text.txt": "text", "config.json": "{}"}
    remote.create([deploy(new_name("stack"), configuration=configuration)]).run(files, expected="Failed")
    assert message in remote.error("Deploy")


# --- outputs ------------------------------------------------------------------------------------------


def test_output_file_holds_the_outputs(remote: RemotePipeline) -> None:
    first, second = new_name("stack"), new_name("stack")
    overrides = json.dumps({"Size": {"Fn::GetParam": ["Result", "outputs.json", "Size"]}})
    remote.create(
        [
            deploy(
                first, configuration={"OutputFileName": "outputs.json"}, outputArtifacts=[{"name": "Result"}]
            )
        ],
        [
            deploy(
                second,
                name="Next",
                configuration={"ParameterOverrides": overrides},
                inputArtifacts=[{"name": "Source"}, {"name": "Result"}],
            )
        ],
    ).run({"template.json": template(Parameters={"Size": {"Type": "String", "Default": "5"}})})
    outputs = json.loads(remote.files("Deploy")["outputs.json"])
    assert outputs["Size"] == "5"
    assert size(remote, second) == "5"


# --- change sets --------------------------------------------------------------------------------------


def change_set(name: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    configuration = {"ChangeSetName": "release"}
    execute = {"ActionMode": "CHANGE_SET_EXECUTE", "StackName": name, **configuration}
    return (
        [deploy(name, "CHANGE_SET_REPLACE", name="Prepare", configuration=configuration)],
        [action("Execute", "Deploy/CloudFormation", execute, inputArtifacts=[])],
    )


def test_change_set_is_created_and_executed(remote: RemotePipeline) -> None:
    name = new_name("stack")
    remote.create(*change_set(name)).run({"template.json": template()})
    assert stack(remote, name)["StackStatus"] == "CREATE_COMPLETE"
    assert remote.variables("Execute")["Size"] == "1"

    remote.run({"template.json": template(Parameters={"Size": {"Type": "String", "Default": "2"}})})
    assert stack(remote, name)["StackStatus"] == "UPDATE_COMPLETE"
    assert remote.variables("Execute")["Size"] == "2"


def test_empty_change_set_is_created_and_executed_successfully(remote: RemotePipeline) -> None:
    name = new_name("stack")
    remote.create(*change_set(name)).run({"template.json": template()}).run({"template.json": template()})
    assert stack(remote, name)["StackStatus"] == "CREATE_COMPLETE"
    assert remote.variables("Execute")["Size"] == "1"


def test_existing_change_set_is_replaced(remote: RemotePipeline) -> None:
    name = new_name("stack")
    prepare, _ = change_set(name)
    remote.create(prepare).run({"template.json": template()}).run({"template.json": template()})
    client = remote.server.client("cloudformation")
    assert [item["ChangeSetName"] for item in client.list_change_sets(StackName=name)["Summaries"]] == [
        "release"
    ]
    assert stack(remote, name)["StackStatus"] == "REVIEW_IN_PROGRESS"


def test_missing_change_set_fails_the_action(remote: RemotePipeline) -> None:
    name = new_name("stack")
    create_stack(remote, name, template())
    _, execute = change_set(name)
    remote.create(execute).run({"template.json": template()}, expected="Failed")
    assert f"ChangeSet [release] of the stack {name} does not exist" in remote.error("Execute")


# --- REPLACE_ON_FAILURE and DELETE_ONLY ---------------------------------------------------------------


def test_failed_stack_is_replaced(remote: RemotePipeline) -> None:
    name = new_name("stack")
    remote.create([deploy(name, "REPLACE_ON_FAILURE")])
    create_stack(remote, name, json.dumps({"Resources": {"Queue": BROKEN}}))
    before = stack(remote, name)
    assert before["StackStatus"] == "ROLLBACK_COMPLETE"
    remote.run({"template.json": template()})
    assert stack(remote, name)["StackStatus"] == "CREATE_COMPLETE"
    assert stack(remote, name)["StackId"] != before["StackId"]


def test_stack_that_has_not_failed_is_updated(remote: RemotePipeline) -> None:
    name = new_name("stack")
    remote.create([deploy(name, "REPLACE_ON_FAILURE")]).run({"template.json": template()})
    before = stack(remote, name)["StackId"]
    remote.run({"template.json": template(Parameters={"Size": {"Type": "String", "Default": "2"}})})
    assert stack(remote, name)["StackId"] == before


def test_stack_is_deleted(remote: RemotePipeline) -> None:
    name = new_name("stack")
    create_stack(remote, name, template())
    delete = action(
        "Delete", "Deploy/CloudFormation", {"ActionMode": "DELETE_ONLY", "StackName": name}, inputArtifacts=[]
    )
    remote.create([delete]).run({"template.json": template()})
    with pytest.raises(ClientError, match="does not exist"):
        stack(remote, name)


def test_missing_stack_is_deleted_successfully(remote: RemotePipeline) -> None:
    delete = action(
        "Delete",
        "Deploy/CloudFormation",
        {"ActionMode": "DELETE_ONLY", "StackName": new_name("stack")},
        inputArtifacts=[],
    )
    remote.create([delete]).run({"template.json": template()})


# --- permissions --------------------------------------------------------------------------------------


def test_role_of_the_stack_operates_on_its_resources(remote: RemotePipeline) -> None:
    name = new_name("stack")
    role = remote.create_role(new_name("role"), "cloudformation", ALLOW_ALL)
    statements: list[dict[str, Any]] = [
        {
            "Effect": "Allow",
            "Action": [
                "s3:*",
                "cloudformation:CreateStack",
                "cloudformation:DescribeStacks",
                "cloudformation:DescribeStackEvents",
            ],
            "Resource": "*",
        },
        {"Effect": "Allow", "Action": "iam:PassRole", "Resource": role},
    ]
    remote.create([deploy(name, configuration={"RoleArn": role})], statements=statements)
    remote.run({"template.json": template()})
    assert stack(remote, name)["RoleARN"] == role


def test_missing_permission_fails_the_action(remote: RemotePipeline) -> None:
    statements = [{"Effect": "Allow", "Action": ["s3:*", "cloudformation:DescribeStacks"], "Resource": "*"}]
    remote.create([deploy(new_name("stack"))], statements=statements)
    remote.run({"template.json": template()}, expected="Failed")
    assert "cloudformation:CreateStack" in remote.error("Deploy")
    assert remote.action("Deploy")["output"]["executionResult"]["errorDetails"]["code"] == "PermissionError"


# --- validation ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("configuration", "message"),
    [
        ({"ActionMode": "CREATE", "StackName": "s"}, "invalid ActionMode 'CREATE'"),
        ({"ActionMode": "CREATE_UPDATE", "StackName": "s"}, "missing required configuration 'TemplatePath'"),
        (
            {"ActionMode": "CHANGE_SET_EXECUTE", "StackName": "s"},
            "missing required configuration 'ChangeSetName'",
        ),
        ({"ActionMode": "DELETE_ONLY"}, "missing required configuration 'StackName'"),
        ({"ActionMode": "DELETE_ONLY", "StackName": "s", "Stack": "s"}, "unknown configuration 'Stack'"),
    ],
)
def test_invalid_configuration_is_refused(
    world: World, configuration: Mapping[str, str], message: str
) -> None:
    declared = action("Deploy", "Deploy/CloudFormation", configuration, inputArtifacts=[])
    with pytest.raises(world.client.exceptions.InvalidActionDeclarationException) as caught:
        world.client.create_pipeline(pipeline=pipeline(stage("Deploy", declared)))
    assert message in str(caught.value)
