"""Creates a change set for a stack, executes it, and deletes it if it was not executed."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from stepline.aws.polling import Poller
from stepline.aws.stack_waiters import ChangeSetFailedError, wait_for_change_set
from stepline.core.cloudformation.change_sets import ChangeSetState
from stepline.core.cloudformation.errors import change_set_is_obsolete
from stepline.core.cloudformation.operations import Operation
from stepline.core.errors import UsageError
from stepline.workflow.published_template import parse_stack_template, read_template_text

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudformation.type_defs import (
        ChangeTypeDef,
        DescribeChangeSetOutputTypeDef,
        StackTypeDef,
    )

NAME_PREFIX: Final = "stepline-workflow-"
"""The developers' role may only use change sets whose names have this prefix."""

_CAPABILITIES: Final[Any] = ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]

DeferInterrupts = Callable[[], contextlib.AbstractContextManager[None]]
"""Returns a context in which Ctrl-C takes effect at its end."""


@dataclass(frozen=True)
class UpdateRequest:
    """`parameters` are those with new values; all others keep their values."""

    stack: StackTypeDef
    template_url: str
    role_arn: str
    parameters: Mapping[str, str]


@dataclass
class ChangeSet:
    """A change set of `stack`, which CloudFormation deletes when it is executed."""

    cloudformation: CloudFormationClient
    stack: StackTypeDef
    name: str
    executed: bool = False

    def wait(self, poller: Poller) -> ChangeSetState:
        """Wait until it is READY or UNCHANGED. Raises UsageError with the reason if it FAILED."""
        try:
            return wait_for_change_set(
                self.cloudformation, stack_name=self.stack["StackName"], name=self.name, poller=poller
            )
        except ChangeSetFailedError as error:
            raise UsageError(f"nothing was changed: {error.message}") from error

    def list_changes(self) -> Iterator[ChangeTypeDef]:
        pages = self.cloudformation.get_paginator("describe_change_set")
        for page in pages.paginate(StackName=self.stack["StackName"], ChangeSetName=self.name):
            yield from page.get("Changes", [])

    def current_parameters(self) -> dict[str, str]:
        return _parameter_values(self.stack.get("Parameters", []))

    def new_parameters(self) -> dict[str, str]:
        return _parameter_values(self._describe().get("Parameters", []))

    def current_template(self) -> dict[str, Any]:
        """Return the stack's template after its macros."""
        return self._read_template("")

    def new_template(self) -> dict[str, Any]:
        """Return the change set's template after its macros."""
        return self._read_template(self.name)

    def _read_template(self, change_set: str) -> dict[str, Any]:
        stack_name = self.stack["StackName"]
        return parse_stack_template(
            read_template_text(self.cloudformation, stack_name, stage="Processed", change_set=change_set)
        )

    def execute(self) -> Operation:
        """Start the update. Raises UsageError if another update has started."""
        token = str(uuid.uuid4())
        since = self._describe()["CreationTime"]  # no event of the update is older
        try:
            self.cloudformation.execute_change_set(
                StackName=self.stack["StackName"], ChangeSetName=self.name, ClientRequestToken=token
            )
        except ClientError as error:
            if not change_set_is_obsolete(error):
                raise
            raise UsageError(
                f"nothing was changed: another process is updating or has updated stack "
                f"{self.stack['StackName']}; try again"
            ) from error
        self.executed = True
        return Operation(self.stack["StackId"], token, since)

    def delete(self) -> None:
        """Delete it if it exists and was not executed."""
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
    cloudformation: CloudFormationClient, request: UpdateRequest, defer_interrupts: DeferInterrupts
) -> Iterator[ChangeSet]:
    """Create a change set, and delete it at the end unless it was executed.

    Ctrl-C is deferred while it is created and deleted.
    """
    change_set = ChangeSet(cloudformation, request.stack, f"{NAME_PREFIX}{uuid.uuid4()}")
    try:
        with defer_interrupts():
            _create(change_set, request)
        yield change_set
    except BaseException:
        with defer_interrupts(), contextlib.suppress(ClientError, BotoCoreError):  # the first error counts
            change_set.delete()
        raise
    with defer_interrupts():
        change_set.delete()


def _create(change_set: ChangeSet, request: UpdateRequest) -> None:
    parameters: list[Any] = [
        {"ParameterKey": name, "ParameterValue": request.parameters[name]}
        if name in request.parameters
        else {"ParameterKey": name, "UsePreviousValue": True}
        for name in _parameter_values(request.stack.get("Parameters", []))
    ]
    change_set.cloudformation.create_change_set(
        StackName=request.stack["StackName"],
        ChangeSetName=change_set.name,
        ChangeSetType="UPDATE",
        # Not UsePreviousTemplate: that is the template after the macro, so the macro would not run.
        TemplateURL=request.template_url,
        Parameters=parameters,
        Capabilities=_CAPABILITIES,
        RoleARN=request.role_arn,
        Description=f"stepline workflow deploy: {', '.join(request.parameters.values())}",
    )


def _parameter_values(parameters: Any) -> dict[str, str]:
    return {item["ParameterKey"]: item.get("ParameterValue", "") for item in parameters}
