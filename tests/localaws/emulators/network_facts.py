"""How the added types for a VPC behave."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ministack.services import ec2, lambda_svc
from ministack.services.cloudformation import provisioners

from stepline.localaws.emulators.ministack.cloudformation import properties
from stepline.localaws.emulators.ministack.cloudformation.types.ec2 import add_network_types

_TYPES = ("AWS::EC2::EIP", "AWS::EC2::FlowLog", "AWS::EC2::NatGateway")
_TAG = [{"Key": "Name", "Value": "some name"}]
_OTHER_TAG = [{"Key": "Name", "Value": "another name"}]


async def facts() -> dict[str, Any]:
    handlers = provisioners._RESOURCE_HANDLERS
    before = sorted(handlers.keys() & _TYPES)
    add_network_types()
    return {
        "types before": before,
        "types after": sorted(handlers.keys() & _TYPES),
        "dashboards": "AWS::CloudWatch::Dashboard" in handlers,
        **_resources(*(handlers[name] for name in _TYPES)),
        **_function_in_vpc(handlers["AWS::Lambda::Function"]),
    }


def _resources(address: Any, flow_log: Any, gateway: Any) -> dict[str, Any]:
    def gateways() -> list[list[str]]:
        return [
            [identifier, item["SubnetId"], item["State"], ec2._tags[identifier][0]["Value"]]
            for identifier, item in ec2._nat_gateways.items()
        ]

    found: dict[str, Any] = {}
    found["address"] = created = address["create"]("Address", {"Domain": "vpc"}, "stack")
    found["address, changed"] = address["update"](created[0], {}, {"Tags": _TAG}, "stack")
    untagged = {"SubnetId": "subnet-1", "AllocationId": created[1]["AllocationId"]}
    found["gateway"] = gateway["create"]("Gateway", {**untagged, "Tags": _TAG}, "stack")
    found["described"] = gateways()
    changed = {**untagged, "Tags": _OTHER_TAG}
    gateway["update"](found["gateway"][0], {**untagged, "Tags": _TAG}, changed, "stack")
    found["described, changed"] = gateways()
    logged = {"ResourceId": "vpc-1", "ResourceType": "VPC", "TrafficType": "ALL", "LogDestination": "arn"}
    found["flow log"] = flow_log["create"]("Log", logged, "stack")
    found["flow logs"] = {name: item["ResourceId"] for name, item in ec2._flow_logs.items()}
    for resource_type, name in ((flow_log, "flow log"), (gateway, "gateway"), (address, "address")):
        resource_type["delete"](found[name][0], {})
    states = [item["State"] for item in ec2._nat_gateways.values()]
    found["left"] = [len(ec2._addresses), len(ec2._flow_logs), states]
    with_address = {**untagged, "PrivateIpAddress": "10.0.0.1"}
    found["refused"] = [
        _refusal(lambda: address["create"]("A", {"InstanceId": "i"}, "stack")),
        _refusal(lambda: gateway["create"]("G", with_address, "stack")),
        _refusal(lambda: address["delete"]("198.51.100.1", {})),
    ]
    return found


def _function_in_vpc(function: Any) -> dict[str, Any]:
    in_vpc = {"FunctionName": "f", "Role": "r", "VpcConfig": {"SubnetIds": ["s"], "SecurityGroupIds": ["g"]}}
    function["create"]("Function", in_vpc, "stack")
    before = lambda_svc._functions["f"]["config"].get("VpcConfig")
    properties.set_vpcs_of_functions()
    function["update"]("f", {**in_vpc, "Role": "q"}, in_vpc, "stack")
    return {"function before": before, "function": lambda_svc._functions["f"]["config"]["VpcConfig"]}


def _refusal(call: Callable[[], object]) -> str:
    try:
        call()
    except ValueError as error:
        return str(error)
    return ""
