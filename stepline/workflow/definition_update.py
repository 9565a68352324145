"""Updates the definition of a state machine, from the file to the new revision."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from stepline.aws.polling import Poller, TimeoutPassedError
from stepline.aws.stack_waiters import OperationFailedError, wait_for_operation
from stepline.aws.stacks import describe_stack
from stepline.core.cloudformation.change_sets import ChangeSetState
from stepline.core.cloudformation.operations import Operation
from stepline.core.cloudformation.stack_status import Phase, parse_status, phase_of
from stepline.core.errors import UsageError
from stepline.workflow import difference
from stepline.workflow.change_set import ChangeSet, DeferInterrupts, UpdateRequest, new_change_set
from stepline.workflow.definition_file import DefinitionFile, parse_deployed
from stepline.workflow.inspection import inspect_change_set
from stepline.workflow.managed_machines import ManagedMachine, find_managed_machine
from stepline.workflow.published_template import (
    ensure_published,
    parse_stack_template,
    read_template_text,
)
from stepline.workflow.updater import Updater, find_updater

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudformation.type_defs import StackTypeDef
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_stepfunctions import SFNClient

_NULL_VERSION: Final = "null"
"""S3's version id for objects of a bucket without versioning."""


@dataclass(frozen=True)
class Clients:
    cloudformation: CloudFormationClient
    s3: S3Client
    stepfunctions: SFNClient


@dataclass(frozen=True)
class UpdateOptions:
    """What to update. `logical_id` may be None if the stack has one managed state machine."""

    file: DefinitionFile
    stack_name: str
    logical_id: str | None
    updater_stack: str
    dry_run: bool


@dataclass(frozen=True)
class Reporter:
    """Receives progress: `message` gets one line, `changes` gets the changed states and the changed lines."""

    message: Callable[[str], None]
    changes: Callable[[list[str], list[str]], None]


@dataclass(frozen=True)
class UpdateResult:
    """`revision` is the new revision of the state machine; None for a dry run, or if nothing has changed."""

    machine_arn: str
    changed: bool
    revision: str | None


def update_definition(
    options: UpdateOptions,
    clients: Clients,
    poller: Poller,
    reporter: Reporter,
    defer_interrupts: DeferInterrupts,
) -> UpdateResult:
    """Update the definition by a change set that changes nothing else, and report its changes.

    Raises UsageError, TimeoutPassedError and botocore's errors. The change set is deleted unless executed.
    """
    cloudformation, stack_name = clients.cloudformation, options.stack_name
    updater = find_updater(cloudformation, options.updater_stack)
    stack = describe_stack(cloudformation, stack_name)
    _check_updatable(stack)
    machine = _find_machine(options, clients, updater, reporter)
    machine_arn = _read_arn(cloudformation, stack_name, machine)
    parameters = _upload(clients.s3, updater, stack_name, machine, options.file)
    request = UpdateRequest(stack, updater.template_url(stack_name), updater.update_role_arn, parameters)
    with new_change_set(cloudformation, request, defer_interrupts) as change_set:
        if change_set.wait(poller) is ChangeSetState.UNCHANGED:
            reporter.message(f"{options.file.name} is already deployed: nothing to change")
            return UpdateResult(machine_arn, changed=False, revision=None)
        _check_and_report(change_set, machine, options.file, reporter)
        if options.dry_run:
            return UpdateResult(machine_arn, changed=True, revision=None)
        operation = change_set.execute()
        reporter.message(f"updating {stack_name}")
        _wait_for_update(cloudformation, operation, poller, reporter)
    revision = _read_revision(clients.stepfunctions, machine_arn, options.file)
    return UpdateResult(machine_arn, changed=True, revision=revision)


def _check_updatable(stack: StackTypeDef) -> None:
    name, status = stack["StackName"], stack["StackStatus"]
    phase = phase_of(parse_status(status))
    if phase is Phase.RUNNING:
        raise UsageError(f"stack {name} is {status}: try again when the operation has ended")
    if phase not in {Phase.DONE, Phase.ROLLED_BACK}:
        raise UsageError(f"stack {name} is {status} and cannot be updated: its owner must repair it")


def _find_machine(
    options: UpdateOptions, clients: Clients, updater: Updater, reporter: Reporter
) -> ManagedMachine:
    """Find the state machine in the stack's template, which is published if necessary. Raises UsageError."""
    text = read_template_text(clients.cloudformation, options.stack_name, stage="Original")
    machine = find_managed_machine(parse_stack_template(text), updater.macro, options.logical_id)
    if ensure_published(clients.s3, updater, options.stack_name, text):
        reporter.message(f"published the current template of {options.stack_name}")
    return machine


def _read_arn(cloudformation: CloudFormationClient, stack_name: str, machine: ManagedMachine) -> str:
    response = cloudformation.describe_stack_resource(
        StackName=stack_name, LogicalResourceId=machine.logical_id
    )
    return response["StackResourceDetail"]["PhysicalResourceId"]


def _upload(
    s3: S3Client, updater: Updater, stack_name: str, machine: ManagedMachine, file: DefinitionFile
) -> dict[str, str]:
    """Upload the definition, and return the parameters of the stack that select it."""
    key = updater.definition_key(stack_name, machine.logical_id)
    response = s3.put_object(
        Bucket=updater.bucket, Key=key, Body=file.text.encode(), ContentType="application/json"
    )
    version = response.get("VersionId", _NULL_VERSION)
    if version == _NULL_VERSION:
        raise UsageError(
            f"versioning is not enabled for bucket {updater.bucket}: use the bucket of the updater"
        )
    return {machine.key_parameter: key, machine.version_parameter: version}


def _check_and_report(
    change_set: ChangeSet, machine: ManagedMachine, file: DefinitionFile, reporter: Reporter
) -> None:
    """Report what changes. Raises UsageError unless only the definition changes, to the text of the file."""
    deployed = parse_deployed(inspect_change_set(change_set, machine, file.text))
    reporter.changes(
        difference.state_changes(deployed, file.document), difference.line_changes(deployed, file.document)
    )


def _wait_for_update(
    cloudformation: CloudFormationClient, operation: Operation, poller: Poller, reporter: Reporter
) -> None:
    """Raises UsageError, with the reason, if the update failed or was rolled back."""
    try:
        wait_for_operation(cloudformation, operation, poller)
    except (KeyboardInterrupt, TimeoutPassedError):
        reporter.message("the update of the stack continues")
        raise
    except OperationFailedError as error:
        outcome = error.outcome
        result = (
            f"stack {outcome.stack_name} was rolled back ({outcome.status})"
            if outcome.phase is Phase.ROLLED_BACK
            else f"stack {outcome.stack_name} is {outcome.status}: its owner must repair it"
        )
        raise UsageError(f"the update failed, and {result}", details=[error.message]) from error


def _read_revision(stepfunctions: SFNClient, machine_arn: str, file: DefinitionFile) -> str | None:
    """Return the machine's revision. Raises UsageError if its definition is not that of the file."""
    machine = stepfunctions.describe_state_machine(stateMachineArn=machine_arn)
    if not file.matches(machine["definition"]):
        raise UsageError(
            f"the stack is updated, but the definition of {machine_arn} is not that of {file.name}: "
            "another process has changed it"
        )
    return machine.get("revisionId")
