"""Rules of the templates that linters do not check."""

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
from tests.template.resolved import resolved

PROJECT = Path(__file__).parents[2]
TEMPLATE = PROJECT / "template.yaml"


@functools.cache
def resources(path: str) -> dict[str, Any]:
    """Return the resources of a template of the project; they are cached, since reading takes a second."""
    result: dict[str, Any] = read_template(PROJECT / path)["Resources"]
    return result


RESOURCES = resources("template.yaml")
ACTION = "pipeline/template.yaml"
DEPLOY = "statemachines/deploy/template.yaml"
_SENTENCE_CHARACTERS = 40
TEMPLATES = [
    "template.yaml",
    "pipeline/template.yaml",
    *sorted(f"{path.relative_to(PROJECT)}" for path in PROJECT.glob("statemachines/*/*.yaml")),
]
FUNCTIONS = [
    (path, name)
    for path in TEMPLATES
    for name, resource in resources(path).items()
    if resource["Type"] == "AWS::Serverless::Function"
]

WITHOUT_RESOURCES = {
    # Actions without resource types [https://docs.aws.amazon.com/service-authorization/latest/reference/]
    "batch:DescribeJobs",
    "cloudformation:DescribeType",
    "cloudformation:GetTemplateSummary",
    "cloudformation:ValidateTemplate",
    "cloudwatch:PutMetricData",
    "codepipeline:AcknowledgeJob",
    "codepipeline:GetJobDetails",
    "codepipeline:PutJobFailureResult",
    "codepipeline:PutJobSuccessResult",
    "dynamodb:ListTables",
    "ecr:GetAuthorizationToken",
    "logs:CreateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:DescribeLogGroups",
    "logs:DescribeResourcePolicies",
    "logs:GetLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:UpdateLogDelivery",
    "states:SendTaskSuccess",
    "states:ValidateStateMachineDefinition",
    "xray:GetSamplingRules",
    "xray:GetSamplingTargets",
    "xray:PutTelemetryRecords",
    "xray:PutTraceSegments",
    # Lambda needs these on all resources for a function in a VPC [Lambda guide, "Configuring VPC access"].
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:UnassignPrivateIpAddresses",
}


def statements() -> list[tuple[str, dict[str, Any]]]:
    """Return the policy statements of all templates, each with the name of its role or policy."""
    return [
        (f"{path} {name}", statement.get("Fn::If", [None, statement])[1])
        for path in TEMPLATES
        for name, resource in resources(path).items()
        if resource["Type"] in {"AWS::IAM::Role", "AWS::IAM::Policy", "AWS::IAM::ManagedPolicy"}
        for policy in resource["Properties"].get("Policies", [resource["Properties"]])
        if "PolicyDocument" in policy
        for statement in policy["PolicyDocument"]["Statement"]
    ]


def actions(statement: dict[str, Any]) -> list[str]:
    value = statement["Action"]
    return [value] if isinstance(value, str) else value


@pytest.mark.parametrize(("path", "name"), FUNCTIONS)
def test_function_has_a_handler_a_role_a_log_group_and_local_events(path: str, name: str) -> None:
    properties = resources(path)[name]["Properties"]
    base = name.removesuffix("Function")
    module, _, function = properties["Handler"].rpartition(".")
    assert callable(getattr(importlib.import_module(module), function))
    assert properties["Role"] == {"Fn::GetAtt": [f"{base}Role", "Arn"]}
    assert properties["LoggingConfig"]["LogGroup"] == {"Ref": f"{base}LogGroup"}
    assert list((PROJECT / "local_events" / module.rpartition(".")[2]).glob("*.json"))


@pytest.mark.parametrize(("role", "statement"), statements())
def test_statement_has_no_wildcard_action_and_names_resources(role: str, statement: dict[str, Any]) -> None:
    """An earlier bug: the roles had `states:*` and `codepipeline:*` on `*`."""
    assert not [action for action in actions(statement) if "*" in action], role
    if statement["Resource"] == "*":
        assert set(actions(statement)) <= WITHOUT_RESOURCES, role


def findings(path: Path) -> str:
    command = [Path(sys.executable).with_name("cfn-lint"), path]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


@pytest.mark.parametrize("path", ["template.yaml", "app/template.yaml"])  # `make lint` takes the time for all
def test_cfn_lint_reports_nothing(path: str) -> None:
    assert findings(PROJECT / path) == ""


