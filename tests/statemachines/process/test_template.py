"""Rules for the template of the process that linters do not check."""

from __future__ import annotations

import json
from typing import Any

import pytest

from stepline.deployment.template import read_template
from tests.statemachines.process.world import PROJECT

TEMPLATE = read_template(PROJECT / "statemachines/process/template.yaml")
RESOURCES: dict[str, Any] = TEMPLATE["Resources"]
FUNCTIONS = {name: item for name, item in RESOURCES.items() if item["Type"] == "AWS::Serverless::Function"}
ENDPOINTS = {
    "StartProcessFunction": ("POST", "/start-process"),
    "ProcessStateFunction": ("GET", "/process-state"),
    "ProcessDataFunction": ("GET", "/process-data"),
}


def role_of(function: str) -> str:
    return str(RESOURCES[function]["Properties"]["Role"]["Fn::GetAtt"][0])


def actions_of(role: str) -> set[str]:
    policies = [
        *RESOURCES[role]["Properties"]["Policies"],
        *(item["Properties"] for item in RESOURCES.values() if _is_policy_of(item, role)),
    ]
    listed = [
        statement["Action"] for policy in policies for statement in policy["PolicyDocument"]["Statement"]
    ]
    return {action for item in listed for action in ([item] if isinstance(item, str) else item)}


def _is_policy_of(resource: Any, role: str) -> bool:
    return resource["Type"] == "AWS::IAM::Policy" and {"Ref": role} in resource["Properties"]["Roles"]


def roles_excepted_from_denial(action: str) -> list[str]:
    """Return the roles that the bucket policy does not deny `action`."""
    statements = RESOURCES["DataBucketPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    (statement,) = (item for item in statements if action in item["Action"])
    assert (statement["Effect"], statement["Principal"]) == ("Deny", "*")
    assert statement["Resource"] == {"Fn::Sub": "${DataBucket.Arn}/*"}
    return [arn["Fn::GetAtt"][0] for arn in statement["Condition"]["ArnNotEquals"]["aws:PrincipalArn"]]


@pytest.mark.parametrize(
    ("denied", "allowed"), [("s3:PutObject*", "s3:PutObject"), ("s3:GetObject*", "s3:GetObject")]
)
def test_bucket_policy_denies_all_roles_except_those_that_need_access(denied: str, allowed: str) -> None:
    roles = [role_of(name) for name in FUNCTIONS]
    assert sorted(roles_excepted_from_denial(denied)) == sorted(
        role for role in roles if allowed in actions_of(role)
    )


def test_every_function_has_its_own_role() -> None:
    roles = [role_of(name) for name in FUNCTIONS]
    assert len(set(roles)) == len(FUNCTIONS) == 13


def test_every_function_can_run_in_a_vpc() -> None:
    """In Globals, so that none is forgotten; their roles may then create network interfaces."""
    properties = TEMPLATE["Globals"]["Function"]["VpcConfig"]["Fn::If"][1]
    assert properties == {
        "SubnetIds": {"Ref": "SubnetIds"},
        "SecurityGroupIds": {"Ref": "SecurityGroupIds"},
    }
    for name, function in FUNCTIONS.items():
        assert "VpcConfig" not in function["Properties"], name
        managed = RESOURCES[role_of(name)]["Properties"]["ManagedPolicyArns"]
        assert managed == {"Fn::If": ["InVpc", [{"Ref": "NetworkPolicy"}], {"Ref": "AWS::NoValue"}]}
    assert TEMPLATE["Parameters"]["SubnetIds"]["Default"] == ""


def test_endpoints_have_the_documented_paths_and_require_a_key() -> None:
    events = {
        name: function["Properties"]["Events"]["Request"]["Properties"]
        for name, function in FUNCTIONS.items()
        if "Events" in function["Properties"]
    }
    assert {name: (event["Method"], event["Path"]) for name, event in events.items()} == ENDPOINTS
    auth = RESOURCES["FacadeApi"]["Properties"]["Auth"]
    assert auth["ApiKeyRequired"] is True
    throttle = auth["UsagePlan"]["Throttle"]
    assert [
        TEMPLATE["Parameters"][throttle[name]["Ref"]]["Default"] for name in ("RateLimit", "BurstLimit")
    ] == [
        5,
        10,
    ]


def test_functions_of_endpoints_time_out_before_api_gateway() -> None:
    for name in ENDPOINTS:
        assert RESOURCES[name]["Properties"]["Timeout"] < 29


def test_access_log_has_neither_bodies_nor_keys() -> None:
    properties = RESOURCES["FacadeApi"]["Properties"]
    logged = json.loads(properties["AccessLogSetting"]["Format"]).values()
    assert "$context.identity.apiKeyId" in logged
    assert not {"$context.identity.apiKey", "$input.body", "$context.path"} & set(logged)
    (settings,) = properties["MethodSettings"]
    assert (settings["DataTraceEnabled"], settings["LoggingLevel"]) == (False, "OFF")


def test_only_state_machines_may_invoke_functions() -> None:
    invoking = [
        name
        for name, resource in RESOURCES.items()
        if resource["Type"] == "AWS::IAM::Role" and "lambda:InvokeFunction" in json.dumps(resource)
    ]
    assert invoking == ["ProcessStateMachineRole", "DownstreamStateMachineRole"]


@pytest.mark.parametrize("machine", ["ProcessStateMachine", "DownstreamStateMachine"])
def test_machine_may_invoke_only_its_own_steps(machine: str) -> None:
    (policy,) = RESOURCES[f"{machine}Role"]["Properties"]["Policies"]
    invoke = next(s for s in policy["PolicyDocument"]["Statement"] if s["Action"] == "lambda:InvokeFunction")
    substitutions = dict(RESOURCES[machine]["Properties"]["DefinitionSubstitutions"])
    assert substitutions.pop("Partition") == {"Ref": "AWS::Partition"}
    assert invoke["Resource"] == list(substitutions.values())
    for name, value in substitutions.items():
        assert value == {"Fn::GetAtt": [name.removesuffix("Arn"), "Arn"]}
