"""Print, as JSON, how the added types for a VPC behave."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from stepline.localaws.emulators.ministack import application

_TYPES = ("AWS::EC2::EIP", "AWS::EC2::FlowLog", "AWS::EC2::NatGateway")
_TAG = [{"Key": "Name", "Value": "some name"}]
_OTHER_TAG = [{"Key": "Name", "Value": "another name"}]


def facts(directory: Path) -> dict[str, Any]:
    application.load(port=4566, directory=directory, region="us-east-1", account_id="000000000000")
    from ministack.services import ec2, lambda_svc  # noqa: PLC0415
    from ministack.services.cloudformation import provisioners  # noqa: PLC0415

    from stepline.localaws.emulators.ministack.cloudformation import properties  # noqa: PLC0415
    from stepline.localaws.emulators.ministack.cloudformation.types import ec2 as types  # noqa: PLC0415

    handlers = provisioners._RESOURCE_HANDLERS
    before = sorted(handlers.keys() & _TYPES)
    types.add_network_types()
    address, gateway, flow_log = (
        handlers[name] for name in ("AWS::EC2::EIP", "AWS::EC2::NatGateway", "AWS::EC2::FlowLog")
    )

    def described() -> list[list[str]]:
        return [
            [
                item["NatGatewayId"],
                item["SubnetId"],
                item["State"],
                ec2._tags[item["NatGatewayId"]][0]["Value"],
            ]
            for item in ec2._nat_gateways.values()
        ]

    found: dict[str, Any] = {
        "types before": before,
        "types after": sorted(handlers.keys() & _TYPES),
        "dashboards": "AWS::CloudWatch::Dashboard" in handlers,
    }
    found["address"] = made = address["create"]("Address", {"Domain": "vpc"}, "stack")
    found["address, changed"] = address["update"](made[0], {}, {"Tags": _TAG}, "stack")
    place = {"SubnetId": "subnet-1", "AllocationId": made[1]["AllocationId"]}
    found["gateway"] = gateway["create"]("Gateway", {**place, "Tags": _TAG}, "stack")
    found["described"] = described()
    gateway["update"](found["gateway"][0], {**place, "Tags": _TAG}, {**place, "Tags": _OTHER_TAG}, "stack")
    found["described, changed"] = described()
    logged = {"ResourceId": "vpc-1", "ResourceType": "VPC", "TrafficType": "ALL", "LogDestination": "arn"}
    found["flow log"] = flow_log["create"]("Log", logged, "stack")
    found["flow logs"] = {name: item["ResourceId"] for name, item in ec2._flow_logs.items()}
    for kind, name in ((flow_log, "flow log"), (gateway, "gateway"), (address, "address")):
        kind["delete"](found[name][0], {})
    states = [item["State"] for item in ec2._nat_gateways.values()]
    found["left"] = [len(ec2._addresses), len(ec2._flow_logs), states]
    function = handlers["AWS::Lambda::Function"]
    in_vpc = {"FunctionName": "f", "Role": "r", "VpcConfig": {"SubnetIds": ["s"], "SecurityGroupIds": ["g"]}}
    function["create"]("Function", in_vpc, "stack")
    found["function before"] = lambda_svc._functions["f"]["config"].get("VpcConfig")
    properties.set_vpcs_of_functions()
    function["update"]("f", {**in_vpc, "Role": "q"}, in_vpc, "stack")
    found["function"] = lambda_svc._functions["f"]["config"]["VpcConfig"]
    found["refused"] = [
        _refusal(lambda: address["create"]("A", {"InstanceId": "i"}, "stack")),
        _refusal(lambda: gateway["create"]("G", {**place, "PrivateIpAddress": "10.0.0.1"}, "stack")),
        _refusal(lambda: address["delete"]("198.51.100.1", {})),
    ]
    return found


def _refusal(call: Callable[[], object]) -> str:
    try:
        call()
    except ValueError as error:
        return str(error)
    return ""


if __name__ == "__main__":

    async def main() -> None:
        sys.stdout.write(json.dumps(facts(Path(sys.argv[1]))))

    asyncio.run(main())