@pytest.mark.parametrize(("role", "statement"), statements())
def test_actions_of_a_statement_exist(role: str, statement: dict[str, Any]) -> None:
    """An earlier bug: a role had `s3:GPutbject`.

    cfn-lint contains AWS's list of actions, but does not check SAM templates with it.
    """
    services = _services()
    for action in actions(statement):
        service, _, name = action.partition(":")
        assert name.lower() in services[service]["Actions"], role


@functools.cache
def _services() -> Any:
    return load_resource(AdditionalSpecs, "Policies.json")


@pytest.mark.parametrize("path", TEMPLATES)
def test_policy_statements_have_a_comment(path: str) -> None:
    lines = (PROJECT / path).read_text().splitlines()
    without_comment = [
        number
        for number, line in enumerate(lines, start=1)
        if re.match(r" +- Effect: ", line)
        and "#" not in lines[number - 2]
        and "AssumeRolePolicyDocument" not in "".join(lines[number - 5 : number])
    ]
    assert without_comment == []


@pytest.mark.parametrize("path", [*TEMPLATES, "app/template.yaml"])
def test_suppressed_finding_of_a_resource_has_a_reason(path: str) -> None:
    """Findings are suppressed in a resource's Metadata, which both linters read, and not by comments."""
    metadata = [resource.get("Metadata", {}) for resource in resources(path).values()]
    skipped = [entry for item in metadata for entry in item.get("checkov", {}).get("skip", [])]
    assert [entry["id"] for entry in skipped if len(entry.get("comment", "")) < _SENTENCE_CHARACTERS] == []
    assert not [item for item in metadata if "cfn-lint" in item]
    text = (PROJECT / path).read_text()
    assert "checkov:skip" not in text
    assert "cfn-lint" not in text


def test_check_that_is_skipped_for_all_resources_has_a_reason() -> None:
    lines = (PROJECT / ".checkov.yaml").read_text().splitlines()
    skipped = [number for number, line in enumerate(lines) if line.strip().startswith("- CKV")]
    assert skipped
    assert [lines[number] for number in skipped if not lines[number - 1].strip().startswith("# ")] == []


def test_definition_uses_the_substitutions_of_the_template() -> None:
    machine = resources(DEPLOY)["DeployStateMachine"]["Properties"]
    definition = (PROJECT / DEPLOY).parent / machine["DefinitionUri"]
    used = set(re.findall(r"\$\{(\w+)\}", definition.read_text()))
    assert used == set(machine["DefinitionSubstitutions"])


def test_state_machine_may_invoke_only_its_tasks() -> None:
    (policy,) = resources(DEPLOY)["DeployStateMachineRole"]["Properties"]["Policies"]
    invoke = next(s for s in policy["PolicyDocument"]["Statement"] if s["Action"] == "lambda:InvokeFunction")
    substitutions = resources(DEPLOY)["DeployStateMachine"]["Properties"]["DefinitionSubstitutions"]
    tasks = [value for name, value in substitutions.items() if name.endswith("FunctionArn")]
    assert sorted(map(json.dumps, invoke["Resource"])) == sorted(map(json.dumps, tasks))


def test_user_parameters_have_at_most_1000_characters() -> None:
    (action,) = RESOURCES["Pipeline"]["Properties"]["Stages"][2]["Actions"]
    _, of_lambda, _ = action["Configuration"]["Fn::If"]
    text = of_lambda["UserParameters"]["Fn::Sub"].replace("${TimeoutMinutes}", "1435")
    assert len(text) <= 1000
    assert json.loads(text)["timeoutMinutes"] == 1435


def test_runtime_is_the_python_version_of_the_packages() -> None:
    from stepline.deployment import function_package  # noqa: PLC0415

    for path in (ACTION, DEPLOY):
        runtime = read_template(PROJECT / path)["Globals"]["Function"]["Runtime"]
        assert runtime == f"python{function_package._PYTHON_VERSION}"


RETAINED = {"Retain", "RetainExceptOnCreate"}


def policies(resource: dict[str, Any]) -> tuple[str, str]:
    return resource.get("DeletionPolicy", "Delete"), resource.get("UpdateReplacePolicy", "Delete")


