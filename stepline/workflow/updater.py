"""The updater: the stack of `statemachines/workflow/template.yaml`, known by its outputs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from stepline.aws.stacks import describe_stack, outputs_of
from stepline.core.errors import UsageError

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient

DEFAULT_STACK: Final = "stepline-workflow"
_DEFINITIONS: Final = "definitions"
_TEMPLATES: Final = "templates"


@dataclass(frozen=True)
class Updater:
    """`bucket` holds definitions and published templates, `macro` is its name in templates."""

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
    """Raises UsageError if there is no such stack, or another one of that name."""
    advice = "deploy it first, or name another one with --updater"
    outputs = outputs_of(describe_stack(cloudformation, stack_name, advice=advice))
    try:
        return Updater(
            bucket=outputs["DefinitionsBucketName"],
            template_url_prefix=outputs["TemplateUrlPrefix"],
            macro=outputs["MacroName"],
            update_role_arn=outputs["UpdateRoleArn"],
        )
    except KeyError as error:
        raise UsageError(
            f"the stack {stack_name} is no updater of workflows, it has no output {error}: "
            "name the one of statemachines/workflow/template.yaml with --updater"
        ) from error
