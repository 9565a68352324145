"""The permissions of the templates that no scenario tests, each with its reason."""

from __future__ import annotations

import json
from collections.abc import Iterator

from stepline.deployment.template import read_template
from tests.iam.stacks import PROJECT, stacks

UNTESTED = {
    (
        "statemachines/deploy/template.yaml",
        "ApplicationRole",
    ): "its policies are the user's own (ApplicationPolicyArns)",
    ("statemachines/batch/template.yaml", "JobRole"): "its policies are the user's own (JobPolicyArns)",
    (
        "statemachines/process/template.yaml",
        "ApiGatewayLogsRole",
    ): "AWS's managed policy for the logs of all APIs",
    ("statemachines/process/template.yaml", "NetworkPolicy"): (
        "for network interfaces, which the local AWS does not create for functions in a VPC"
    ),
    ("pipeline/template.yaml", "PipelinePolicy"): "for the roles of other pipelines",
    (
        "pipeline/template.yaml",
        "LargeDataAccessPolicy",
    ): "for the roles of users' state machines; docs/large-data.md runs one with it alone",
    (
        "statemachines/deploy/template.yaml",
        "ApproverPolicy",
    ): "for the roles of people; a scenario approves a change with it alone",
    (
        "statemachines/rollout/template.yaml",
        "ApproverPolicy",
    ): "for the roles of people; a scenario approves a wave with it",
    ("statemachines/process/vpc.yaml", "*"): "an optional network, deployed separately",
}


def _untested() -> Iterator[tuple[str, str]]:
    """Yield (template, logical id) of managed policies, roles with some, and templates without a suite."""
    tested = {file for stack in stacks().values() for file in stack.templates}
    for file in (
        PROJECT / "template.yaml",
        PROJECT / "pipeline/template.yaml",
        *sorted((PROJECT / "statemachines").glob("*/*.yaml")),
    ):
        name = file.relative_to(PROJECT).as_posix()
        for logical_id, resource in read_template(file)["Resources"].items():
            if not resource["Type"].startswith("AWS::IAM::"):
                continue
            if file not in tested:
                yield name, "*"
            elif resource["Type"] == "AWS::IAM::ManagedPolicy" or _has_foreign_policies(resource):
                yield name, logical_id


def _has_foreign_policies(resource: dict[str, object]) -> bool:
    """Return whether the role has managed policies that are not defined in the template."""
    properties = resource["Properties"]
    assert isinstance(properties, dict)
    arns = json.dumps(properties.get("ManagedPolicyArns", []))
    return "PolicyArns" in arns or ":iam::aws:policy" in arns


def test_untested_permissions_are_those_listed() -> None:
    assert set(_untested()) == set(UNTESTED)
