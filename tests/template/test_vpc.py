"""The VPC leads where it shall, and nowhere else."""

from __future__ import annotations

from typing import Any

import pytest

from stepline.deployment.template import read_template
from tests.template.resolved import ACCOUNT, PROJECT, resolved

VPC = "statemachines/process/vpc.yaml"
MADE = resolved(VPC).resources
ANYWHERE = "0.0.0.0/0"


def _of(kind: str, made: dict[str, Any] = MADE) -> dict[str, dict[str, Any]]:
    return {name: item["Properties"] for name, item in made.items() if item["Type"] == kind}


def _way_out(subnet: str, made: dict[str, Any]) -> str:
    """The gateway that a subnet's traffic takes to the internet."""
    (table,) = (
        item["RouteTableId"]
        for item in _of("AWS::EC2::SubnetRouteTableAssociation", made).values()
        if item["SubnetId"] == subnet
    )
    (route,) = (item for item in _of("AWS::EC2::Route", made).values() if item["RouteTableId"] == table)
    assert route["DestinationCidrBlock"] == ANYWHERE
    gateway: str = route.get("GatewayId") or route["NatGatewayId"]
    return gateway


def test_public_and_private_subnets_are_in_two_zones_each_and_share_no_addresses() -> None:
    subnets = _of("AWS::EC2::Subnet")
    assert subnets.keys() == {"PublicSubnet1", "PublicSubnet2", "PrivateSubnet1", "PrivateSubnet2"}
    blocks = [item["CidrBlock"]["Fn::Select"][0] for item in subnets.values()]
    assert sorted(blocks) == [0, 1, 2, 3]
    for name, item in subnets.items():
        assert item["AvailabilityZone"] == {"Fn::Select": [int(name[-1]) - 1, {"Fn::GetAZs": ""}]}
        assert not item.get("MapPublicIpOnLaunch")


@pytest.mark.parametrize(("nat_gateways", "second_way_out"), [("1", "NatGateway1"), ("2", "NatGateway2")])
def test_private_subnets_reach_the_internet_through_nat_alone(nat_gateways: str, second_way_out: str) -> None:
    made = resolved(VPC, NatGateways=nat_gateways).resources
    assert _way_out("PrivateSubnet1", made) == "NatGateway1"
    assert _way_out("PrivateSubnet2", made) == second_way_out
    assert _way_out("PublicSubnet1", made) == _way_out("PublicSubnet2", made) == "InternetGateway"
    gateways = _of("AWS::EC2::NatGateway", made)
    assert len(gateways) == int(nat_gateways)
    for name, gateway in gateways.items():
        assert gateway["SubnetId"] == f"PublicSubnet{name[-1]}"
        assert gateway["AllocationId"].removesuffix(".AllocationId") in _of("AWS::EC2::EIP", made)


def test_functions_connect_by_https_and_nobody_connects_to_them() -> None:
    group = MADE["FunctionSecurityGroup"]["Properties"]
    assert "SecurityGroupIngress" not in group
    (rule,) = group["SecurityGroupEgress"]
    assert (rule["IpProtocol"], rule["FromPort"], rule["ToPort"]) == ("tcp", 443, 443)


def test_s3_is_reached_from_the_private_subnets_and_only_within_the_account() -> None:
    (endpoint,) = _of("AWS::EC2::VPCEndpoint").values()
    assert endpoint["ServiceName"] == "com.amazonaws.eu-west-1.s3"
    assert endpoint["RouteTableIds"] == ["PrivateRouteTable1", "PrivateRouteTable2"]
    (statement,) = endpoint["PolicyDocument"]["Statement"]
    same_account = {"aws:PrincipalAccount": ACCOUNT, "aws:ResourceAccount": ACCOUNT}
    assert statement["Condition"] == {"StringEquals": same_account}


@pytest.mark.parametrize(("endpoint", "service"), [("S3Endpoint", "s3"), ("StatesEndpoint", "states")])
def test_an_endpoint_lets_pass_what_the_roles_of_the_functions_allow(endpoint: str, service: str) -> None:
    made = resolved(VPC, InterfaceEndpoints="true").resources
    (statement,) = made[endpoint]["Properties"]["PolicyDocument"]["Statement"]
    allowed = {
        action
        for role in _of("AWS::IAM::Role", resolved("statemachines/process/template.yaml").resources).values()
        for policy in role.get("Policies", [])
        for granted in policy["PolicyDocument"]["Statement"]
        for action in ([granted["Action"]] if isinstance(granted["Action"], str) else granted["Action"])
        if action.startswith(f"{service}:")
    }
    assert allowed
    assert allowed <= set(statement["Action"])


def test_interface_endpoints_take_connections_of_the_functions_alone() -> None:
    made = resolved(VPC, InterfaceEndpoints="true").resources
    endpoints = _of("AWS::EC2::VPCEndpoint", made).values()
    interfaces = [item for item in endpoints if item["VpcEndpointType"] == "Interface"]
    assert {item["ServiceName"].rpartition(".")[2] for item in interfaces} == {"states", "xray"}
    for item in interfaces:
        assert item["SecurityGroupIds"] == ["EndpointSecurityGroup"]
        assert item["SubnetIds"] == ["PrivateSubnet1", "PrivateSubnet2"]
        (statement,) = item["PolicyDocument"]["Statement"]
        assert statement["Condition"] == {"StringEquals": {"aws:PrincipalAccount": ACCOUNT}}
    (rule,) = made["EndpointSecurityGroup"]["Properties"]["SecurityGroupIngress"]
    assert (rule["SourceSecurityGroupId"], rule["FromPort"]) == ("FunctionSecurityGroup", 443)


def test_the_flow_log_can_be_left_out_with_all_that_it_needs() -> None:
    without = resolved(VPC, FlowLogTraffic="NONE").resources
    assert MADE.keys() - without.keys() == {"FlowLog", "FlowLogGroup", "FlowLogKey", "FlowLogRole"}


def test_the_outputs_fit_the_parameters_of_the_process() -> None:
    made = resolved(VPC).outputs
    assert made["SubnetIds"] == "PrivateSubnet1,PrivateSubnet2"
    assert made["SecurityGroupIds"] == "FunctionSecurityGroup"
    parameters = read_template(PROJECT / "statemachines" / "process" / "template.yaml")["Parameters"]
    assert parameters["SubnetIds"]["Type"] == parameters["SecurityGroupIds"]["Type"] == "CommaDelimitedList"
