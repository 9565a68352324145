"""Rules of the SAM application that no linter knows."""

from __future__ import annotations

import functools
import importlib
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cfnlint.data import AdditionalSpecs
from cfnlint.helpers import load_resource

from stepline.deployment.template import read_template

PROJECT = Path(__file__).parents[2]
TEMPLATE = PROJECT / "template.yaml"


@functools.cache
def resources(path: str) -> dict[str, Any]:
    """Of a template of the project; reading one takes a second."""
    found: dict[str, Any] = read_template(PROJECT / path)["Resources"]
    return found


RESOURCES = resources("template.yaml")
_SENTENCE_CHARACTERS = 40
TEMPLATES = [
    "template.yaml",
    *sorted(f"{path.relative_to(PROJECT)}" for path in PROJECT.glob("statemachines/*/*.yaml")),
]
FUNCTIONS = [
    (path, name)
    for path in TEMPLATES
    for name, resource in resources(path).items()
    if resource["Type"] == "AWS::Serverless::Function"
]

WITHOUT_RESOURCES = {
    # https://docs.aws.amazon.com/service-authorization/latest/reference/ says so of each
    "batch:DescribeJobs",
    "cloudformation:GetTemplateSummary",
    "cloudformation:ValidateTemplate",
    "codepipeline:PutJobFailureResult",
    "codepipeline:PutJobSuccessResult",
    "ecr:GetAuthorizationToken",
    "logs:CreateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:DescribeLogGroups",
    "logs:DescribeResourcePolicies",
    "logs:GetLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:UpdateLogDelivery",
    "states:ValidateStateMachineDefinition",
    "xray:GetSamplingRules",
    "xray:GetSamplingTargets",
    "xray:PutTelemetryRecords",
    "xray:PutTraceSegments",
    # Lambda wants these on all resources for a function in a VPC [Lambda guide, "Configuring VPC access"].
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:UnassignPrivateIpAddresses",
}


def statements() -> list[tuple[str, dict[str, Any]]]:
    """Of all templates, with the name of the role or policy."""
    return [
        (f"{path} {name}", statement)
        for path in TEMPLATES
        for name, resource in resources(path).items()
        if resource["Type"] in {"AWS::IAM::Role", "AWS::IAM::Policy", "AWS::IAM::ManagedPolicy"}
        for policy in resource["Properties"].get("Policies", [resource["Properties"]])
        if "PolicyDocument" in policy
        for statement in policy["PolicyDocument"]["Statement"]
    ]


def actions(statement: dict[str, Any]) -> list[str]:
    listed = statement["Action"]
    return [listed] if isinstance(listed, str) else listed


@pytest.mark.parametrize(("path", "name"), FUNCTIONS)
def test_a_function_has_its_handler_its_role_its_log_and_its_events(path: str, name: str) -> None:
    properties = resources(path)[name]["Properties"]
    base = name.removesuffix("Function")
    module, _, function = properties["Handler"].rpartition(".")
    assert callable(getattr(importlib.import_module(module), function))
    assert properties["Role"] == {"Fn::GetAtt": [f"{base}Role", "Arn"]}
    assert properties["LoggingConfig"]["LogGroup"] == {"Ref": f"{base}LogGroup"}
    assert list((PROJECT / "local_events" / module.rpartition(".")[2]).glob("*.json"))


@pytest.mark.parametrize(("role", "statement"), statements())
def test_no_role_may_more_than_named_actions_on_named_resources(role: str, statement: dict[str, Any]) -> None:
    """Bug 9 of earlier implementations: `states:*`, `codepipeline:*` on `*`."""
    assert not [action for action in actions(statement) if "*" in action], role
    if statement["Resource"] == "*":
        assert set(actions(statement)) <= WITHOUT_RESOURCES, role


def findings(path: Path) -> str:
    command = [Path(sys.executable).with_name("cfn-lint"), path]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