def referenced(value: object) -> set[str]:
    """Return the logical ids that a property refers to."""
    found = re.findall(r'"(?:Ref|Fn::GetAtt)": \[?"(\w+)|\$\{(\w+)', json.dumps(value))
    return {name for names in found for name in names}


FLOW = "arn:aws-us-gov:states:us-gov-west-1:111122223333:stateMachine:flow"


@pytest.mark.parametrize(
    ("value", "fits"),
    [("", True), (FLOW, True), (f"{FLOW}:live", False), (f"{FLOW}:3", False), ("flow", False)],
)
def test_list_of_other_state_machines_has_arns_without_version_or_alias(value: str, fits: bool) -> None:
    """IAM authorizes versions and aliases by the state machine's ARN, which no template derives in a list.

    https://docs.aws.amazon.com/step-functions/latest/dg/auth-version-alias.html
    """
    for file in (TEMPLATE, PROJECT / ACTION):
        parameter = read_template(file)["Parameters"]["OtherStateMachineArns"]
        assert bool(re.fullmatch(parameter["AllowedPattern"], value)) is fits
        assert "version or alias" in parameter["ConstraintDescription"]


def test_main_template_passes_its_parameters_to_its_parts() -> None:
    """A parameter of the same name has the same meaning, default and limits in both."""
    main = read_template(TEMPLATE)["Parameters"]
    for name, path in (("Action", ACTION), ("Deploy", DEPLOY)):
        passed = RESOURCES[name]["Properties"]["Parameters"]
        declared = read_template(PROJECT / path)["Parameters"]
        assert passed.keys() <= declared.keys()
        both = main.keys() & declared.keys()
        assert both <= passed.keys()
        assert {key: main[key] for key in both - {"AlarmTopicArn"}} == {
            key: declared[key] for key in both - {"AlarmTopicArn"}
        }


def test_bucket_key_of_the_input_may_be_used_only_with_its_parameter() -> None:
    key = "arn:aws:kms:eu-west-1:111122223333:key/1"
    with_key = resolved(ACTION, InputBucketName="inputs", InputBucketKeyArn=key)
    statement = with_key.resources["InputBucketKeyPolicy"]["Properties"]["PolicyDocument"]["Statement"][0]
    assert (statement["Action"], statement["Resource"]) == ("kms:Decrypt", key)
    assert "InputBucketKeyPolicy" not in resolved(ACTION, InputBucketName="inputs").resources


@pytest.mark.parametrize("path", TEMPLATES)
def test_key_of_a_retained_resource_is_retained(path: str) -> None:
    """A key that is scheduled for deletion decrypts nothing: the retained data would be lost with it."""
    own = resources(path)
    keys = {name for name, resource in own.items() if resource["Type"] == "AWS::KMS::Key"}
    needed = {
        key
        for name, resource in own.items()
        if name not in keys and RETAINED & set(policies(resource))
        for key in keys & referenced(resource["Properties"])
    }
    assert {key: policies(own[key]) for key in needed if not RETAINED.issuperset(policies(own[key]))} == {}


def test_repository_of_the_application_is_retained() -> None:
    """Its history belongs to the user. A first deployment that fails leaves none, and can be repeated."""
    assert policies(RESOURCES["Repository"]) == ("RetainExceptOnCreate", "Retain")


@pytest.mark.parametrize(("name", "expected"), [("", "stack-jobs"), ("batch/jobs", "batch/jobs")])
def test_repository_of_the_batch_image_can_have_another_name_than_the_stack(name: str, expected: str) -> None:
    """The name of a stack may have capital letters, which ECR refuses."""
    batch = resolved("statemachines/batch/template.yaml", ImageRepositoryName=name)
    assert batch.resources["ImageRepository"]["Properties"]["RepositoryName"] == expected


def test_image_repository_counts_pushes_and_not_manifests() -> None:
    """Docker pushes an image as an index with two manifests, which have no tags."""
    repository = resources("statemachines/batch/template.yaml")["ImageRepository"]["Properties"]
    untagged, newest = json.loads(repository["LifecyclePolicy"]["LifecyclePolicyText"])["rules"]
    assert untagged["selection"]["tagStatus"] == "untagged"
    assert (newest["selection"]["tagStatus"], newest["selection"]["tagPatternList"]) == ("tagged", ["*"])
