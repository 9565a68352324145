"""Types that ministack lacks: those that a service of the local AWS has, and those that are only recorded."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from stepline.localaws.cloudformation.names import Arns
from stepline.localaws.cloudformation.recorded_types import RecordedResource
from stepline.localaws.cloudformation.type_schemas import resource_schema, resource_types
from tests.localaws.cloudformation.deployments import Deployment, resources
from tests.localaws.running_server import Server

ARNS = Arns("000000000000", "us-east-1")
VPC = ("AWS::EC2::VPC", {"CidrBlock": "10.0.0.0/16"})
SUBNET = ("AWS::EC2::Subnet", {"VpcId": {"Ref": "Vpc"}, "CidrBlock": "10.0.0.0/24"})
TRUST = {
    "Statement": {
        "Effect": "Allow",
        "Principal": {"Service": "lambda.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }
}


def test_network_acl_has_its_entries_and_subnets(server: Server, deployment: Deployment) -> None:
    def template(action: str) -> dict[str, Any]:
        entry = {"NetworkAclId": {"Ref": "Acl"}, "RuleNumber": "100", "Protocol": -1, "RuleAction": action}
        association = {"SubnetId": {"Ref": "Subnet"}, "NetworkAclId": {"Ref": "Acl"}}
        return resources(
            Vpc=VPC,
            Subnet=SUBNET,
            Acl=("AWS::EC2::NetworkAcl", {"VpcId": {"Ref": "Vpc"}}),
            Entry=("AWS::EC2::NetworkAclEntry", {**entry, "CidrBlock": "0.0.0.0/0"}),
            Association=("AWS::EC2::SubnetNetworkAclAssociation", association),
        )

    deployment.create(template("allow"))
    changes = deployment.update(template("deny"))
    assert {name: change["Replacement"] for name, change in changes.items()} == {"Entry": "False"}
    ids = deployment.physical_ids()
    (acl,) = server.client("ec2").describe_network_acls(NetworkAclIds=[ids["Acl"]])["NetworkAcls"]
    assert [(entry["RuleNumber"], entry["RuleAction"]) for entry in acl["Entries"]] == [(100, "deny")]
    assert [item["SubnetId"] for item in acl["Associations"]] == [ids["Subnet"]]
    deployment.delete()
    assert ids["Acl"] not in str(server.client("ec2").describe_network_acls())


def test_rules_of_a_security_group_are_resources(server: Server, deployment: Deployment) -> None:
    def template(description: str) -> dict[str, Any]:
        ports = {"IpProtocol": "tcp", "FromPort": "443", "ToPort": 443, "Description": description}
        group = {"GroupDescription": "g", "VpcId": {"Ref": "Vpc"}}
        target = {"GroupId": {"Fn::GetAtt": ["Group", "GroupId"]}}
        return resources(
            Vpc=VPC,
            Group=("AWS::EC2::SecurityGroup", group),
            In=("AWS::EC2::SecurityGroupIngress", {**target, **ports, "CidrIp": "10.0.0.0/8"}),
            Out=("AWS::EC2::SecurityGroupEgress", {**target, **ports, "CidrIp": "10.0.0.0/8"}),
        )

    def ingress() -> Any:
        found = server.client("ec2").describe_security_groups(GroupIds=[group])["SecurityGroups"]
        return found[0]["IpPermissions"]

    deployment.create(template("a"))
    before = deployment.physical_ids()
    group = before["Group"]
    deployment.update(template("b"))
    assert deployment.physical_ids() == before
    (rule,) = ingress()
    assert (rule["FromPort"], rule["IpRanges"]) == (443, [{"CidrIp": "10.0.0.0/8", "Description": "b"}])
    deployment.update(
        resources(
            Vpc=VPC, Group=("AWS::EC2::SecurityGroup", {"GroupDescription": "g", "VpcId": {"Ref": "Vpc"}})
        )
    )
    assert ingress() == []


def test_policy_of_a_role_is_a_resource(server: Server, deployment: Deployment) -> None:
    def template(action: str) -> dict[str, Any]:
        document = {"Statement": {"Effect": "Allow", "Action": action, "Resource": "*"}}
        policy = {"PolicyName": "p", "RoleName": {"Ref": "Role"}, "PolicyDocument": document}
        role = ("AWS::IAM::Role", {"AssumeRolePolicyDocument": TRUST})
        return resources(Role=role, Policy=("AWS::IAM::RolePolicy", policy))

    iam = server.client("iam")
    deployment.create(template("s3:GetObject"))
    deployment.update(template("s3:PutObject"))
    ids = deployment.physical_ids()
    found = iam.get_role_policy(RoleName=ids["Role"], PolicyName="p")["PolicyDocument"]
    assert found["Statement"]["Action"] == "s3:PutObject"
    assert ids["Policy"] == f"p|{ids['Role']}"
    deployment.delete()


def test_users_of_a_user_pool_and_their_groups_are_resources(server: Server, deployment: Deployment) -> None:
    pool = {"UserPoolId": {"Ref": "Pool"}}
    membership = {**pool, "GroupName": {"Ref": "Group"}, "Username": {"Ref": "User"}}
    deployment.create(
        resources(
            Pool=("AWS::Cognito::UserPool", {}),
            Group=("AWS::Cognito::UserPoolGroup", {**pool, "GroupName": "admins"}),
            User=("AWS::Cognito::UserPoolUser", {**pool, "Username": "ann", "MessageAction": "SUPPRESS"}),
            Membership=("AWS::Cognito::UserPoolUserToGroupAttachment", membership),
        )
    )
    ids = deployment.physical_ids()
    cognito = server.client("cognito-idp")
    groups = cognito.admin_list_groups_for_user(UserPoolId=ids["Pool"], Username=ids["User"])["Groups"]
    assert [group["GroupName"] for group in groups] == ["admins"]
    deployment.delete()


def test_deployment_of_an_http_api_is_a_resource(server: Server, deployment: Deployment) -> None:
    def template(description: str) -> dict[str, Any]:
        api = ("AWS::ApiGatewayV2::Api", {"Name": "a", "ProtocolType": "HTTP"})
        deployed = {"ApiId": {"Ref": "Api"}, "Description": description}
        stage = {"ApiId": {"Ref": "Api"}, "StageName": "live", "DeploymentId": {"Ref": "Deployed"}}
        return resources(
            Api=api,
            Deployed=("AWS::ApiGatewayV2::Deployment", deployed),
            Stage=("AWS::ApiGatewayV2::Stage", stage),
        )

    deployment.create(template("a"))
    deployment.update(template("b"))
    ids = deployment.physical_ids()
    (found,) = server.client("apigatewayv2").get_deployments(ApiId=ids["Api"])["Items"]
    assert (found["DeploymentId"], found["Description"]) == (ids["Deployed"], "b")
    deployment.delete()


@pytest.mark.parametrize("resource_type", sorted(resource_types("us-east-1"))[::7])
def test_recorded_type_has_the_identifiers_and_attributes_of_its_schema(resource_type: str) -> None:
    schema = resource_schema(resource_type, "us-east-1")
    assert schema is not None
    resource = RecordedResource.create(resource_type, schema, {}, "stack-Name-1", ARNS)
    assert resource.ref()
    expected = {
        pointer.split("/", 2)[2].replace("/", ".") for pointer in schema.get("readOnlyProperties", [])
    }
    assert resource.attributes().keys() - {"AvailabilityZone"} == expected - {"AvailabilityZone"}


def test_recorded_resource_is_created_updated_and_deleted(deployment: Deployment) -> None:
    def template(description: str) -> dict[str, Any]:
        archive = {"SourceArn": {"Fn::GetAtt": ["Bus", "Arn"]}, "Description": description}
        found = resources(
            Bus=("AWS::Events::EventBus", {"Name": "orders"}),
            Archive=("AWS::Events::Archive", {**archive, "ArchiveName": "kept"}),
            Model=("AWS::ApiGatewayV2::Model", {"ApiId": "a", "Name": "m", "Schema": {}}),
        )
        outputs = {
            "Name": {"Ref": "Archive"},
            "Arn": {"Fn::GetAtt": ["Archive", "Arn"]},
            "Model": {"Ref": "Model"},
            "ModelId": {"Fn::GetAtt": ["Model", "ModelId"]},
        }
        found["Outputs"] = {name: {"Value": value} for name, value in outputs.items()}
        return found

    deployment.create(template("a"))
    outputs = deployment.outputs()
    assert outputs["Name"] == "kept"
    assert outputs["Arn"] == "arn:aws:events:us-east-1:000000000000:archive/kept"
    assert outputs["Model"] == outputs["ModelId"]
    changes = deployment.update(template("b"))
    assert {name: change["Replacement"] for name, change in changes.items()} == {"Archive": "False"}
    assert deployment.outputs() == outputs
    deployment.delete()


def test_unknown_type_is_refused_and_all_others_exist(deployment: Deployment) -> None:
    with pytest.raises(ClientError) as caught:
        deployment.create(resources(S=("AWS::Braket::QuantumThing", {}), L=("AWS::Lex::Bot", {})))
    unknown = "Template format error: Unrecognized resource types: [AWS::Braket::QuantumThing]"
    assert caught.value.response["Error"]["Message"] == unknown
    deployment.create(resources(Lake=("AWS::LakeFormation::Tag", {"TagKey": "a", "TagValues": ["b"]})))


def test_lacking_attributes_are_made_up(deployment: Deployment) -> None:
    api = ("AWS::AppSync::GraphQLApi", {"Name": "a", "AuthenticationType": "API_KEY"})
    vpc = ("AWS::EC2::VPC", {"CidrBlock": "10.0.0.0/16"})
    template = resources(Api=api, Vpc=vpc)
    values = {
        "Arn": {"Fn::GetAtt": ["Api", "GraphQLEndpointArn"]},
        "Given": {"Fn::GetAtt": ["Vpc", "CidrBlock"]},
        "Block": {"Fn::Select": [0, {"Fn::GetAtt": ["Vpc", "Ipv6CidrBlocks"]}]},
    }
    outputs = deployment.create(
        {**template, "Outputs": {k: {"Value": v} for k, v in values.items()}}
    ).outputs()
    assert outputs["Arn"].startswith("arn:aws:appsync:us-east-1:000000000000:")
    assert outputs["Given"] == "10.0.0.0/16"
    assert outputs["Block"].endswith("::/56")


def test_template_can_be_validated_with_a_recorded_type(deployment: Deployment) -> None:
    template = json.dumps(resources(A=("AWS::SSM::Document", {"Content": {}})))
    assert deployment.client.validate_template(TemplateBody=template)["Parameters"] == []
