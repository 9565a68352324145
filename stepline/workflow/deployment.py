"""`stepline workflow deploy`, from the file to the new revision."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from stepline.aws.polling import Polling, TimeoutPassedError
from stepline.aws.stacks import describe_stack
from stepline.aws.templates import parse_template
from stepline.core import strict_json
from stepline.core.cloudformation.change_sets import ChangeSetState
from stepline.core.cloudformation.operations import Operation
from stepline.core.errors import UsageError
from stepline.workflow import difference, inspection, stack_template
from stepline.workflow.change_set import (
    ChangeSet,
    DeferInterrupts,
    Request,
    new_change_set,
    parameter_values,
)
from stepline.workflow.definition_file import DefinitionFile
from stepline.workflow.stack_template import (
    MacroUse,
    check_use,
    find_use,
    read_template,
)
from stepline.workflow.stack_update import check_updatable, wait_for_update
from stepline.workflow.updater import Updater, find_updater

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudformation.type_defs import StackTypeDef
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_stepfunctions import SFNClient

_NULL_VERSION: Final = "null"
_TEMPLATE: Final = "the stack's template"


@dataclass(frozen=True)
class Clients:
    cloudformation: CloudFormationClient
    s3: S3Client
    stepfunctions: SFNClient


@dataclass(frozen=True)
class DeployOptions:
    """What the user asked for. `logical_id` may be None where a stack has one workflow."""

    file: DefinitionFile
    stack_name: str
    logical_id: str | None
    updater_stack: str
    dry_run: bool


@dataclass(frozen=True)
class Screen:
    """Where is told what happens: `say` a line, `show` the changed states and lines."""

    say: Callable[[str], None]
    show: Callable[[list[str], list[str]], None]


@dataclass(frozen=True)
class Outcome:
    """`revision` is the machine's after it; None for a dry run, or if nothing changed."""

    machine_arn: str
    changed: bool
    revision: str | None


@dataclass(frozen=True)
class _Workflow:
    """One state machine of a stack, as it is before."""

    stack: StackTypeDef
    updater: Updater
    use: MacroUse
    machine_arn: str

    @property
    def stack_name(self) -> str:
        return self.stack["StackName"]


def deploy(
    options: DeployOptions,
    clients: Clients,
    polling: Polling,
    screen: Screen,
    defer_interrupts: DeferInterrupts,
) -> Outcome:
    """Raises UsageError, TimeoutPassedError or botocore's errors; none of them leaves a change set behind."""
    workflow = _find(options, clients, screen)
    key, version = _upload(options, workflow, clients.s3)
    request = Request(
        stack=workflow.stack,
        template_url=workflow.updater.template_url(workflow.stack_name),
        role_arn=workflow.updater.update_role_arn,
        changed={workflow.use.key_parameter: key, workflow.use.version_parameter: version},
        description=f"stepline workflow deploy: {key} in version {version}",
    )
    with new_change_set(clients.cloudformation, request, defer_interrupts) as change_set:
        if change_set.wait(polling) is ChangeSetState.UNCHANGED:
            screen.say(f"{options.file.name} is deployed already: nothing to change")
            return Outcome(workflow.machine_arn, changed=False, revision=None)
        _inspect(change_set, options, workflow, clients.cloudformation, screen)
        if options.dry_run:
            return Outcome(workflow.machine_arn, changed=True, revision=None)
        operation = change_set.execute()
        screen.say(f"updating {workflow.stack_name}")
        _wait(clients.cloudformation, workflow.stack_name, operation, polling, screen)
    return _look_after(options.file, workflow, clients.stepfunctions)


def _wait(
    cloudformation: CloudFormationClient,
    stack_name: str,
    operation: Operation,
    polling: Polling,
    screen: Screen,
) -> None:
    try:
        wait_for_update(cloudformation, operation, polling)
    except (KeyboardInterrupt, TimeoutPassedError):
        screen.say(f"the update of {stack_name} goes on without being watched")
        raise


