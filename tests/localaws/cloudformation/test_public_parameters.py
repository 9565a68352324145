"""Public parameters of Systems Manager: values in the form of AWS's.

https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-public-parameters.html
"""

from __future__ import annotations

import json
import re

import pytest

from stepline.localaws.systems_manager import public_parameter
from tests.localaws.cloudformation.deployments import Deployment, resources
from tests.localaws.running_server import Server

IMAGE = r"ami-[0-9a-f]{17}"
NAME = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-6.1-arm64"


@pytest.mark.parametrize(
    "name",
    [
        "ami-amazon-linux-latest/al2023-ami-kernel-default-arm64",
        "ami-windows-latest/Windows_Server-2022-English-Full-Base",
        "ecs/optimized-ami/amazon-linux-2/recommended/image_id",
        "ecs/optimized-ami/amazon-linux-2023/arm64/recommended/image_id",
        "eks/optimized-ami/1.31/amazon-linux-2023/x86_64/standard/recommended/image_id",
        "bottlerocket/aws-ecs-1/x86_64/latest/image_id",
        "canonical/ubuntu/server/22.04/stable/current/amd64/hvm/ebs-gp2/ami-id",
        "debian/release/12/latest/amd64",
        "storagegateway/ami/FILE_S3/latest",
        "marketplace/prod-abcdefghijklm/latest",
    ],
)
def test_images_have_ids(name: str) -> None:
    value = public_parameter(f"/aws/service/{name}", "eu-west-1")
    assert value is not None
    assert re.fullmatch(IMAGE, value)
    assert public_parameter(f"/aws/service/{name}", "eu-west-2") != value


def test_metadata_contains_the_same_image() -> None:
    name = "/aws/service/ecs/optimized-ami/amazon-linux-2/recommended"
    metadata = json.loads(public_parameter(name, "us-east-1") or "")
    assert metadata["image_id"] == public_parameter(f"{name}/image_id", "us-east-1")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (
            "/aws/service/aws-for-fluent-bit/2.32.0",
            "906394416424.dkr.ecr.us-east-1.amazonaws.com/aws-for-fluent-bit:2.32.0",
        ),
        ("/aws/service/global-infrastructure/regions/eu-west-1", "eu-west-1"),
        ("/aws/service/something/else", None),
        ("/my/service/ami", None),
    ],
)
def test_other_values(name: str, value: str | None) -> None:
    assert public_parameter(name, "us-east-1") == value


def test_parameters_are_served_and_resolved_in_templates(server: Server) -> None:
    parameter = server.client("ssm").get_parameter(Name=NAME)["Parameter"]
    assert parameter["DataType"] == "aws:ec2:image"
    assert parameter["ARN"] == f"arn:aws:ssm:us-east-1::parameter{NAME}"
    template = {
        "Parameters": {"Image": {"Type": "AWS::SSM::Parameter::Value<AWS::EC2::Image::Id>", "Default": NAME}},
        **resources(Topic=("AWS::SNS::Topic", {"DisplayName": {"Ref": "Image"}})),
        "Outputs": {"Image": {"Value": {"Ref": "Image"}}},
    }
    assert Deployment.on(server).create(template).outputs() == {"Image": parameter["Value"]}
