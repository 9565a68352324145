"""The Commands action: it runs shell commands without a CodeBuild project, in pipelines of type V2.

https://docs.aws.amazon.com/codepipeline/latest/userguide/action-reference-Commands.html. The commands have
the permissions of the pipeline's role, or of the action's own.
"""

from __future__ import annotations

import json

from stepline.core.failure_types import FailureType
from stepline.localaws.codepipeline.action_types import ActionTypeDefinition, aws_type
from stepline.localaws.codepipeline.actions.build_action import BuildAction, wait_for_build
from stepline.localaws.codepipeline.actions.polled_action import Work
from stepline.localaws.codepipeline.artifacts import actor_of
from stepline.localaws.codepipeline.declarations import ActionDeclaration
from stepline.localaws.codepipeline.errors import InvalidActionDeclarationException
from stepline.localaws.codepipeline.models import ActionExecution
from stepline.localaws.codepipeline.results import ActionFailedError, ActionResult
from stepline.localaws.codepipeline.settings import COMMANDS_TIMEOUT_MINUTES
from stepline.localaws.codepipeline.variables import UnresolvedVariablesError, resolve, resolve_known

_ALL_FILES = "**/*"
_SECONDS_PER_MINUTE = 60


class CommandsAction(BuildAction):
    """The role of the action needs logs:CreateLogGroup, CreateLogStream and PutLogEvents."""

    def work(self, action: ActionExecution) -> Work:
        pipeline = action.execution.declaration.name
        request = self.request(
            action, inputs=action.inputs, buildspec=_buildspec(action), variables=_variables(action)
        )
        build = self.builds.start_commands(
            f"{pipeline}-{action.declaration.name}",
            request,
            actor=actor_of(action),
            log_group=f"/aws/codepipeline/{pipeline}",
            timeout_minutes=COMMANDS_TIMEOUT_MINUTES,
        )
        self.report(action, external_id=build.id, log_stream_arn=build.log_stream_arn)
        outcome = yield from wait_for_build(build)
        return ActionResult(output_variables=outcome.exported_variables)


def _buildspec(action: ActionExecution) -> str:
    """Return the buildspec that runs the commands; without `files` the artifact has all files."""
    declaration = action.declaration
    namespaces = action.execution.variable_namespaces()
    files = declaration.output_files.get(declaration.outputs[0], ()) if declaration.outputs else ()
    return json.dumps(
        {
            "version": "0.2",
            "env": {"exported-variables": list(declaration.output_variables)},
            "phases": {
                "build": {
                    "commands": [resolve_known(command, namespaces) for command in declaration.commands]
                }
            },
            "artifacts": {"files": list(files) or [_ALL_FILES]},
        }
    )


def _variables(action: ActionExecution) -> list[dict[str, str]]:
    namespaces = action.execution.variable_namespaces()
    try:
        return [
            {"type": "PLAINTEXT", **resolve(variable, namespaces)}
            for variable in action.declaration.environment_variables
        ]
    except UnresolvedVariablesError as error:
        raise ActionFailedError(
            FailureType.CONFIGURATION_ERROR,
            f"The environment variables of action {action.declaration.name} refer to variables that do not "
            f"exist: {error}",
        ) from error


def _check(action: ActionDeclaration) -> None:
    if not action.commands:
        raise InvalidActionDeclarationException(f"Action '{action.name}' has no commands")
    if multiple := next((command for command in action.commands if "\n" in command.strip()), None):
        raise InvalidActionDeclarationException(
            f"Action '{action.name}': each command must be one line: {multiple.strip()}"
        )


DEFINITION = ActionTypeDefinition(
    type=aws_type("Compute", "Commands"),
    inputs=(1, 10),
    outputs=(0, 1),
    required=(),
    optional=("EnvironmentType", "ComputeType", "VpcId", "Subnets", "SecurityGroupIds"),
    provider=lambda context: CommandsAction(context) if context.clients.builds else None,
    check=_check,
    timeout_seconds=lambda _settings: float(COMMANDS_TIMEOUT_MINUTES * _SECONDS_PER_MINUTE),
)
