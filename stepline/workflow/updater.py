"""Finds the updater, a stack of `statemachines/workflow/template.yaml`, by its outputs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from stepline.aws.stacks import describe_stack, stack_outputs
from stepline.core.errors import UsageError

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient

DEFAULT_STACK: Final = "stepline-workflow"
_DEFINITIONS: Final = "definitions"
_TEMPLATES: Final = "templates"


@dataclass(frozen=True)
class Updater:
    """`bucket` has the definitions and the published templates; `macro` is the name of the macro."""

    bucket: str
    template_url_prefix: str
    macro: str
    update_role_arn: str

    def definition_key(self, stack_name: str, logical_id: str) -> str:
        return f"{_DEFINITIONS}/{stack_name}/{logical_id}.asl.json"

    def template_key(self, stack_name: str) -> str:
        return f"{_TEMPLATES}/{stack_name}.template"

    def template_url(self, stack_name: str) -> str:
        return f"{self.template_url_prefix}{stack_name}.template"


def find_updater(cloudformation: CloudFormationClient, stack_name: str) -> Updater:
    """Raises UsageError if the stack does not exist or is not an updater."""
    advice = "deploy it first, or name another stack with --updater"
    outputs = stack_outputs(describe_stack(cloudformation, stack_name, advice=advice))
    try:
        return Updater(
            bucket=outputs["DefinitionsBucketName"],
            template_url_prefix=outputs["TemplateUrlPrefix"],
            macro=outputs["MacroName"],
            update_role_arn=outputs["UpdateRoleArn"],
        )
    except KeyError as error:
        raise UsageError(
            f"stack {stack_name} is not a workflow updater, it has no output {error}: "
            "name a stack of statemachines/workflow/template.yaml with --updater"
        ) from error
