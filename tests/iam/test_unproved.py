"""What the templates allow and no way proves: few things, each with its reason."""

from __future__ import annotations

import json
from collections.abc import Iterator

from stepline.deployment.template import read_template
from tests.iam.stacks import PROJECT, stacks

UNPROVED = {
    ("template.yaml", "ApplicationRole"): "its policies are the user's own, by ApplicationPolicyArns",
    ("statemachines/batch/template.yaml", "JobRole"): "its policies are the user's own, by JobPolicyArns",
    ("statemachines/process/template.yaml", "ApiGatewayLogsRole"): "AWS's own policy for logs of all APIs",
    ("statemachines/process/template.yaml", "NetworkPolicy"): (
        "what Lambda itself does to put a function into a VPC, which the local AWS does not do"
    ),
    ("statemachines/process/vpc.yaml", "*"): "a network of one's own is deployed by itself, if at all",
}


def _unproved() -> Iterator[tuple[str, str]]:
    """(template, logical id) of managed policies, of roles with others, and of templates without proof."""
    proved = {stack.template for stack in stacks().values()}
    for file in (PROJECT / "template.yaml", *sorted((PROJECT / "statemachines").glob("*/*.yaml"))):
        name = file.relative_to(PROJECT).as_posix()
        for logical_id, resource in read_template(file)["Resources"].items():
            if not resource["Type"].startswith("AWS::IAM::"):
                continue
            if file not in proved:
                yield name, "*"
            elif resource["Type"] == "AWS::IAM::ManagedPolicy" or _has_foreign_policies(resource):
                yield name, logical_id


def _has_foreign_policies(resource: dict[str, object]) -> bool:
    """Other than those of the template, which are named where they are defined."""
    properties = resource["Properties"]
    assert isinstance(properties, dict)
    arns = json.dumps(properties.get("ManagedPolicyArns", []))
    return "PolicyArns" in arns or ":iam::aws:policy" in arns


def test_what_is_not_proved_is_known() -> None:
    assert set(_unproved()) == set(UNPROVED)
