"""The routes, security groups and endpoints of the VPC."""

from __future__ import annotations

from typing import Any

import pytest

from stepline.deployment.template import read_template
from tests.template.resolved import ACCOUNT, PROJECT, resolved

VPC = "statemachines/process/vpc.yaml"
RESOURCES = resolved(VPC).resources
ANYWHERE = "0.0.0.0/0"


def _of_type(kind: str, resources: dict[str, Any] = RESOURCES) -> dict[str, dict[str, Any]]:
    return {name: item["Properties"] for name, item in resources.items() if item["Type"] == kind}


def _gateway(subnet: str, resources: dict[str, Any]) -> str:
    """Return the gateway that routes a subnet's traffic to the internet."""
    (table,) = (
        item["RouteTableId"]
        for item in _of_type("AWS::EC2::SubnetRouteTableAssociation", resources).values()
        if item["SubnetId"] == subnet
    )
    (route,) = (
        item for item in _of_type("AWS::EC2::Route", resources).values() if item["RouteTableId"] == table
    )
    assert route["DestinationCidrBlock"] == ANYWHERE
    gateway: str = route.get("GatewayId") or route["NatGatewayId"]
    return gateway


def test_subnets_are_in_two_zones_and_have_different_addresses() -> None:
    subnets = _of_type("AWS::EC2::Subnet")
    assert subnets.keys() == {"PublicSubnet1", "PublicSubnet2", "PrivateSubnet1", "PrivateSubnet2"}
    blocks = [item["CidrBlock"]["Fn::Select"][0] for item in subnets.values()]
    assert sorted(blocks) == [0, 1, 2, 3]
    for name, item in subnets.items():
        assert item["AvailabilityZone"] == {"Fn::Select": [int(name[-1]) - 1, {"Fn::GetAZs": ""}]}
        assert not item.get("MapPublicIpOnLaunch")


@pytest.mark.parametrize(("nat_gateways", "second_gateway"), [("1", "NatGateway1"), ("2", "NatGateway2")])
def test_private_subnets_reach_the_internet_through_nat_gateways(
    nat_gateways: str, second_gateway: str
) -> None:
    resources = resolved(VPC, NatGateways=nat_gateways).resources
    assert _gateway("PrivateSubnet1", resources) == "NatGateway1"
    assert _gateway("PrivateSubnet2", resources) == second_gateway
    assert _gateway("PublicSubnet1", resources) == _gateway("PublicSubnet2", resources) == "InternetGateway"
    gateways = _of_type("AWS::EC2::NatGateway", resources)
    assert len(gateways) == int(nat_gateways)
    for name, gateway in gateways.items():
        assert gateway["SubnetId"] == f"PublicSubnet{name[-1]}"
        assert gateway["AllocationId"].removesuffix(".AllocationId") in _of_type("AWS::EC2::EIP", resources)


def test_functions_connect_by_https_and_accept_no_connections() -> None:
    group = RESOURCES["FunctionSecurityGroup"]["Properties"]
    assert "SecurityGroupIngress" not in group
    (rule,) = group["SecurityGroupEgress"]
    assert (rule["IpProtocol"], rule["FromPort"], rule["ToPort"]) == ("tcp", 443, 443)


def test_s3_endpoint_serves_the_private_subnets_within_the_account() -> None:
    (endpoint,) = _of_type("AWS::EC2::VPCEndpoint").values()
    assert endpoint["ServiceName"] == "com.amazonaws.eu-west-1.s3"
    assert endpoint["RouteTableIds"] == ["PrivateRouteTable1", "PrivateRouteTable2"]
    (statement,) = endpoint["PolicyDocument"]["Statement"]
    same_account = {"aws:PrincipalAccount": ACCOUNT, "aws:ResourceAccount": ACCOUNT}
    assert statement["Condition"] == {"StringEquals": same_account}


@pytest.mark.parametrize(("endpoint", "service"), [("S3Endpoint", "s3"), ("StatesEndpoint", "states")])
def test_endpoint_allows_the_actions_of_the_roles_of_the_functions(endpoint: str, service: str) -> None:
    resources = resolved(VPC, InterfaceEndpoints="true").resources
    (statement,) = resources[endpoint]["Properties"]["PolicyDocument"]["Statement"]
    allowed = {
        action
        for role in _of_type(
            "AWS::IAM::Role", resolved("statemachines/process/template.yaml").resources
        ).values()
        for policy in role.get("Policies", [])
        for granted in policy["PolicyDocument"]["Statement"]
        for action in ([granted["Action"]] if isinstance(granted["Action"], str) else granted["Action"])
        if action.startswith(f"{service}:")
    }
    assert allowed
    assert allowed <= set(statement["Action"])


def test_interface_endpoints_accept_only_connections_of_the_functions() -> None:
    resources = resolved(VPC, InterfaceEndpoints="true").resources
    endpoints = _of_type("AWS::EC2::VPCEndpoint", resources).values()
    interfaces = [item for item in endpoints if item["VpcEndpointType"] == "Interface"]
    assert {item["ServiceName"].rpartition(".")[2] for item in interfaces} == {"states", "xray"}
    for item in interfaces:
        assert item["SecurityGroupIds"] == ["EndpointSecurityGroup"]
        assert item["SubnetIds"] == ["PrivateSubnet1", "PrivateSubnet2"]
        (statement,) = item["PolicyDocument"]["Statement"]
        assert statement["Condition"] == {"StringEquals": {"aws:PrincipalAccount": ACCOUNT}}
    (rule,) = resources["EndpointSecurityGroup"]["Properties"]["SecurityGroupIngress"]
    assert (rule["SourceSecurityGroupId"], rule["FromPort"]) == ("FunctionSecurityGroup", 443)


def test_flow_log_names_its_log_group() -> None:
    """`!GetAtt FlowLogGroup.Arn` ends in `:*`, with which LogDestination records nothing."""
    flow_log = RESOURCES["FlowLog"]["Properties"]
    assert flow_log["LogGroupName"] == "FlowLogGroup"
    assert "LogDestination" not in flow_log


def test_template_without_a_flow_log_has_no_resources_of_it() -> None:
    without = resolved(VPC, FlowLogTraffic="NONE").resources
    assert RESOURCES.keys() - without.keys() == {"FlowLog", "FlowLogGroup", "FlowLogKey", "FlowLogRole"}


def test_outputs_are_values_of_the_parameters_of_the_process() -> None:
    outputs = resolved(VPC).outputs
    assert outputs["SubnetIds"] == "PrivateSubnet1,PrivateSubnet2"
    assert outputs["SecurityGroupIds"] == "FunctionSecurityGroup"
    parameters = read_template(PROJECT / "statemachines" / "process" / "template.yaml")["Parameters"]
    assert parameters["SubnetIds"]["Type"] == parameters["SecurityGroupIds"]["Type"] == "CommaDelimitedList"
