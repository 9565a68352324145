"""Parses the changes of a change set.

https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ResourceChange.html
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from stepline.core.cloudformation.stack_events import STACK_TYPE

if TYPE_CHECKING:
    from mypy_boto3_cloudformation.type_defs import ResourceChangeDetailTypeDef, ResourceChangeTypeDef

_CUSTOM_RESOURCE: Final = "AWS::CloudFormation::CustomResource"

_IN_ARNS: Final = ("Name", "Path")
"""Ends of the names of properties that can be a part of an ARN, such as the `Path` of an IAM group."""


@dataclass(frozen=True)
class ChangeDetail:
    """Why a property changes; absent values are empty. `causing_entity` is such as `Queue.Arn`."""

    property_name: str = ""
    recreation: str = ""
    evaluation: str = ""
    source: str = ""
    causing_entity: str = ""

    @classmethod
    def parse(cls, detail: ResourceChangeDetailTypeDef) -> ChangeDetail:
        target = detail.get("Target", {})
        return cls(
            property_name=target.get("Name", ""),
            recreation=target.get("RequiresRecreation", ""),
            evaluation=detail.get("Evaluation", ""),
            source=detail.get("ChangeSource", ""),
            causing_entity=detail.get("CausingEntity", ""),
        )


@dataclass(frozen=True)
class ResourceChange:
    """One change of one resource; absent values are empty. `stack_path` is such as `Nested/Inner/`."""

    logical_id: str
    resource_type: str
    action: str
    replacement: str = ""
    policy_action: str = ""
    physical_id: str = ""
    change_set_id: str = ""  # of a nested stack: the change set with its changes
    details: tuple[ChangeDetail, ...] = ()
    stack_path: str = ""

    @classmethod
    def parse(cls, change: ResourceChangeTypeDef, stack_path: str) -> ResourceChange:
        return cls(
            logical_id=change.get("LogicalResourceId", "?"),
            resource_type=change.get("ResourceType", "?"),
            action=change.get("Action", ""),
            replacement=change.get("Replacement", ""),
            policy_action=change.get("PolicyAction", ""),
            physical_id=change.get("PhysicalResourceId", ""),
            change_set_id=change.get("ChangeSetId", ""),
            details=tuple(ChangeDetail.parse(detail) for detail in change.get("Details", [])),
            stack_path=stack_path,
        )

    @property
    def path(self) -> str:
        """The logical id, after those of the nested stacks."""
        return self.stack_path + self.logical_id

    @property
    def is_nested_stack(self) -> bool:
        return self.resource_type == STACK_TYPE

    @property
    def is_custom(self) -> bool:
        return self.resource_type == _CUSTOM_RESOURCE or self.resource_type.startswith("Custom::")

    @property
    def is_renamed(self) -> bool:
        """Whether a property changes that can be a part of the resource's ARN."""
        return any(detail.property_name.endswith(_IN_ARNS) for detail in self.details)
