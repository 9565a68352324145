"""Adds the users of Cognito's user pools to ministack's CloudFormation; its Cognito has them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from ministack.services import cognito

from stepline.localaws.emulators.ministack.cloudformation.resource_types import (
    Properties,
    Resource,
    add_type,
)

_USER = "AWS::Cognito::UserPoolUser"
_MEMBERSHIP = "AWS::Cognito::UserPoolUserToGroupAttachment"


def add_user_types() -> None:
    _add_user()
    _add_membership()


def _add_user() -> None:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-cognito-userpooluser.html"""

    def create(_logical_id: str, properties: Properties, _stack_name: str) -> Resource:
        user = _call(_USER, cognito._admin_create_user, properties)["User"]
        return user["Username"], {}

    def delete(physical_id: str, properties: Properties) -> None:
        user = {"UserPoolId": properties["UserPoolId"], "Username": physical_id}
        _call(_USER, cognito._admin_delete_user, user)

    add_type(_USER, create, _unchanged, delete)


def _add_membership() -> None:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-cognito-userpoolusertogroupattachment.html"""

    def create(_logical_id: str, properties: Properties, _stack_name: str) -> Resource:
        _call(_MEMBERSHIP, cognito._admin_add_user_to_group, properties)
        return "|".join(properties[name] for name in ("UserPoolId", "GroupName", "Username")), {}

    def delete(_physical_id: str, properties: Properties) -> None:
        _call(_MEMBERSHIP, cognito._admin_remove_user_from_group, properties)

    add_type(_MEMBERSHIP, create, _unchanged, delete)


def _unchanged(physical_id: str, _old: Properties, _new: Properties, _stack_name: str) -> Resource:
    """All properties are create-only."""
    return physical_id, {}


def _call(kind: str, operation: Callable[..., Any], request: Properties) -> Any:
    """Return the response. Raises ValueError with Cognito's message."""
    status, _, body = operation(dict(request))
    response = json.loads(body or "{}")
    if status >= 400:
        raise ValueError(f"{kind}: {response.get('message') or response.get('Message')}")
    return response
