"""Adds AWS::IAM::RolePolicy to ministack's CloudFormation."""

from __future__ import annotations

import json
from collections.abc import Mapping
from xml.etree import ElementTree

from ministack.services import iam

from stepline.localaws.emulators.ministack.cloudformation.resource_types import (
    Properties,
    Resource,
    add_type,
)

_TYPE = "AWS::IAM::RolePolicy"


def add_role_policy_type() -> None:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-iam-rolepolicy.html"""

    def put(properties: Properties) -> Resource:
        role, name = properties["RoleName"], properties["PolicyName"]
        document = properties.get("PolicyDocument", {})
        text = document if isinstance(document, str) else json.dumps(document)
        _check(iam._put_role_policy({"RoleName": [role], "PolicyName": [name], "PolicyDocument": [text]}))
        return f"{name}|{role}", {}

    def create(_logical_id: str, properties: Properties, _stack_name: str) -> Resource:
        return put(properties)

    def update(_physical_id: str, _old: Properties, new: Properties, _stack_name: str) -> Resource:
        return put(new)

    def delete(_physical_id: str, properties: Properties) -> None:
        if properties["RoleName"] in iam._roles:
            names = {key: [properties[key]] for key in ("RoleName", "PolicyName")}
            _check(iam._delete_role_policy(names))

    add_type(_TYPE, create, update, delete)


def _check(response: tuple[int, Mapping[str, str], bytes]) -> None:
    """Raise ValueError with IAM's message, if there is one."""
    status, _, body = response
    if status >= 400:
        messages = ElementTree.fromstring(body).iter()  # noqa: S314 - written by ministack
        text = next((item.text for item in messages if item.tag.endswith("Message")), status)
        raise ValueError(f"{_TYPE}: {text}")
