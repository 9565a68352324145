"""One change set of a stack: created, waited for, inspected, executed; never left behind."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from stepline.aws.polling import Polling
from stepline.aws.stack_updates import ChangeSetFailedError, wait_for_change_set
from stepline.core.cloudformation.change_sets import ChangeSetState
from stepline.core.cloudformation.errors import change_set_is_obsolete
from stepline.core.cloudformation.operations import Operation
from stepline.core.errors import UsageError

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudformation.type_defs import (
        ChangeTypeDef,
        DescribeChangeSetOutputTypeDef,
        StackTypeDef,
    )

NAME_PREFIX: Final = "stepline-workflow-"
"""The developers' role may use change sets whose name begins so, and no others."""

_CAPABILITIES: Final[Any] = ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]

DeferInterrupts = Callable[[], contextlib.AbstractContextManager[None]]
"""Within it, Ctrl-C waits."""


@dataclass(frozen=True)
class Request:
    """`changed` are parameters with new values; all others keep theirs."""

    stack: StackTypeDef
    template_url: str
    role_arn: str
    changed: Mapping[str, str]
    description: str


@dataclass
class ChangeSet:
    """`executed`: CloudFormation deletes it by itself then."""

    cloudformation: CloudFormationClient
    stack: StackTypeDef
    name: str
    executed: bool = False

    def wait(self, polling: Polling) -> ChangeSetState:
        """READY or UNCHANGED. Raises UsageError with CloudFormation's reason, which is the macro's."""
        try:
            return wait_for_change_set(
                self.cloudformation, stack_name=self.stack["StackName"], name=self.name, polling=polling
            )
        except ChangeSetFailedError as error:
            raise UsageError(f"nothing was changed: {error.message}") from error

    def changes(self) -> Iterator[ChangeTypeDef]:
        """Of all pages."""
        pages = self.cloudformation.get_paginator("describe_change_set")
        for page in pages.paginate(StackName=self.stack["StackName"], ChangeSetName=self.name):
            yield from page.get("Changes", [])

    def parameters(self) -> dict[str, str]:
        return parameter_values(self._describe().get("Parameters", []))

    def execute(self) -> Operation:
        """Start the update. Raises UsageError if another update has begun."""
        token = str(uuid.uuid4())
        since = self._describe()["CreationTime"]  # the update cannot be older than its change set
        try:
            self.cloudformation.execute_change_set(
                StackName=self.stack["StackName"], ChangeSetName=self.name, ClientRequestToken=token
            )
        except ClientError as error:
            if not change_set_is_obsolete(error):
                raise
            raise UsageError(
                f"nothing was changed: {self.stack['StackName']} is being updated by another process, or has"
                " just been; try again"
            ) from error
        self.executed = True
        return Operation(self.stack["StackId"], token, since)

    def delete(self) -> None:
        """Unless it was executed, or is gone."""
        if self.executed:
            return
        with contextlib.suppress(self.cloudformation.exceptions.ChangeSetNotFoundException):
            self.cloudformation.delete_change_set(StackName=self.stack["StackName"], ChangeSetName=self.name)

    def _describe(self) -> DescribeChangeSetOutputTypeDef:
        return self.cloudformation.describe_change_set(
            StackName=self.stack["StackName"], ChangeSetName=self.name
        )


@contextlib.contextmanager
def new_change_set(
    cloudformation: CloudFormationClient, request: Request, defer_interrupts: DeferInterrupts
) -> Iterator[ChangeSet]:
    """Make a change set of the stack, and delete it at the end, if it is still there.

    Ctrl-C waits while it is made or deleted.
    """
    change_set = ChangeSet(cloudformation, request.stack, f"{NAME_PREFIX}{uuid.uuid4()}")
    try:
        with defer_interrupts():
            _create(change_set, request)
        yield change_set
    except BaseException:
        with defer_interrupts(), contextlib.suppress(ClientError, BotoCoreError):  # what came first counts
            change_set.delete()
        raise
    with defer_interrupts():
        change_set.delete()


def _create(change_set: ChangeSet, request: Request) -> None:
    parameters: list[Any] = [
        {"ParameterKey": name, "ParameterValue": request.changed[name]}
        if name in request.changed
        else {"ParameterKey": name, "UsePreviousValue": True}
        for name in parameter_values(request.stack.get("Parameters", []))
    ]
    change_set.cloudformation.create_change_set(
        StackName=request.stack["StackName"],
        ChangeSetName=change_set.name,
        ChangeSetType="UPDATE",
        # Not UsePreviousTemplate: that is the template as the macro has left it, and the macro would not run.
        TemplateURL=request.template_url,
        Parameters=parameters,
        Capabilities=_CAPABILITIES,
        RoleARN=request.role_arn,
        Description=request.description,
    )


def parameter_values(parameters: Any) -> dict[str, str]:
    return {item["ParameterKey"]: item.get("ParameterValue", "") for item in parameters}
