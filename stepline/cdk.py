"""An action of aws-cdk's CodePipeline that runs a state machine: `pip install 'stepline[cdk]'`.

What runs it is deployed once for each account and region, by pipeline/template.yaml.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from aws_cdk import Fn, Stack, Token
from aws_cdk import aws_codepipeline as codepipeline
from aws_cdk import aws_codepipeline_actions as actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from constructs import Construct

_MAX_CHARACTERS: Final = 1_000  # of a value of a configuration [model: ActionConfigurationValue]
_MAX_INPUTS: Final = 5  # of both types [pipeline/template.yaml; CodePipeline: structure of the Lambda action]

_PIPELINE_EXECUTION_ID: Final = "#{codepipeline.PipelineExecutionId}"
_INPUTS: Final = {"Input": "input", "InputFile": "input_file", "InputS3": "input_s3"}


@dataclass(frozen=True)
class ActionType:
    """The type of the custom action, whose version each installation has of its own."""

    provider: str
    version: str


def find_action_type(*, name: str = "stepline") -> ActionType:
    """Return the action type of the stack of pipeline/template.yaml whose parameter Name is `name`.

    It must be deployed in the account and region of the pipeline's stack before this one.
    """
    return ActionType(
        provider=Fn.import_value(f"{name}-action-provider"), version=Fn.import_value(f"{name}-action-version")
    )


def find_trigger(scope: Construct, id: str, *, name: str = "stepline") -> lambda_.IFunction:  # noqa: A002
    """Return the trigger of Lambda actions, from the same stack as `find_action_type`."""
    return lambda_.Function.from_function_arn(scope, id, Fn.import_value(f"{name}-trigger-function-arn"))


class StateMachineAction(codepipeline.Action):
    """Runs a state machine and waits for it, however long it takes."""

    def __init__(
        self,
        *,
        action_name: str,
        action_type: ActionType | None = None,
        trigger: lambda_.IFunction | None = None,
        inputs: Sequence[codepipeline.Artifact] = (),
        output: codepipeline.Artifact | None = None,
        input: Mapping[str, Any] | None = None,  # noqa: A002 - as in the configuration
        input_file: str | codepipeline.ArtifactPath | None = None,
        input_s3: str | None = None,
        parameters: Mapping[str, Any] | None = None,
        state_machine: str | None = None,
        timeout_minutes: int | None = None,
        output_variables: Mapping[str, str] | None = None,
        on_stop: Literal["Stop", "LeaveRunning"] | None = None,
        retry: Literal["Restart", "Redrive"] | None = None,
        variables_namespace: str | None = None,
        role: iam.IRole | None = None,
        run_order: int = 1,
    ) -> None:
        """Configure the action; docs/custom-action.md describes the parameters.

        By default it is the custom action of the installation that is called `stepline`; `action_type`, from
        `find_action_type`, is that of another one. With `trigger`, from `find_trigger`, it is a Lambda
        action, whose `role` may be given.

        The state machine's input is one of `input`, `input_file` (a path in the first of `inputs`, or
        `artifact.at_path(…)`) and `input_s3` (`s3://bucket/key`); by default the file
        state_machine_input.json. `parameters` are merged over it. `state_machine` is the name or ARN of
        another one than the installation's default. `output_variables` maps names to JMESPath expressions;
        `self.variable(name)` refers to one. `output` gets output.json.

        Raises ValueError if more than one input is given, if a parameter does not belong to the kind of
        action, or if a value of the configuration would be longer than 1,000 characters.
        """
        super().__init__()
        if isinstance(input_file, codepipeline.ArtifactPath):
            input_file = input_file.location
        given = {
            "Input": input,
            "InputFile": input_file,
            "InputS3": input_s3,
            "Parameters": parameters,
            "StateMachine": state_machine,
            "TimeoutMinutes": timeout_minutes,
            "OutputVariables": output_variables,
            "OnStop": on_stop,
            "Retry": retry,
        }
        given = {key: value for key, value in given.items() if value is not None}
        _check_input(action_name, given)
        common: dict[str, Any] = {
            "action_name": action_name,
            "inputs": list(inputs),
            "outputs": [output] if output else [],
            "variables_namespace": variables_namespace,
            "run_order": run_order,
        }
        self._configuration: dict[str, Any] = {}
        self._lambda_action: actions.LambdaInvokeAction | None = None
        if trigger is None:
            if role is not None:
                raise ValueError(f"action {action_name}: role belongs to the Lambda action, with a trigger")
            self._configuration = {"InputFile" if key == "InputS3" else key: given[key] for key in given}
            _check_lengths(action_name, self._configuration)
            self._action_properties = _custom_action(action_type or find_action_type(), common)
        else:
            user_parameters = _user_parameters(action_name, given)
            _check_lengths(action_name, {"UserParameters": user_parameters})
            self._lambda_action = actions.LambdaInvokeAction(
                lambda_=trigger, user_parameters=user_parameters, role=role, **common
            )
            self._action_properties = self._lambda_action.action_properties

    def variable(self, name: str) -> str:
        """Return a reference to an output variable, for actions that follow."""
        return str(self._variable_expression(name))

    @property
    def _provided_action_properties(self) -> codepipeline.ActionProperties:
        return self._action_properties

    def _bound(
        self, scope: Construct, stage: codepipeline.IStage, *, bucket: s3.IBucket, role: iam.IRole
    ) -> codepipeline.ActionConfig:
        """Return the configuration. A Lambda action also gets the permission to invoke its function."""
        if self._lambda_action is not None:
            return self._lambda_action.bind(scope, stage, bucket=bucket, role=role)
        stack = Stack.of(scope)
        return codepipeline.ActionConfig(
            configuration={
                key: value if isinstance(value, str) else stack.to_json_string(value)
                for key, value in self._configuration.items()
            }
        )


def _custom_action(action_type: ActionType, common: Mapping[str, Any]) -> codepipeline.ActionProperties:
    return codepipeline.ActionProperties(
        category=codepipeline.ActionCategory.INVOKE,
        owner="Custom",
        provider=action_type.provider,
        version=action_type.version,
        artifact_bounds=codepipeline.ActionArtifactBounds(
            min_inputs=0, max_inputs=_MAX_INPUTS, min_outputs=0, max_outputs=1
        ),
        **common,
    )


def _check_input(action_name: str, given: Mapping[str, Any]) -> None:
    inputs = [name for key, name in _INPUTS.items() if key in given]
    if len(inputs) > 1:
        raise ValueError(f"action {action_name}: only one of {', '.join(inputs)} can be given")


def _user_parameters(action_name: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the same as members of UserParameters."""
    if "Retry" in given:
        raise ValueError(f"action {action_name}: retry belongs to the custom action, without a trigger")
    members = {f"{key[0].lower()}{key[1:]}": value for key, value in given.items()}
    return {**members, "pipelineExecutionId": _PIPELINE_EXECUTION_ID}


def _check_lengths(action_name: str, configuration: Mapping[str, Any]) -> None:
    for key, value in configuration.items():
        text = value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
        if not Token.is_unresolved(text) and len(text) > _MAX_CHARACTERS:
            raise ValueError(
                f"action {action_name}: {key} would have {len(text):,} characters, at most"
                f" {_MAX_CHARACTERS:,} are possible: put the input into a file of the artifact (input_file)"
            )
