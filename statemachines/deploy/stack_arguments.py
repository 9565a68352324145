"""Creates the arguments of CreateStack and CreateChangeSet, besides the template."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, TypedDict

from statemachines.deploy.errors import MissingCapabilityError
from statemachines.deploy.request import Capability, DeployRequest
from statemachines.deploy.template import TemplateSummary
from statemachines.deploy.template_configuration import TemplateConfiguration
from stepline.core.errors import InvalidInputError
from stepline.core.fields import listed_names

if TYPE_CHECKING:
    from mypy_boto3_cloudformation.literals import CapabilityType
    from mypy_boto3_cloudformation.type_defs import ParameterTypeDef, TagTypeDef

_ENVIRONMENT_PARAMETERS = ("EnvironmentName", "environmentName")
"""Template parameters with these names get the input's `environmentName`."""

_NO_PARAMETERS: frozenset[str] = frozenset()


class StackArguments(TypedDict, total=False):
    """Arguments of both CreateStack and CreateChangeSet. Without `Tags` a stack keeps its tags."""

    Parameters: list[ParameterTypeDef]
    Capabilities: list[CapabilityType]
    RoleARN: str
    Tags: list[TagTypeDef]


def stack_arguments(
    request: DeployRequest,
    configuration: TemplateConfiguration,
    summary: TemplateSummary,
    *,
    default_role_arn: str,
    tags: Mapping[str, str] | None,
    previous_parameters: frozenset[str] = _NO_PARAMETERS,
) -> StackArguments:
    """Merge the template configuration and the input, which takes precedence.

    `tags` is None if the stack keeps its tags. `previous_parameters` are those of the existing stack, which
    keep their values unless they are given. Raise `InvalidInputError` for a parameter that the template
    lacks, or `MissingCapabilityError`.
    """
    _check_capabilities(request, summary)
    values = _values(request, configuration, summary)
    kept = sorted((summary.parameter_names & previous_parameters) - values.keys())
    parameters: list[ParameterTypeDef] = [
        {"ParameterKey": name, "ParameterValue": values[name]} for name in sorted(values)
    ]
    parameters += [{"ParameterKey": name, "UsePreviousValue": True} for name in kept]
    arguments: StackArguments = {
        "Parameters": parameters,
        "Capabilities": [capability.value for capability in request.capabilities],
    }
    if role_arn := request.role_or(default_role_arn):
        arguments["RoleARN"] = role_arn
    if tags is not None:
        arguments["Tags"] = [{"Key": key, "Value": value} for key, value in tags.items()]
    return arguments


def _values(
    request: DeployRequest, configuration: TemplateConfiguration, summary: TemplateSummary
) -> Mapping[str, str]:
    declared = summary.parameter_names
    given = {**configuration.parameters, **request.parameters}
    if unknown := given.keys() - declared:
        raise InvalidInputError(
            f"The template has no parameter {listed_names(unknown)};"
            f" it has {listed_names(declared) or 'none'}."
        )
    environment = {name: request.environment_name for name in _ENVIRONMENT_PARAMETERS if name in declared}
    return {**environment, **given}


def _check_capabilities(request: DeployRequest, summary: TemplateSummary) -> None:
    """Raise `MissingCapabilityError` before anything is changed, for creation and update alike.

    CloudFormation would detect other missing capabilities, too, but a change set does not need
    CAPABILITY_AUTO_EXPAND.
    """
    given = set(request.capabilities)
    if Capability.NAMED_IAM in given:
        given.add(Capability.IAM)
    if missing := [name for name in summary.capabilities if name not in given]:
        raise MissingCapabilityError(missing, reason=summary.capabilities_reason)
