"""Templates, definitions and code work in every partition of AWS, such as China and GovCloud."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.resolved_template import ResolvedTemplate

PROJECT = Path(__file__).parents[2]
TEMPLATES = [
    "template.yaml",
    "pipeline/template.yaml",
    "app/template.yaml",
    *sorted(file.relative_to(PROJECT).as_posix() for file in PROJECT.glob("statemachines/*/*.yaml")),
]
CODE = [
    file
    for folder in ("pipeline", "statemachines", "stepline")
    for pattern in ("*.py", "*.asl.json")
    for file in sorted((PROJECT / folder).rglob(pattern))
    if "localaws" not in file.parts and not any(part.startswith(".") for part in file.parts)
]
CONSOLES = PROJECT / "stepline/core/executions/arns.py"
"""It has the consoles of all partitions."""

REGIONS = {"aws": "eu-west-1", "aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1"}


def resolved(path: str, partition: str) -> ResolvedTemplate:
    return ResolvedTemplate(
        PROJECT / path,
        region=REGIONS[partition],
        account="111122223333",
        stack_name="stack",
        partition=partition,
    )


@pytest.mark.parametrize("partition", ["aws-cn", "aws-us-gov"])
@pytest.mark.parametrize("path", TEMPLATES)
def test_template_names_only_its_own_partition(path: str, partition: str) -> None:
    template = resolved(path, partition)
    text = json.dumps([template.resources, template.outputs])
    assert re.findall(r"arn:aws:\S{0,40}", text) == []
    assert re.findall(r"https://\S{0,40}\.aws\.amazon\.com", text) == []
    assert (
        partition == "aws-us-gov" or re.findall(r"https://\S{0,40}amazonaws\.com(?!\.cn)\S{0,20}", text) == []
    )


@pytest.mark.parametrize("file", CODE, ids=lambda file: file.relative_to(PROJECT).as_posix())
def test_code_names_no_partition(file: Path) -> None:
    text = file.read_text()
    assert re.findall(r"arn:aws:\S{0,40}", text) == []
    assert file == CONSOLES or re.findall(r"https://\S*(?:console\.aws|amazonaws)\.\S{0,20}", text) == []


@pytest.mark.parametrize(
    ("partition", "prefix"),
    [("aws", "com.amazonaws"), ("aws-us-gov", "com.amazonaws"), ("aws-cn", "cn.com.amazonaws")],
)
def test_interface_endpoints_have_the_names_of_the_partition(partition: str, prefix: str) -> None:
    """Gateway endpoints have the same names everywhere. [`aws ec2 describe-vpc-endpoint-services`]"""
    vpc = ResolvedTemplate(
        PROJECT / "statemachines/process/vpc.yaml",
        {"InterfaceEndpoints": "true"},
        region=REGIONS[partition],
        account="111122223333",
        stack_name="stack",
        partition=partition,
    )
    names = {
        name: vpc.resources[f"{name}Endpoint"]["Properties"]["ServiceName"]
        for name in ("S3", "States", "XRay")
    }
    region = REGIONS[partition]
    assert names == {
        "S3": f"com.amazonaws.{region}.s3",
        "States": f"{prefix}.{region}.states",
        "XRay": f"{prefix}.{region}.xray",
    }
