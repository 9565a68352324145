"""Validates a definition: JSON, the Amazon States Language, and nothing that CloudFormation would resolve."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from statemachines.workflow.errors import DefinitionRefusedError
from stepline.core import strict_json
from stepline.core.fields import listed_names
from stepline.core.limits import MAX_TEMPLATE_BYTES
from stepline.core.text import printable

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient
    from mypy_boto3_stepfunctions.type_defs import ValidateStateMachineDefinitionDiagnosticTypeDef

MAX_DEFINITION_CHARACTERS: Final = 1_048_576
"""Of a state machine's definition [model: Definition]."""

MAX_DIAGNOSTICS: Final = 10
"""Of ValidateStateMachineDefinition in one message [ours]; at most 100 are available [model]."""

PLACEHOLDER: Final = re.compile(r"\$\{(\w+)\}")
"""`${Name}`, which DefinitionSubstitutions replaces."""

_DYNAMIC_REFERENCE: Final = "{{resolve:"
_MAX_MESSAGE_CHARACTERS: Final = 300


@dataclass(frozen=True)
class Target:
    """The state machine of a stack that gets a definition.

    `substitutions` are its DefinitionSubstitutions: name -> value, or an intrinsic function of the template.
    """

    region: str
    account_id: str
    machine_type: str
    substitutions: Mapping[str, Any]


def decode(body: bytes) -> str:
    """Return the text of the object. Raise `DefinitionRefusedError`."""
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        raise DefinitionRefusedError("It is not UTF-8 text.") from error
    if len(text) > MAX_DEFINITION_CHARACTERS:
        raise DefinitionRefusedError(f"It has more than {MAX_DEFINITION_CHARACTERS:,} characters.")
    # "Troubleshoot the processed template", "Size limitation"; as JSON text, quotes and line ends count twice
    if len(json.dumps(text)) > MAX_TEMPLATE_BYTES:
        raise DefinitionRefusedError(
            f"In a template it would be larger than {MAX_TEMPLATE_BYTES:,} bytes, the most that"
            " CloudFormation allows."
        )
    return text


def validate(stepfunctions: SFNClient, text: str, target: Target) -> None:
    """Raise `DefinitionRefusedError`, with everything that Step Functions finds, or botocore's exceptions."""
    _check_json(text)
    if _DYNAMIC_REFERENCE in text:
        # It would be resolved with the permissions of the deployment, and shown to all who may read the state
        # machine.
        raise DefinitionRefusedError(
            f"It contains a dynamic reference of CloudFormation, {_DYNAMIC_REFERENCE}…}}}}."
        )
    unknown = set(PLACEHOLDER.findall(text)) - target.substitutions.keys()
    if unknown:
        known = listed_names(target.substitutions.keys()) or "none"
        raise DefinitionRefusedError(
            "It contains placeholders that the stack's DefinitionSubstitutions lack:"
            f" {listed_names(unknown)}. They have {known}."
        )
    _validate_language(stepfunctions, text, target)


def _check_json(text: str) -> None:
    try:
        document = strict_json.loads(text)
    except ValueError as error:
        raise DefinitionRefusedError(f"It is not JSON: {error}.") from error
    if not isinstance(document, dict):
        raise DefinitionRefusedError("It is JSON, but not an object.")


def _validate_language(stepfunctions: SFNClient, text: str, target: Target) -> None:
    kind: Any = target.machine_type
    response = stepfunctions.validate_state_machine_definition(
        definition=_substitute(text, target, stepfunctions.meta.partition),
        type=kind,
        severity="ERROR",
        maxResults=MAX_DIAGNOSTICS,
    )
    if response["result"] == "OK":
        return
    found = "; ".join(map(_format, response["diagnostics"]))
    raise DefinitionRefusedError(
        f"Step Functions refuses it: {found}{' and more' if response.get('truncated') else ''}."
    )


def _format(diagnostic: ValidateStateMachineDefinitionDiagnosticTypeDef) -> str:
    where = f" at {diagnostic['location']}" if diagnostic.get("location") else ""
    return f"{diagnostic['code']}: {printable(diagnostic['message'], _MAX_MESSAGE_CHARACTERS)}{where}"


def _substitute(text: str, target: Target, partition: str) -> str:
    """Replace the placeholders, so that the definition can be validated.

    Of intrinsic functions only the values of pseudo parameters are known yet. The ARN of a Lambda function is
    valid nearly everywhere. Text is inserted unescaped, as CloudFormation does.
    """
    example = f"arn:{partition}:lambda:{target.region}:{target.account_id}:function:placeholder"
    pseudo_parameters = {
        "AWS::AccountId": target.account_id,
        "AWS::Partition": partition,
        "AWS::Region": target.region,
    }

    def value(match: re.Match[str]) -> str:
        known = target.substitutions[match[1]]
        if isinstance(known, Mapping):
            known = pseudo_parameters.get(str(known.get("Ref")))
        return known if isinstance(known, str) else example

    return PLACEHOLDER.sub(value, text)
