"""One change set of a stack: made, waited for, looked at, executed; never left behind."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from stepline.aws.polling import Pace
from stepline.cli.error_messages import error_code
from stepline.errors import UsageError

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
_NO_CHANGES: Final = ("didn't contain changes", "No updates are to be performed")
_GONE: Final = frozenset({"ChangeSetNotFound", "ChangeSetNotFoundException"})
_OVERTAKEN: Final = _GONE | {"InvalidChangeSetStatus", "InvalidChangeSetStatusException"}
_IN_PROGRESS: Final = "_IN_PROGRESS"


Held = Callable[[], contextlib.AbstractContextManager[None]]
"""Within it, Ctrl-C waits."""


class State(Enum):
    PENDING = "pending"
    READY = "ready"
    EMPTY = "empty"  # the template and the parameters change nothing
    FAILED = "failed"


class MacroRefusedError(UsageError):
    """CloudFormation could not make the change set; what it says is what the macro says."""


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
    """`executed`: it is CloudFormation's now, which deletes it itself."""

    cloudformation: CloudFormationClient
    stack_name: str
    name: str
    executed: bool = False

    def wait(self, pace: Pace) -> State:
        """READY or EMPTY. Raises MacroRefusedError with CloudFormation's reason."""
        for _ in pace.ticks():
            description = pace.patiently(self._describe)
            state = state_of(description["Status"], description.get("StatusReason", ""))
            if state is State.FAILED:
                raise MacroRefusedError(
                    f"nothing was changed: {description.get('StatusReason', description['Status'])}"
                )
            if state is not State.PENDING:
                return state
        raise AssertionError("ticks never end by themselves")

    def changes(self) -> Iterator[ChangeTypeDef]:
        """Of all pages."""
        pages = self.cloudformation.get_paginator("describe_change_set")
        for page in pages.paginate(StackName=self.stack_name, ChangeSetName=self.name):
            yield from page.get("Changes", [])

    def parameters(self) -> dict[str, str]:
        return parameter_values(self._describe().get("Parameters", []))

    def execute(self) -> str:
        """The token of the operation. Raises UsageError if somebody else was faster."""
        token = str(uuid.uuid4())
        try:
            self.cloudformation.execute_change_set(
                StackName=self.stack_name, ChangeSetName=self.name, ClientRequestToken=token
            )
        except ClientError as error:
            if error_code(error) not in _OVERTAKEN and _IN_PROGRESS not in str(error):
                raise
            raise UsageError(
                f"nothing was changed: somebody else is updating {self.stack_name}, or has just done so; "
                "try again"
            ) from error
        self.executed = True
        return token

    def delete(self) -> None:
        """Unless it was executed, or is gone."""
        if self.executed:
            return
        with contextlib.suppress(self.cloudformation.exceptions.ChangeSetNotFoundException):
            self.cloudformation.delete_change_set(StackName=self.stack_name, ChangeSetName=self.name)

    def _describe(self) -> DescribeChangeSetOutputTypeDef:
        return self.cloudformation.describe_change_set(StackName=self.stack_name, ChangeSetName=self.name)


def state_of(status: str, reason: str) -> State:
    """Of a change set, by `ChangeSetStatus` [model]. Raises UsageError for one that is not known."""
    match status:
        case "CREATE_PENDING" | "CREATE_IN_PROGRESS":
            return State.PENDING
        case "CREATE_COMPLETE":
            return State.READY
        case "FAILED" if any(text in reason for text in _NO_CHANGES):
            return State.EMPTY
        case "FAILED" | "DELETE_PENDING" | "DELETE_IN_PROGRESS" | "DELETE_COMPLETE" | "DELETE_FAILED":
            return State.FAILED
    raise UsageError(f"a change set has the status {status}, which is not known here")


@contextlib.contextmanager
def new_change_set(cloudformation: CloudFormationClient, request: Request, held: Held) -> Iterator[ChangeSet]:
    """Make a change set of the stack, and delete it at the end, if it is still there.

    Ctrl-C waits while it is made or deleted.
    """
    stack_name = request.stack["StackName"]
    change_set = ChangeSet(cloudformation, stack_name, f"{NAME_PREFIX}{uuid.uuid4()}")
    try:
        with held():
            _create(change_set, request)
        yield change_set
    except BaseException:
        with held(), contextlib.suppress(ClientError, BotoCoreError):  # what came first counts
            change_set.delete()
        raise
    with held():
        change_set.delete()


def _create(change_set: ChangeSet, request: Request) -> None:
    parameters: list[Any] = [
        {"ParameterKey": name, "ParameterValue": request.changed[name]}
        if name in request.changed
        else {"ParameterKey": name, "UsePreviousValue": True}
        for name in parameter_values(request.stack.get("Parameters", []))
    ]
    change_set.cloudformation.create_change_set(
        StackName=change_set.stack_name,
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
