"""The CloudFormation action, in all its action modes.

https://docs.aws.amazon.com/codepipeline/latest/userguide/action-reference-CloudFormation.html. A
template that changes nothing is deployed successfully, as a stack and as a change set.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Mapping
from typing import Any

from botocore.exceptions import ClientError

from stepline.core.aws_errors import AWS_FAILURES, FailureKind, classify, error_code, error_message
from stepline.core.cloudformation.change_sets import ChangeSetState, change_set_state
from stepline.core.cloudformation.operations import (
    Operation,
    OperationOutcome,
    failure_reason,
    read_failures,
    read_outcome,
)
from stepline.core.cloudformation.stack_status import Phase, StackStatus
from stepline.core.cloudformation.stacks import Stack, find_stack
from stepline.core.failure_types import FailureType
from stepline.localaws.codepipeline.action_types import ActionTypeDefinition, Configuration, aws_type
from stepline.localaws.codepipeline.actions.cloudformation_input import StackInput, StackInputReader
from stepline.localaws.codepipeline.actions.polled_action import PolledAction, Work
from stepline.localaws.codepipeline.declarations import ActionDeclaration
from stepline.localaws.codepipeline.errors import InvalidActionDeclarationException
from stepline.localaws.codepipeline.models import ActionExecution
from stepline.localaws.codepipeline.results import ActionFailedError, ActionResult
from stepline.localaws.codepipeline.settings import CLOUDFORMATION_TIMEOUT_SECONDS

_MODES: Mapping[str, tuple[str, ...]] = {
    "CREATE_UPDATE": ("TemplatePath",),
    "REPLACE_ON_FAILURE": ("TemplatePath",),
    "CHANGE_SET_REPLACE": ("TemplatePath", "ChangeSetName"),
    "CHANGE_SET_EXECUTE": ("ChangeSetName",),
    "DELETE_ONLY": (),
}
"""Action mode -> the configuration keys that it requires."""

_FAILED = frozenset(
    {
        StackStatus.CREATE_FAILED,
        StackStatus.DELETE_FAILED,
        StackStatus.ROLLBACK_COMPLETE,
        StackStatus.ROLLBACK_FAILED,
        StackStatus.UPDATE_ROLLBACK_FAILED,
    }
)
"""REPLACE_ON_FAILURE replaces a stack in one of these statuses."""
_MAX_TEMPLATE_BODY_BYTES = 51_200  # [doc: CreateStack, TemplateBody]

Wait = Generator[None, None, None]


class CloudFormationAction(PolledAction):
    def work(self, action: ActionExecution) -> Work:
        client = self.client("cloudformation", action)
        deployment = _Deployment(self, action, client)
        yield from deployment.run()
        stack = deployment.stack()
        outputs = dict(stack.outputs) if stack and stack.phase is not Phase.DELETED else {}
        file_name = action.resolved_configuration.get("OutputFileName")
        if action.outputs and file_name:
            self.write_artifact(action, action.outputs[0], {file_name: json.dumps(outputs).encode()})
        return ActionResult(output_variables=outputs, summary=deployment.summary)

    def upload_template(self, action: ActionExecution, text: str) -> str:
        """Write a template that is too large for a request to the artifact store, and return its URL."""
        store = action.execution.declaration.store(self.region(action))
        key = f"{action.execution.declaration.name}/templates/{action.id}"
        self.clients.s3.put_object(Bucket=store.bucket, Key=key, Body=text.encode())
        return f"https://s3.{self.region(action)}.amazonaws.com/{store.bucket}/{key}"


class _Deployment:
    """One action on one stack."""

    def __init__(self, provider: CloudFormationAction, action: ActionExecution, client: Any) -> None:
        self._action = action
        self._client = client
        self._configuration = action.resolved_configuration
        self._provider = provider
        self._stack_id = ""
        self.name = self._configuration["StackName"]
        self.summary = ""

    def run(self) -> Wait:
        """Do what the action mode says. Raises ActionFailedError."""
        modes: dict[str, Callable[[], Wait]] = {
            "CREATE_UPDATE": self._create_or_update,
            "REPLACE_ON_FAILURE": self._replace_on_failure,
            "CHANGE_SET_REPLACE": self._replace_change_set,
            "CHANGE_SET_EXECUTE": self._execute_change_set,
            "DELETE_ONLY": self._delete,
        }
        return modes[self._configuration["ActionMode"]]()

    def stack(self) -> Stack | None:
        """Return the stack, also right after its deletion; None if it does not exist."""
        return find_stack(self._client, self._stack_id or self.name)

    # --- action modes -----------------------------------------------------------------------------

    def _create_or_update(self) -> Wait:
        arguments = self._arguments(self._read_input())
        stack = self.stack()
        if stack is None or stack.status is StackStatus.REVIEW_IN_PROGRESS:
            response = self._client.create_stack(**arguments, ClientRequestToken=self._token("create"))
            yield from self._wait(response["StackId"], "create")
            return
        try:
            response = self._client.update_stack(**arguments, ClientRequestToken=self._token("update"))
        except ClientError as error:
            if not error_message(error).startswith("No updates are to be performed"):
                raise
            self._found(stack.id)
            self.summary = error_message(error)
            return
        yield from self._wait(response["StackId"], "update")

    def _replace_on_failure(self) -> Wait:
        stack = self.stack()
        if stack is not None and stack.status in _FAILED:
            yield from self._delete()
            self._stack_id = ""
        yield from self._create_or_update()

    def _delete(self) -> Wait:
        stack = self.stack()
        if stack is None:
            self.summary = f"The stack {self.name} does not exist."
            return
        self._client.delete_stack(
            StackName=self.name, ClientRequestToken=self._token("delete"), **self._role()
        )
        yield from self._wait(stack.id, "delete")

    def _replace_change_set(self) -> Wait:
        arguments = self._arguments(self._read_input())
        arguments.pop("StackPolicyBody", None)  # only stacks have one
        stack = self.stack()
        is_new = stack is None or stack.status is StackStatus.REVIEW_IN_PROGRESS
        if stack is not None:
            yield from self._delete_change_set()
        self._client.create_change_set(
            **arguments,
            ChangeSetName=self._configuration["ChangeSetName"],
            ChangeSetType="CREATE" if is_new else "UPDATE",
        )
        change_set = yield from self._wait_for_change_set()
        self._found(change_set["StackId"])
        state = _state(change_set)
        self.summary = change_set.get("StatusReason", "")
        if state not in {ChangeSetState.READY, ChangeSetState.UNCHANGED}:
            raise _failed(f"The change set {change_set['ChangeSetName']} was not created. {self.summary}")

    def _execute_change_set(self) -> Wait:
        change_set = yield from self._wait_for_change_set()
        stack_id = change_set["StackId"]
        if _state(change_set) is ChangeSetState.UNCHANGED:
            self._found(stack_id)
            self.summary = change_set.get("StatusReason", "")
            return
        self._client.execute_change_set(
            StackName=self.name,
            ChangeSetName=change_set["ChangeSetName"],
            ClientRequestToken=self._token("execute"),
        )
        yield from self._wait(stack_id, "execute")

    # --- requests ---------------------------------------------------------------------------------

    def _read_input(self) -> StackInput:
        provider = self._provider
        return StackInputReader(
            self._action,
            lambda artifact, path, limit: provider.read_file(artifact, path, max_bytes=limit),
            region=provider.region(self._action),
        ).read()

    def _arguments(self, stack: StackInput) -> dict[str, Any]:
        arguments: dict[str, Any] = {
            "StackName": self.name,
            "Parameters": [
                {"ParameterKey": key, "ParameterValue": value} for key, value in stack.parameters.items()
            ],
            "Capabilities": _capabilities(self._configuration),
            **self._role(),
            **self._template(stack.template),
        }
        if stack.tags:
            arguments["Tags"] = [{"Key": key, "Value": value} for key, value in stack.tags.items()]
        if stack.policy:
            arguments["StackPolicyBody"] = stack.policy
        return arguments

    def _template(self, text: str) -> dict[str, str]:
        if len(text.encode()) <= _MAX_TEMPLATE_BODY_BYTES:
            return {"TemplateBody": text}
        return {"TemplateURL": self._provider.upload_template(self._action, text)}

    def _role(self) -> dict[str, str]:
        role = self._configuration.get("RoleArn")
        return {"RoleARN": role} if role else {}

    def _token(self, operation: str) -> str:
        """Return a ClientRequestToken: the events of an operation are found by it."""
        return f"{operation}-{self._action.id}"

    def _delete_change_set(self) -> Wait:
        name = self._configuration["ChangeSetName"]
        self._client.delete_change_set(StackName=self.name, ChangeSetName=name)
        while self._change_set() is not None:
            yield

    def _change_set(self) -> Any:
        try:
            return self._client.describe_change_set(
                StackName=self.name, ChangeSetName=self._configuration["ChangeSetName"]
            )
        except ClientError as error:
            if error_code(error) in {"ChangeSetNotFound", "ChangeSetNotFoundException"}:
                return None
            raise

    # --- waiting ----------------------------------------------------------------------------------

    def _wait_for_change_set(self) -> Generator[None, None, Any]:
        while (change_set := self._change_set()) is not None:
            if _state(change_set) is not ChangeSetState.RUNNING:
                return change_set
            yield
        name = self._configuration["ChangeSetName"]
        raise ActionFailedError(
            FailureType.CONFIGURATION_ERROR, f"ChangeSet [{name}] of the stack {self.name} does not exist"
        )

    def _wait(self, stack_id: str, operation_name: str) -> Wait:
        self._found(stack_id)
        operation = Operation(stack_id, self._token(operation_name))
        outcome = self._outcome(operation)
        while outcome.phase is Phase.RUNNING:
            yield
            outcome = self._outcome(operation)
        if outcome.phase not in {Phase.DONE, Phase.DELETED}:
            raise _failed(self._reason(operation, outcome))
        self.summary = outcome.status.value

    def _outcome(self, operation: Operation) -> OperationOutcome:
        """Return the outcome; for a role without cloudformation:DescribeStackEvents, that of the stack.

        AWS's default policy of a service role does not have it, and the local stack is in progress at once.
        """
        try:
            return read_outcome(self._client, operation)
        except ClientError as error:
            stack = self.stack() if classify(error) is FailureKind.PERMISSION else None
            if stack is None:
                raise
            return OperationOutcome(stack.name, stack.status, stack.phase, stack.reason)

    def _reason(self, operation: Operation, outcome: OperationOutcome) -> str:
        message = f"The stack {self.name} is in {outcome.status}"
        try:
            failures = read_failures(self._client, operation)
            return f"{message}. {failure_reason(self._client, operation, outcome, failures)}"
        except AWS_FAILURES:  # the role may not have cloudformation:DescribeStackEvents
            return f"{message}. {outcome.reason}"

    def _found(self, stack_id: str) -> None:
        self._stack_id = stack_id
        region = self._provider.region(self._action)
        url = f"https://console.aws.amazon.com/cloudformation/home?region={region}#/stacks/{stack_id}"
        self._provider.report(self._action, external_id=stack_id, external_url=url)


def _state(change_set: Mapping[str, Any]) -> ChangeSetState:
    return change_set_state(
        change_set["Status"], change_set.get("ExecutionStatus", ""), change_set.get("StatusReason", "")
    )


def _capabilities(configuration: Configuration) -> list[str]:
    return [name.strip() for name in configuration.get("Capabilities", "").split(",") if name.strip()]


def _failed(message: str) -> ActionFailedError:
    return ActionFailedError(FailureType.JOB_FAILED, message)


def _check(action: ActionDeclaration) -> None:
    mode = action.configuration["ActionMode"]
    if "#{" in mode:
        return
    if mode not in _MODES:
        raise InvalidActionDeclarationException(
            f"Action configuration for action '{action.name}' has an invalid ActionMode '{mode}': "
            f"it must be one of {', '.join(_MODES)}"
        )
    for key in _MODES[mode]:
        if key not in action.configuration:
            raise InvalidActionDeclarationException(
                f"Action configuration for action '{action.name}' is missing required configuration '{key}' "
                f"of ActionMode {mode}"
            )


def _entity_url(_configuration: Configuration, region: str) -> str:
    return f"https://console.aws.amazon.com/cloudformation/home?region={region}#/"


DEFINITION = ActionTypeDefinition(
    type=aws_type("Deploy", "CloudFormation"),
    inputs=(0, 10),
    outputs=(0, 1),
    required=("ActionMode", "StackName"),
    optional=(
        "Capabilities",
        "ChangeSetName",
        "OutputFileName",
        "ParameterOverrides",
        "RoleArn",
        "TemplateConfiguration",
        "TemplatePath",
    ),
    provider=lambda context: CloudFormationAction(context) if context.clients.client else None,
    check=_check,
    entity_url=_entity_url,
    timeout_seconds=lambda _settings: CLOUDFORMATION_TIMEOUT_SECONDS,
)
