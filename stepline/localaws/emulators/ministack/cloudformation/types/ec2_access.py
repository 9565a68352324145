"""Adds network ACLs and rules of security groups to ministack's CloudFormation; its EC2 has them.

`aws ec2 describe-network-acls` and `describe-security-groups` show them; there is no traffic to filter.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ministack.services import ec2
from ministack.services.cloudformation import provisioners

from stepline.localaws.cloudformation.recorded_types import new_id
from stepline.localaws.emulators.ministack.cloudformation.resource_types import (
    Properties,
    Resource,
    add_type,
)
from stepline.localaws.emulators.ministack.cloudformation.types.ec2_calls import call, update_tags

_ACL = "AWS::EC2::NetworkAcl"
_ENTRY = "AWS::EC2::NetworkAclEntry"
_ASSOCIATION = "AWS::EC2::SubnetNetworkAclAssociation"


def add_access_types() -> None:
    """Add the types of network ACLs, and AWS::EC2::SecurityGroupIngress and SecurityGroupEgress."""
    _add_network_acl()
    _add_network_acl_entry()
    _add_subnet_association()
    _add_rule("AWS::EC2::SecurityGroupIngress", ec2._authorize_sg_ingress, ec2._revoke_sg_ingress)
    _add_rule("AWS::EC2::SecurityGroupEgress", ec2._authorize_sg_egress, ec2._revoke_sg_egress)


def _add_network_acl() -> None:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-ec2-networkacl.html"""

    def create(_logical_id: str, properties: Properties, _stack_name: str) -> Resource:
        identifier = call(_ACL, ec2._create_network_acl, VpcId=properties["VpcId"])["networkAclId"]
        provisioners._ec2_apply_tags(identifier, properties)
        return identifier, {"Id": identifier}

    def delete(physical_id: str, _properties: Properties) -> None:
        call(_ACL, ec2._delete_network_acl, NetworkAclId=physical_id)

    add_type(_ACL, create, update_tags, delete)


def _add_network_acl_entry() -> None:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-ec2-networkaclentry.html"""

    def create(logical_id: str, properties: Properties, stack_name: str) -> Resource:
        call(_ENTRY, ec2._create_network_acl_entry, **_entry(properties))
        identifier = provisioners._physical_name(stack_name, logical_id)
        return identifier, {"Id": identifier}

    def update(physical_id: str, _old: Properties, new: Properties, _stack_name: str) -> Resource:
        call(_ENTRY, ec2._replace_network_acl_entry, **_entry(new))
        return physical_id, {"Id": physical_id}

    def delete(_physical_id: str, properties: Properties) -> None:
        call(_ENTRY, ec2._delete_network_acl_entry, **_entry(properties))

    add_type(_ENTRY, create, update, delete)


def _entry(properties: Properties) -> dict[str, str]:
    names = ("NetworkAclId", "RuleNumber", "Protocol", "RuleAction", "CidrBlock", "Ipv6CidrBlock")
    parameters = {name: str(properties[name]) for name in names if name in properties}
    return parameters | {"Egress": str(properties.get("Egress", False)).lower()}


def _add_subnet_association() -> None:
    """Add the type. A subnet has one network ACL; without an association it has that of its VPC."""

    def create(_logical_id: str, properties: Properties, _stack_name: str) -> Resource:
        subnet, acl = properties["SubnetId"], ec2._network_acls.get(properties["NetworkAclId"])
        if acl is None:
            raise ValueError(f"{_ASSOCIATION}: The network ACL '{properties['NetworkAclId']}' does not exist")
        _remove_associations(subnet)
        identifier = new_id("AWS::EC2::aclassoc")
        acl["Associations"].append({"NetworkAclAssociationId": identifier, "SubnetId": subnet})
        return identifier, {"AssociationId": identifier}

    def update(physical_id: str, _old: Properties, _new: Properties, _stack_name: str) -> Resource:
        return physical_id, {"AssociationId": physical_id}

    def delete(physical_id: str, _properties: Properties) -> None:
        for acl in ec2._network_acls.values():
            acl["Associations"] = [
                item for item in acl["Associations"] if item["NetworkAclAssociationId"] != physical_id
            ]

    add_type(_ASSOCIATION, create, update, delete)


def _remove_associations(subnet: str) -> None:
    for acl in ec2._network_acls.values():
        acl["Associations"] = [item for item in acl["Associations"] if item["SubnetId"] != subnet]


def _add_rule(kind: str, authorize: Callable[..., Any], revoke: Callable[..., Any]) -> None:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-ec2-securitygroupingress.html"""

    def create(_logical_id: str, properties: Properties, _stack_name: str) -> Resource:
        identifier = call(kind, authorize, **_rule(kind, properties))["securityGroupRuleId"]
        return identifier, {"Id": identifier}

    def update(physical_id: str, old: Properties, new: Properties, _stack_name: str) -> Resource:
        delete(physical_id, old)
        _, attributes = create("", new, "")
        return physical_id, attributes

    def delete(_physical_id: str, properties: Properties) -> None:
        call(kind, revoke, **_rule(kind, properties))

    add_type(kind, create, update, delete)


def _rule(kind: str, properties: Properties) -> dict[str, str]:
    """Return the parameters of AuthorizeSecurityGroupIngress and its like."""
    rule = "IpPermissions.1."
    group = properties.get("GroupId") or _group_named(kind, properties.get("GroupName", ""))
    parameters = {"GroupId": group, f"{rule}IpProtocol": str(properties["IpProtocol"])}
    for name, member in _RULE_MEMBERS.items():
        if name in properties:
            parameters[rule + member] = str(properties[name])
    if "Description" in properties:
        for name, member in _SOURCES.items():
            if name in properties:
                parameters[f"{rule}{member}.Description"] = properties["Description"]
    return parameters


_RULE_MEMBERS: Mapping[str, str] = {
    "FromPort": "FromPort",
    "ToPort": "ToPort",
    "CidrIp": "IpRanges.1.CidrIp",
    "CidrIpv6": "Ipv6Ranges.1.CidrIpv6",
    "SourcePrefixListId": "PrefixListIds.1.PrefixListId",
    "DestinationPrefixListId": "PrefixListIds.1.PrefixListId",
    "SourceSecurityGroupId": "Groups.1.GroupId",
    "SourceSecurityGroupName": "Groups.1.GroupName",
    "DestinationSecurityGroupId": "Groups.1.GroupId",
}
_SOURCES: Mapping[str, str] = {"CidrIp": "IpRanges.1", "CidrIpv6": "Ipv6Ranges.1"}


def _group_named(kind: str, name: str) -> str:
    """Return the id of a security group, for a rule that names its group."""
    for identifier, group in ec2._security_groups.items():
        if group.get("GroupName") == name:
            return str(identifier)
    raise ValueError(f"{kind}: The security group '{name}' does not exist")
