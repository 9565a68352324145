"""Adds AWS::Events::Connection to ministack's CloudFormation; its EventBridge has connections."""

from __future__ import annotations

import json
from typing import Any

from ministack.services import eventbridge

from stepline.localaws.emulators.ministack.cloudformation.resource_types import (
    Properties,
    Resource,
    add_type,
)

_TYPE = "AWS::Events::Connection"


def add_connection_type() -> None:
    """Add the type, which HTTP tasks of state machines and API destinations use.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-events-connection.html
    """

    def resource(response: Any) -> Resource:
        status, _, body = response
        document = json.loads(body)
        if status >= 400:
            raise ValueError(f"{_TYPE}: {document.get('message', document.get('Message', ''))}")
        arn = document["ConnectionArn"]
        prefix, _, rest = arn.partition(":connection/")
        secret = f"{prefix.replace(':events:', ':secretsmanager:')}:secret:events!connection/{rest}/secret"
        name = rest.partition("/")[0]
        return name, {"Arn": arn, "ArnForPolicy": f"{prefix}:connection/{name}", "SecretArn": secret}

    def create(logical_id: str, properties: Properties, stack_name: str) -> Resource:
        name = properties.get("Name", f"{stack_name}-{logical_id}")
        return resource(eventbridge._create_connection({**_request(properties), "Name": name}))

    def update(physical_id: str, _old: Properties, new: Properties, _stack_name: str) -> Resource:
        return resource(eventbridge._update_connection({**_request(new), "Name": physical_id}))

    def delete(physical_id: str, _properties: Properties) -> None:
        eventbridge._delete_connection({"Name": physical_id})

    add_type(_TYPE, create, update, delete)


def _request(properties: Properties) -> dict[str, Any]:
    """Return the API's parameters, in which `ApiKeyAuthParameters` and others have the same names."""
    names = ("AuthorizationType", "AuthParameters", "Description")
    return {name: properties[name] for name in names if name in properties}
