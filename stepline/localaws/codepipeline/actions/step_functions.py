"""The StepFunctions action: it starts an execution and waits for its end, unless the machine is Express.

https://docs.aws.amazon.com/codepipeline/latest/userguide/action-reference-StepFunctions.html. AWS does not
document the name of the file in the output artifact; here it is output.json.
"""

from __future__ import annotations

from typing import Any

from stepline.core.failure_types import FailureType
from stepline.core.limits import MAX_INPUT_BYTES
from stepline.localaws.codepipeline.action_types import ActionTypeDefinition, Configuration, aws_type
from stepline.localaws.codepipeline.actions.polled_action import PolledAction, Work
from stepline.localaws.codepipeline.declarations import ActionDeclaration
from stepline.localaws.codepipeline.errors import InvalidActionDeclarationException
from stepline.localaws.codepipeline.models import ActionExecution
from stepline.localaws.codepipeline.results import ActionFailedError, ActionResult
from stepline.localaws.codepipeline.settings import STEP_FUNCTIONS_TIMEOUT_SECONDS

_OUTPUT_FILE = "output.json"
_FILE_PATH = "FilePath"
_INPUT_TYPES = ("Literal", _FILE_PATH)


class StepFunctionsAction(PolledAction):
    """The role of the action needs DescribeStateMachine, StartExecution and DescribeExecution."""

    def work(self, action: ActionExecution) -> Work:
        client = self.client("stepfunctions", action)
        machine_arn = action.resolved_configuration["StateMachineArn"]
        is_express = client.describe_state_machine(stateMachineArn=machine_arn)["type"] == "EXPRESS"
        execution_arn = client.start_execution(
            stateMachineArn=machine_arn, name=_execution_name(action), input=self._input(action)
        )["executionArn"]
        variables = {"StateMachineArn": machine_arn}
        if is_express:
            return ActionResult(external_id=execution_arn, output_variables=variables)
        self.report(action, external_id=execution_arn, external_url=self._url(execution_arn))
        execution = client.describe_execution(executionArn=execution_arn)
        while execution["status"] in {"RUNNING", "PENDING_REDRIVE"}:
            yield
            execution = client.describe_execution(executionArn=execution_arn)
        if execution["status"] != "SUCCEEDED":
            raise _execution_failed(execution)
        if action.outputs:
            self.write_artifact(action, action.outputs[0], {_OUTPUT_FILE: execution["output"].encode()})
        return ActionResult(output_variables={**variables, "ExecutionArn": execution_arn})

    def _input(self, action: ActionExecution) -> str:
        configuration = action.resolved_configuration
        if configuration.get("InputType") == _FILE_PATH:
            content = self.read_file(action.inputs[0], configuration["Input"], max_bytes=MAX_INPUT_BYTES)
            return content.decode(errors="replace")
        return configuration.get("Input") or "{}"

    def _url(self, execution_arn: str) -> str:
        region = execution_arn.split(":")[3]
        console = f"https://console.aws.amazon.com/states/home?region={region}"
        return f"{console}#/executions/details/{execution_arn}"


def _execution_name(action: ActionExecution) -> str:
    prefix = action.resolved_configuration.get("ExecutionNamePrefix")
    return f"{prefix}-{action.id}" if prefix else action.id


def _execution_failed(execution: dict[str, Any]) -> ActionFailedError:
    details = ": ".join(filter(None, (execution.get("error"), execution.get("cause"))))
    message = f"The execution {execution['executionArn']} ended with status {execution['status']}"
    return ActionFailedError(FailureType.JOB_FAILED, f"{message}. {details}" if details else f"{message}.")


def _check(action: ActionDeclaration) -> None:
    input_type = action.configuration.get("InputType", "Literal")
    if input_type not in _INPUT_TYPES:
        raise InvalidActionDeclarationException(
            f"Action configuration for action '{action.name}' has an invalid InputType '{input_type}': "
            f"it must be one of {', '.join(_INPUT_TYPES)}"
        )
    if input_type == _FILE_PATH and not (action.inputs and action.configuration.get("Input")):
        raise InvalidActionDeclarationException(
            f"Action '{action.name}' needs an input artifact and the configuration 'Input', because its "
            "InputType is FilePath"
        )


def _entity_url(configuration: Configuration, region: str) -> str:
    console = f"https://console.aws.amazon.com/states/home?region={region}"
    return f"{console}#/statemachines/view/{configuration['StateMachineArn']}"


DEFINITION = ActionTypeDefinition(
    type=aws_type("Invoke", "StepFunctions"),
    inputs=(0, 1),
    outputs=(0, 1),
    required=("StateMachineArn",),
    optional=("ExecutionNamePrefix", "InputType", "Input"),
    provider=lambda context: StepFunctionsAction(context) if context.clients.client else None,
    check=_check,
    entity_url=_entity_url,
    timeout_seconds=lambda _settings: STEP_FUNCTIONS_TIMEOUT_SECONDS,
)
