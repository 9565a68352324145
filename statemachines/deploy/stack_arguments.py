"""What CreateStack and CreateChangeSet are told besides the template."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, TypedDict

from statemachines.deploy.errors import MissingCapabilityError
from statemachines.deploy.request import Capability, DeployRequest
from statemachines.deploy.template import TemplateSummary
from statemachines.deploy.template_configuration import TemplateConfiguration
from statemachines.fields import named
from stepline.core.errors import InvalidInputError

if TYPE_CHECKING:
    from mypy_boto3_cloudformation.literals import CapabilityType
    from mypy_boto3_cloudformation.type_defs import ParameterTypeDef, TagTypeDef

_ENVIRONMENT_PARAMETERS = ("EnvironmentName", "environmentName")
"""Under these names a template is told the input's `environmentName`."""

_NO_PARAMETERS: frozenset[str] = frozenset()


class StackArguments(TypedDict, total=False):
    """Of CreateStack and CreateChangeSet alike. Without `Tags` a stack keeps the tags it has."""

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
    previous_parameters: frozenset[str] = _NO_PARAMETERS,
) -> StackArguments:
    """Merge input and template configuration; what the input says wins.

    `previous_parameters`: those that the stack has already; it keeps their values unless told others.
    Raises `InvalidInputError` for a parameter that the template lacks, `MissingCapabilityError`.
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
    if role_arn := request.role_arn or default_role_arn:
        arguments["RoleARN"] = role_arn
    if configuration.tags is not None:
        arguments["Tags"] = [{"Key": key, "Value": value} for key, value in configuration.tags.items()]
    return arguments


def _values(
    request: DeployRequest, configuration: TemplateConfiguration, summary: TemplateSummary
) -> Mapping[str, str]:
    declared = summary.parameter_names
    given = {**configuration.parameters, **request.parameters}
    if unknown := given.keys() - declared:
        raise InvalidInputError(
            f"The template has no parameter {named(unknown)}; it has {named(declared) or 'none'}."
        )
    environment = {name: request.environment_name for name in _ENVIRONMENT_PARAMETERS if name in declared}
    return {**environment, **given}


def _check_capabilities(request: DeployRequest, summary: TemplateSummary) -> None:
    """Say what is missing before anything is changed.

    A change set needs no CAPABILITY_AUTO_EXPAND and CloudFormation would find a missing one
    itself; asking here, for creation and update alike, makes the answer the same and early.
    """
    given = set(request.capabilities)
    if Capability.NAMED_IAM in given:
        given.add(Capability.IAM)
    if missing := [name for name in summary.capabilities if name not in given]:
        raise MissingCapabilityError(missing, reason=summary.capabilities_reason)
