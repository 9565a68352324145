"""Finds the resources that a change set updates in place.

CloudFormation says Conditional if a property that cannot be updated has a value that it reads only during the
update, such as an attribute of another resource that changes. This value is the same if it identifies a
resource that is itself updated in place. It also says so of some properties that are updated in place.
https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ResourceChangeDetail.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from statemachines.deploy.identifiers import identifies
from statemachines.deploy.resource_changes import ChangeDetail, ResourceChange
from statemachines.deploy.updatable_properties import is_updated_in_place

Kept = Mapping[str, ResourceChange]
"""The changes of resources that are updated in place, by their paths."""


def kept_resources(changes: Sequence[ResourceChange]) -> Kept:
    """Return the changes of all resources that are updated in place."""
    kept = {change.path: change for change in changes if _is_updated(change, "False")}
    conditional = [change for change in changes if _is_updated(change, "Conditional")]
    while found := [change for change in conditional if _is_kept(change, kept)]:
        kept |= {change.path: change for change in found}
        conditional = [change for change in conditional if change.path not in kept]
    return kept


def is_left_to_its_function(change: ResourceChange, kept: Kept) -> bool:
    """Return whether the function of a custom resource decides if it is replaced, by the id that it returns.

    CloudFormation then says Conditional: a change of any of its properties requires recreation Conditionally.
    """
    others = [detail for detail in _deciding(change) if detail.recreation != "Conditionally"]
    return (
        change.is_custom
        and _is_updated(change, "Conditional")
        and bool(change.details)
        and all(_refers_to_kept(detail, change, kept) for detail in others)
    )


def _is_updated(change: ResourceChange, replacement: str) -> bool:
    is_replaced = change.policy_action.startswith("Replace")
    return change.action == "Modify" and change.replacement == replacement and not is_replaced


def _is_kept(change: ResourceChange, kept: Kept) -> bool:
    deciding = _deciding(change)
    return bool(deciding) and all(
        _is_updated_in_place(detail, change) or _refers_to_kept(detail, change, kept) for detail in deciding
    )


def _is_updated_in_place(detail: ChangeDetail, change: ResourceChange) -> bool:
    is_conditional = detail.recreation == "Conditionally"
    return is_conditional and is_updated_in_place(change.resource_type, detail.property_name)


def _deciding(change: ResourceChange) -> list[ChangeDetail]:
    """Return the details that may replace the resource, as far as known."""
    return [detail for detail in change.details if detail.recreation != "Never"]


def _refers_to_kept(detail: ChangeDetail, change: ResourceChange, kept: Kept) -> bool:
    """Return whether the new value is a Ref to a kept resource, or an attribute that it keeps."""
    name, _, attribute = detail.causing_entity.partition(".")
    resource = kept.get(change.stack_path + name)
    if resource is None or detail.evaluation != "Dynamic" or not _has_fixed_identity(resource):
        return False
    if detail.source == "ResourceReference":
        return not attribute
    if detail.source != "ResourceAttribute":
        return False
    return identifies(resource.resource_type, attribute, renamed=resource.is_renamed)


def _has_fixed_identity(resource: ResourceChange) -> bool:
    """Return whether its id and ARN stay. A custom resource may return others, a nested stack has outputs."""
    return resource.resource_type.startswith("AWS::") and not (resource.is_custom or resource.is_nested_stack)
