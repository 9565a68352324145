"""Adds the types that a VPC with a NAT gateway needs to ministack's CloudFormation; its EC2 has them.

On AWS a NAT gateway carries traffic; here it is a record that `aws ec2 describe-nat-gateways` shows.
"""

from __future__ import annotations

from ministack.services import ec2
from ministack.services.cloudformation import provisioners

from stepline.localaws.emulators.ministack.cloudformation.resource_types import (
    Properties,
    Resource,
    add_type,
    refuse_properties,
)
from stepline.localaws.emulators.ministack.cloudformation.types.ec2_calls import call, update_tags


def add_network_types() -> None:
    """Add AWS::EC2::EIP, AWS::EC2::NatGateway and AWS::EC2::FlowLog."""
    _add_address_type()
    _add_nat_gateway_type()
    _add_flow_log_type()


def _add_address_type() -> None:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-ec2-eip.html"""
    kind = "AWS::EC2::EIP"
    unsupported = {"Address", "InstanceId", "IpamPoolId", "PublicIpv4Pool", "TransferAddress"}

    def resource(identifier: str) -> Resource:
        address = ec2._addresses[identifier]["PublicIp"]
        return address, {"AllocationId": identifier, "PublicIp": address}

    def create(_logical_id: str, properties: Properties, _stack_name: str) -> Resource:
        refuse_properties(kind, properties, unsupported)
        response = call(kind, ec2._allocate_address, Domain="vpc")
        identifier = response["allocationId"]
        provisioners._ec2_apply_tags(identifier, properties)
        return resource(identifier)

    def update(physical_id: str, old: Properties, new: Properties, _stack_name: str) -> Resource:
        refuse_properties(kind, new, unsupported)
        identifier = _allocation(physical_id)
        provisioners._ec2_apply_tags(identifier, new, old)
        return resource(identifier)

    def delete(physical_id: str, _properties: Properties) -> None:
        call(kind, ec2._release_address, AllocationId=_allocation(physical_id))

    add_type(kind, create, update, delete)


def _add_nat_gateway_type() -> None:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-ec2-natgateway.html"""
    kind = "AWS::EC2::NatGateway"
    supported = {"AllocationId", "ConnectivityType", "SubnetId", "Tags"}

    def create(_logical_id: str, properties: Properties, _stack_name: str) -> Resource:
        refuse_properties(kind, properties, properties.keys() - supported)
        parameters = {key: str(value) for key, value in properties.items() if key != "Tags"}
        identifier = call(kind, ec2._create_nat_gateway, **parameters)["natGatewayId"]
        provisioners._ec2_apply_tags(identifier, properties)
        return identifier, {"NatGatewayId": identifier}

    def update(physical_id: str, old: Properties, new: Properties, _stack_name: str) -> Resource:
        refuse_properties(kind, new, new.keys() - supported)
        provisioners._ec2_apply_tags(physical_id, new, old)
        return physical_id, {"NatGatewayId": physical_id}

    def delete(physical_id: str, _properties: Properties) -> None:
        call(kind, ec2._delete_nat_gateway, NatGatewayId=physical_id)

    add_type(kind, create, update, delete)


def _add_flow_log_type() -> None:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-ec2-flowlog.html"""
    kind = "AWS::EC2::FlowLog"
    # A role or a format of lines would change nothing here, as there is no traffic to log.
    passed = ("ResourceType", "TrafficType", "LogDestinationType", "LogDestination", "LogGroupName")

    def create(_logical_id: str, properties: Properties, _stack_name: str) -> Resource:
        parameters = {key: str(properties[key]) for key in passed if key in properties}
        parameters |= {"ResourceId.1": str(properties["ResourceId"])}
        identifier = call(kind, ec2._create_flow_logs, **parameters)["item"]
        provisioners._ec2_apply_tags(identifier, properties)
        return identifier, {"Id": identifier}

    def delete(physical_id: str, _properties: Properties) -> None:
        call(kind, ec2._delete_flow_logs, **{"FlowLogId.1": physical_id})

    add_type(kind, create, update_tags, delete)


def _allocation(address: str) -> str:
    """Return the allocation id of an address, which `Ref` returns."""
    for identifier, record in ec2._addresses.items():
        if record["PublicIp"] == address:
            return str(identifier)
    raise ValueError(f"AWS::EC2::EIP: {address} is not allocated")