def publish(clients: Clients, stack_name: str, updater_stack: str) -> str:
    """Publish the stack's template, for developers' change sets to be made of; its URL. Raises UsageError."""
    updater = find_updater(clients.cloudformation, updater_stack)
    describe_stack(clients.cloudformation, stack_name)
    text = read_template(clients.cloudformation, stack_name, stage="Original")
    check_use(parse_template(text, _TEMPLATE), updater.macro)
    return stack_template.publish(clients.s3, updater, stack_name, text)


def _find(options: DeployOptions, clients: Clients, screen: Screen) -> _Workflow:
    updater = find_updater(clients.cloudformation, options.updater_stack)
    stack = describe_stack(clients.cloudformation, options.stack_name)
    check_updatable(stack)
    text = read_template(clients.cloudformation, options.stack_name, stage="Original")
    use = find_use(parse_template(text, _TEMPLATE), updater.macro, options.logical_id)
    if stack_template.ensure_published(clients.s3, updater, options.stack_name, text):
        screen.say(f"published the template of {options.stack_name} as it is now")
    detail = clients.cloudformation.describe_stack_resource(
        StackName=options.stack_name, LogicalResourceId=use.logical_id
    )["StackResourceDetail"]
    return _Workflow(stack, updater, use, detail["PhysicalResourceId"])


def _upload(options: DeployOptions, workflow: _Workflow, s3: S3Client) -> tuple[str, str]:
    """The key and the version of the definition's object."""
    key = workflow.updater.definition_key(workflow.stack_name, workflow.use.logical_id)
    bucket = workflow.updater.bucket
    answer = s3.put_object(
        Bucket=bucket, Key=key, Body=options.file.text.encode(), ContentType="application/json"
    )
    version = answer.get("VersionId", _NULL_VERSION)
    if version == _NULL_VERSION:
        raise UsageError(f"the bucket {bucket} has no versions: its stack, the updater, makes one that has")
    return key, version


def _inspect(
    change_set: ChangeSet,
    options: DeployOptions,
    workflow: _Workflow,
    cloudformation: CloudFormationClient,
    screen: Screen,
) -> None:
    """Raises UsageError unless the definition is all that changes, to exactly what the file has."""
    use, name = workflow.use, workflow.stack_name
    inspection.check_changes(change_set.changes(), use.logical_id)
    own = (use.key_parameter, use.version_parameter)
    before_values = parameter_values(workflow.stack.get("Parameters", []))
    inspection.check_parameters(before_values, change_set.parameters(), own)
    before = _processed_template(cloudformation, name)
    after = _processed_template(cloudformation, name, change_set.name)
    inspection.check_templates(before, after, use.logical_id)
    if inspection.definition_of(after, use.logical_id) != options.file.text:
        raise UsageError(
            f"nothing was changed: the macro {workflow.updater.macro} injected another definition"
        )
    old = _document(inspection.definition_of(before, use.logical_id))
    screen.show(
        difference.state_changes(old, options.file.document),
        difference.line_changes(old, options.file.document),
    )


def _processed_template(
    cloudformation: CloudFormationClient, stack_name: str, change_set: str = ""
) -> dict[str, Any]:
    """The template as the macro has left it: the stack's, or the change set's."""
    text = read_template(cloudformation, stack_name, stage="Processed", change_set=change_set)
    return parse_template(text, _TEMPLATE)


def _document(definition: object) -> dict[str, object]:
    """What was deployed so far; empty if that cannot be told."""
    if isinstance(definition, str):
        try:
            definition = strict_json.loads(definition, may_repeat_keys=True)
        except ValueError:
            return {}
    return definition if isinstance(definition, dict) else {}


def _look_after(file: DefinitionFile, workflow: _Workflow, stepfunctions: SFNClient) -> Outcome:
    machine = stepfunctions.describe_state_machine(stateMachineArn=workflow.machine_arn)
    if not file.is_definition(machine["definition"]):
        raise UsageError(
            f"the stack is updated, but {workflow.machine_arn} has another definition than {file.name}: "
            "somebody else has changed it"
        )
    return Outcome(workflow.machine_arn, changed=True, revision=machine.get("revisionId"))
