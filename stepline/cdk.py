"""An action of aws-cdk's CodePipeline that runs a state machine: `pip install 'stepline[cdk]'`.

The function of its `trigger` is deployed once for each account and region, by pipeline/template.yaml.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from aws_cdk import Fn, Token
from aws_cdk import aws_codepipeline as codepipeline
from aws_cdk import aws_codepipeline_actions as actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

_MAX_CHARACTERS: Final = 1_000  # of UserParameters [CodePipeline: structure of the Lambda action]
_EXPORT: Final = "{name}-trigger-function-arn"
"""The export of pipeline/template.yaml, whose parameter Name begins it."""

_PIPELINE_EXECUTION_ID: Final = "#{codepipeline.PipelineExecutionId}"


class StateMachineAction(actions.LambdaInvokeAction):
    """Runs a state machine and waits for it, however long it takes."""

    def __init__(
        self,
        *,
        action_name: str,
        trigger: lambda_.IFunction,
        inputs: Sequence[codepipeline.Artifact] = (),
        output: codepipeline.Artifact | None = None,
        input: Mapping[str, Any] | None = None,  # noqa: A002 - as in UserParameters
        input_file: str | codepipeline.ArtifactPath | None = None,
        input_s3: str | None = None,
        parameters: Mapping[str, Any] | None = None,
        state_machine: str | None = None,
        timeout_minutes: int | None = None,
        output_variables: Mapping[str, str] | None = None,
        variables_namespace: str | None = None,
        role: iam.IRole | None = None,
        run_order: int = 1,
    ) -> None:
        """Configure the action; docs/trigger.md describes the parameters.

        `trigger` is the function, from `find_trigger`. The state machine's input is one of `input`,
        `input_file` (a path in the first of `inputs`, or `artifact.at_path(…)`) and `input_s3`
        (`s3://bucket/key`); by default the file state_machine_input.json. `parameters` are merged over it.
        `state_machine` is the name or ARN of another one than the trigger's default. `output_variables` maps
        names to JMESPath expressions; `self.variable(name)` refers to one. `output` gets output.json.

        Raises ValueError if more than one input is given, or if UserParameters would be longer than 1,000
        characters.
        """
        if isinstance(input_file, codepipeline.ArtifactPath):
            input_file = input_file.location
        given = {
            "input": input,
            "inputFile": input_file,
            "inputS3": input_s3,
            "parameters": parameters,
            "stateMachine": state_machine,
            "timeoutMinutes": timeout_minutes,
            "outputVariables": output_variables,
            "pipelineExecutionId": _PIPELINE_EXECUTION_ID,
        }
        user_parameters = {key: value for key, value in given.items() if value is not None}
        _check(action_name, user_parameters)
        super().__init__(
            action_name=action_name,
            lambda_=trigger,
            inputs=list(inputs),
            outputs=[output] if output else None,
            user_parameters=user_parameters,
            variables_namespace=variables_namespace,
            role=role,
            run_order=run_order,
        )


def find_trigger(scope: Construct, id: str, *, name: str = "stepline") -> lambda_.IFunction:  # noqa: A002
    """Return the function of the stack of pipeline/template.yaml whose parameter Name is `name`.

    It must be deployed in the account and region of the scope's stack before this one.
    """
    return lambda_.Function.from_function_arn(scope, id, Fn.import_value(_EXPORT.format(name=name)))


def _check(action_name: str, user_parameters: Mapping[str, Any]) -> None:
    inputs = [key for key in ("input", "inputFile", "inputS3") if key in user_parameters]
    if len(inputs) > 1:
        raise ValueError(f"action {action_name}: only one of {', '.join(inputs)} can be given")
    text = json.dumps(user_parameters, separators=(",", ":"))
    if not Token.is_unresolved(text) and len(text) > _MAX_CHARACTERS:
        raise ValueError(
            f"action {action_name}: UserParameters would have {len(text):,} characters, at most"
            f" {_MAX_CHARACTERS:,} are possible: put the input into a file of the artifact (input_file)"
        )
