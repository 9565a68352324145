"""Fails when ministack no longer needs the types for a VPC with a NAT gateway; tests the added types."""

from __future__ import annotations

from typing import Any


def test_types_of_the_network_are_missing(facts: dict[str, Any]) -> None:
    """cloudformation.types.ec2"""
    assert facts["types before"] == []
    assert len(facts["types after"]) == 3


def test_type_of_dashboards_exists(facts: dict[str, Any]) -> None:
    assert facts["dashboards"]


def test_ref_of_an_address_identifies_it(facts: dict[str, Any]) -> None:
    address, attributes = facts["address"]
    assert attributes["PublicIp"] == address
    assert attributes["AllocationId"].startswith("eipalloc-")
    assert facts["address, changed"] == [address, attributes]


def test_nat_gateway_has_its_subnet_and_tags(facts: dict[str, Any]) -> None:
    identifier, attributes = facts["gateway"]
    assert attributes == {"NatGatewayId": identifier}
    assert facts["described"] == [[identifier, "subnet-1", "available", "some name"]]
    assert facts["described, changed"] == [[identifier, "subnet-1", "available", "another name"]]


def test_flow_log_is_created(facts: dict[str, Any]) -> None:
    identifier, attributes = facts["flow log"]
    assert attributes == {"Id": identifier}
    assert facts["flow logs"] == {identifier: "vpc-1"}


def test_functions_lose_their_vpc(facts: dict[str, Any]) -> None:
    """cloudformation.properties.set_vpcs_of_functions"""
    assert facts["function before"] is None
    assert facts["function"] == {"SubnetIds": ["s"], "SecurityGroupIds": ["g"], "VpcId": ""}


def test_deleted_resources_do_not_exist(facts: dict[str, Any]) -> None:
    assert facts["left"] == [0, 0, ["deleted"]]


def test_unsupported_properties_and_unknown_addresses_are_refused(facts: dict[str, Any]) -> None:
    assert facts["refused"] == [
        "AWS::EC2::EIP: the local AWS does not support InstanceId",
        "AWS::EC2::NatGateway: the local AWS does not support PrivateIpAddress",
        "AWS::EC2::EIP: 198.51.100.1 is not allocated",
    ]
