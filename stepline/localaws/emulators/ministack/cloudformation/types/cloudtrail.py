"""Adds AWS::CloudTrail::Trail to ministack's CloudFormation."""

from __future__ import annotations

import json
from typing import Any

from ministack.services import cloudtrail
from ministack.services.cloudformation import provisioners

from stepline.localaws.emulators.ministack.cloudformation.resource_types import (
    Properties,
    Resource,
    add_type,
    refuse_properties,
)

_TYPE = "AWS::CloudTrail::Trail"
_ERROR = 400
_API_NAMES = {"TrailName": "Name", "KMSKeyId": "KmsKeyId"}
_NOT_IN_REQUEST = frozenset({"IsLogging", "Tags", "EventSelectors", "AdvancedEventSelectors"})


def add_trail_type() -> None:
    """Add the type without insights.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-cloudtrail-trail.html
    """

    def apply(name: str, properties: Properties) -> Resource:
        selectors = {
            key: properties[key] for key in ("EventSelectors", "AdvancedEventSelectors") if key in properties
        }
        if selectors:
            _call("PutEventSelectors", {"TrailName": name, **selectors})
        is_logging = str(properties.get("IsLogging", True)).lower() == "true"
        _call("StartLogging" if is_logging else "StopLogging", {"Name": name})
        return name, {"Arn": cloudtrail._trail_arn(name)}

    def create(logical_id: str, properties: Properties, stack_name: str) -> Resource:
        refuse_properties(_TYPE, properties, {"InsightSelectors"})
        name = properties.get("TrailName") or provisioners._physical_name(stack_name, logical_id)
        _call("CreateTrail", {**_request(properties), "Name": name})
        return apply(name, properties)

    def update(physical_id: str, _old: Properties, new: Properties, _stack_name: str) -> Resource:
        refuse_properties(_TYPE, new, {"InsightSelectors"})
        _call("UpdateTrail", {**_request(new), "Name": physical_id})
        return apply(physical_id, new)

    def delete(physical_id: str, _properties: Properties) -> None:
        _call("DeleteTrail", {"Name": physical_id})

    add_type(_TYPE, create, update, delete)


def _request(properties: Properties) -> dict[str, Any]:
    return {
        _API_NAMES.get(name, name): value for name, value in properties.items() if name not in _NOT_IN_REQUEST
    }


def _call(operation: str, body: dict[str, Any]) -> None:
    """Call the operation. Raises ValueError with CloudTrail's message."""
    status, _, response = cloudtrail._DISPATCH[operation](body)
    if status >= _ERROR:
        raise ValueError(f"{_TYPE}: {json.loads(response)['message']}")
