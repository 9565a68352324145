"""Calls operations of ministack's EC2 for resource types, and updates tags."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from xml.etree import ElementTree

from ministack.services.cloudformation import provisioners

from stepline.localaws.emulators.ministack.cloudformation.resource_types import Properties, Resource

_Operation = Callable[[dict[str, list[str]]], tuple[int, Mapping[str, str], bytes]]


def call(kind: str, operation: _Operation, **parameters: str) -> dict[str, str]:
    """Return the texts of the operation's response by the names of their elements.

    Raises ValueError with the message of EC2, and with `kind`, the resource type.
    """
    status, _, body = operation({name: [value] for name, value in parameters.items()})
    texts = {
        element.tag.rpartition("}")[2]: element.text or ""
        for element in ElementTree.fromstring(body).iter()  # noqa: S314 - written by ministack
    }
    if status >= 400:
        raise ValueError(f"{kind}: {texts.get('Message', status)}")
    return texts


def update_tags(physical_id: str, old: Properties, new: Properties, _stack_name: str) -> Resource:
    """Update a resource of which only the tags can change; its attribute is `Id`."""
    provisioners._ec2_apply_tags(physical_id, new, old)
    return physical_id, {"Id": physical_id}
