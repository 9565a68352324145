"""Rules of the process's template that no linter knows."""

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


def spared(action: str) -> list[str]:
    """The roles that the bucket's policy does not deny `action`."""
    statements = RESOURCES["DataBucketPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    (statement,) = (item for item in statements if action in item["Action"])
    assert (statement["Effect"], statement["Principal"]) == ("Deny", "*")
    assert statement["Resource"] == {"Fn::Sub": "${DataBucket.Arn}/*"}
    return [arn["Fn::GetAtt"][0] for arn in statement["Condition"]["ArnNotEquals"]["aws:PrincipalArn"]]


@pytest.mark.parametrize(
    ("denied", "allowed"), [("s3:PutObject*", "s3:PutObject"), ("s3:GetObject*", "s3:GetObject")]
)
def test_the_bucket_s_policy_spares_exactly_the_roles_that_need_it(denied: str, allowed: str) -> None:
    roles = [role_of(name) for name in FUNCTIONS]
    assert sorted(spared(denied)) == sorted(role for role in roles if allowed in actions_of(role))


def test_every_function_has_a_role_of_its_own() -> None:
    roles = [role_of(name) for name in FUNCTIONS]
    assert len(set(roles)) == len(FUNCTIONS) == 12


def test_every_function_can_be_put_into_a_vpc() -> None:
    """In Globals, so that none is forgotten; its role may then use the network."""
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


def test_an_endpoint_is_where_the_page_says_and_wants_a_key() -> None:
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


def test_the_facade_ends_before_api_gateway_gives_it_up() -> None:
    for name in ENDPOINTS:
        assert RESOURCES[name]["Properties"]["Timeout"] < 29


def test_the_access_log_has_neither_bodies_nor_keys() -> None:
    properties = RESOURCES["FacadeApi"]["Properties"]
    logged = json.loads(properties["AccessLogSetting"]["Format"]).values()
    assert "$context.identity.apiKeyId" in logged
    assert not {"$context.identity.apiKey", "$input.body", "$context.path"} & set(logged)
    (settings,) = properties["MethodSettings"]
    assert (settings["DataTraceEnabled"], settings["LoggingLevel"]) == (False, "OFF")


def test_only_the_state_machines_may_invoke_the_steps() -> None:
    invoking = [
        name
        for name, resource in RESOURCES.items()
        if resource["Type"] == "AWS::IAM::Role" and "lambda:InvokeFunction" in json.dumps(resource)
    ]
    assert invoking == ["ProcessStateMachineRole", "DownstreamStateMachineRole"]


@pytest.mark.parametrize("machine", ["ProcessStateMachine", "DownstreamStateMachine"])
def test_a_machine_may_invoke_its_own_steps_and_nothing_else(machine: str) -> None:
    (policy,) = RESOURCES[f"{machine}Role"]["Properties"]["Policies"]
    invoke = next(s for s in policy["PolicyDocument"]["Statement"] if s["Action"] == "lambda:InvokeFunction")
    substitutions = RESOURCES[machine]["Properties"]["DefinitionSubstitutions"]
    assert invoke["Resource"] == list(substitutions.values())
    for name, value in substitutions.items():
        assert value == {"Fn::GetAtt": [name.removesuffix("Arn"), "Arn"]}