@pytest.mark.parametrize("path", ["template.yaml", "app/template.yaml"])  # `make lint` takes the time for all
def test_cfn_lint_finds_nothing(path: str) -> None:
    assert findings(PROJECT / path) == ""


@pytest.mark.parametrize(("role", "statement"), statements())
def test_every_action_is_spelled_as_aws_spells_it(role: str, statement: dict[str, Any]) -> None:
    """Bug 9, too: `s3:GPutbject`. cfn-lint brings AWS's list, but does not use it on SAM templates."""
    known = _services()
    for action in actions(statement):
        service, _, name = action.partition(":")
        assert name.lower() in known[service]["Actions"], role


@functools.cache
def _services() -> Any:
    return load_resource(AdditionalSpecs, "Policies.json")


@pytest.mark.parametrize("path", TEMPLATES)
def test_every_policy_statement_says_why(path: str) -> None:
    lines = (PROJECT / path).read_text().splitlines()
    bare = [
        number
        for number, line in enumerate(lines, start=1)
        if re.match(r" +- Effect: ", line)
        and "#" not in lines[number - 2]
        and "AssumeRolePolicyDocument" not in "".join(lines[number - 5 : number])
    ]
    assert bare == []


@pytest.mark.parametrize("path", [*TEMPLATES, "app/template.yaml"])
def test_a_finding_is_suppressed_only_with_a_reason(path: str) -> None:
    """In a resource's Metadata, which both linters read; a comment in the file would suppress unseen."""
    metadata = [resource.get("Metadata", {}) for resource in resources(path).values()]
    skipped = [entry for item in metadata for entry in item.get("checkov", {}).get("skip", [])]
    assert [entry["id"] for entry in skipped if len(entry.get("comment", "")) < _SENTENCE_CHARACTERS] == []
    assert not [item for item in metadata if "cfn-lint" in item]
    text = (PROJECT / path).read_text()
    assert "checkov:skip" not in text
    assert "cfn-lint" not in text


def test_a_check_is_skipped_for_all_resources_only_with_a_reason() -> None:
    lines = (PROJECT / ".checkov.yaml").read_text().splitlines()
    skipped = [number for number, line in enumerate(lines) if line.strip().startswith("- CKV")]
    assert skipped
    assert [lines[number] for number in skipped if not lines[number - 1].strip().startswith("# ")] == []


def test_the_definition_s_substitutions_are_the_template_s() -> None:
    machine = RESOURCES["DeployStateMachine"]["Properties"]
    used = set(re.findall(r"\$\{(\w+)\}", (PROJECT / machine["DefinitionUri"]).read_text()))
    assert used == set(machine["DefinitionSubstitutions"])


def test_the_state_machine_may_invoke_its_tasks_and_nothing_else() -> None:
    (policy,) = RESOURCES["DeployStateMachineRole"]["Properties"]["Policies"]
    invoke = next(s for s in policy["PolicyDocument"]["Statement"] if s["Action"] == "lambda:InvokeFunction")
    tasks = RESOURCES["DeployStateMachine"]["Properties"]["DefinitionSubstitutions"].values()
    assert sorted(map(json.dumps, invoke["Resource"])) == sorted(map(json.dumps, tasks))


def test_user_parameters_fit_codepipeline_s_1000_characters() -> None:
    (action,) = RESOURCES["Pipeline"]["Properties"]["Stages"][1]["Actions"]
    text = action["Configuration"]["UserParameters"]["Fn::Sub"].replace("${TimeoutMinutes}", "1435")
    assert len(text) <= 1000
    assert json.loads(text)["timeoutMinutes"] == 1435


def test_the_runtime_is_the_one_that_packages_are_built_for() -> None:
    from stepline.deployment import function_package  # noqa: PLC0415

    runtime = read_template(TEMPLATE)["Globals"]["Function"]["Runtime"]
    assert runtime == f"python{function_package._PYTHON_VERSION}"
