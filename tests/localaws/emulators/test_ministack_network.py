"""The types that a VPC with a NAT gateway needs are missing in ministack, and ours work on its EC2."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

PROJECT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def facts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    directory = tmp_path_factory.mktemp("ministack")
    command = [sys.executable, "-m", "tests.localaws.emulators.ministack_network_facts", str(directory)]
    answer = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(answer.stdout.splitlines()[-1])
    return found


def test_its_cloudformation_lacks_the_types(facts: dict[str, Any]) -> None:
    """ministack_network.add_types"""
    assert facts["types before"] == []
    assert len(facts["types after"]) == 3


def test_its_dashboards_need_no_mend(facts: dict[str, Any]) -> None:
    assert facts["dashboards"]


def test_an_address_is_known_by_what_ref_returns(facts: dict[str, Any]) -> None:
    address, attributes = facts["address"]
    assert attributes["PublicIp"] == address
    assert attributes["AllocationId"].startswith("eipalloc-")
    assert facts["address, changed"] == [address, attributes]


def test_a_gateway_is_in_its_subnet_and_has_its_tags(facts: dict[str, Any]) -> None:
    identifier, attributes = facts["gateway"]
    assert attributes == {"NatGatewayId": identifier}
    assert facts["described"] == [[identifier, "subnet-1", "available", "some name"]]
    assert facts["described, changed"] == [[identifier, "subnet-1", "available", "another name"]]


def test_a_flow_log_can_be_found(facts: dict[str, Any]) -> None:
    identifier, attributes = facts["flow log"]
    assert attributes == {"Id": identifier}
    assert facts["flow logs"] == {identifier: "vpc-1"}


def test_its_functions_do_not_know_their_vpc(facts: dict[str, Any]) -> None:
    """ministack_network.put_functions_into_vpcs"""
    assert facts["function before"] is None
    assert facts["function"] == {"SubnetIds": ["s"], "SecurityGroupIds": ["g"], "VpcId": ""}


def test_nothing_is_left_of_what_was_deleted(facts: dict[str, Any]) -> None:
    assert facts["left"] == [0, 0, ["deleted"]]


def test_what_the_local_aws_cannot_do_is_named(facts: dict[str, Any]) -> None:
    assert facts["refused"] == [
        "AWS::EC2::EIP: the local AWS does not support InstanceId",
        "AWS::EC2::NatGateway: the local AWS does not support PrivateIpAddress",
        "AWS::EC2::EIP: 198.51.100.1 is not allocated",
    ]
