"""Whether a text may be injected: JSON, the States Language, nothing that CloudFormation would resolve."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from statemachines.fields import named
from statemachines.workflow.errors import DefinitionRefusedError
from statemachines.workflow.limits import MAX_DEFINITION_CHARACTERS, MAX_DIAGNOSTICS, MAX_TEMPLATE_BYTES
from stepline.core import strict_json
from stepline.core.text import printable

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient
    from mypy_boto3_stepfunctions.type_defs import ValidateStateMachineDefinitionDiagnosticTypeDef

PLACEHOLDER: Final = re.compile(r"\$\{(\w+)\}")
"""`${Name}`, which DefinitionSubstitutions fills in."""

_DYNAMIC: Final = "{{resolve:"
_MAX_MESSAGE_CHARACTERS: Final = 300


@dataclass(frozen=True)
class Surroundings:
    """What a definition is injected into. `substitutions`: name -> value, or a function of the template."""

    region: str
    account_id: str
    machine_type: str
    substitutions: Mapping[str, Any]


def decoded(body: bytes) -> str:
    """Raises `DefinitionRefusedError`."""
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        raise DefinitionRefusedError("It is not UTF-8 text.") from error
    if len(text) > MAX_DEFINITION_CHARACTERS:
        raise DefinitionRefusedError(f"It has more than {MAX_DEFINITION_CHARACTERS:,} characters.")
    if len(json.dumps(text)) > MAX_TEMPLATE_BYTES:
        raise DefinitionRefusedError(
            f"Within a template it would be larger than {MAX_TEMPLATE_BYTES:,} bytes, the most that"
            " CloudFormation takes."
        )
    return text


def check(stepfunctions: SFNClient, text: str, surroundings: Surroundings) -> None:
    """Raises `DefinitionRefusedError`, naming everything that Step Functions finds, or botocore's errors."""
    _check_json(text)
    if _DYNAMIC in text:
        # It would be resolved with the rights of whoever deploys, and shown to whoever may read the machine.
        raise DefinitionRefusedError(f"It has a dynamic reference of CloudFormation, {_DYNAMIC}…}}}}.")
    unknown = set(PLACEHOLDER.findall(text)) - surroundings.substitutions.keys()
    if unknown:
        known = named(surroundings.substitutions.keys()) or "none"
        raise DefinitionRefusedError(
            f"It has placeholders that the stack's DefinitionSubstitutions lack: {named(unknown)}. "
            f"They have {known}."
        )
    _check_language(stepfunctions, text, surroundings)


def _check_json(text: str) -> None:
    try:
        document = strict_json.loads(text)
    except ValueError as error:
        raise DefinitionRefusedError(f"It is not JSON: {error}.") from error
    if not isinstance(document, dict):
        raise DefinitionRefusedError("It is JSON, but no object.")


def _check_language(stepfunctions: SFNClient, text: str, surroundings: Surroundings) -> None:
    kind: Any = surroundings.machine_type
    answer = stepfunctions.validate_state_machine_definition(
        definition=filled_in(text, surroundings), type=kind, severity="ERROR", maxResults=MAX_DIAGNOSTICS
    )
    if answer["result"] == "OK":
        return
    found = "; ".join(map(_told, answer["diagnostics"]))
    raise DefinitionRefusedError(
        f"Step Functions refuses it: {found}{' and more' if answer.get('truncated') else ''}."
    )


def _told(diagnostic: ValidateStateMachineDefinitionDiagnosticTypeDef) -> str:
    where = f" at {diagnostic['location']}" if diagnostic.get("location") else ""
    return f"{diagnostic['code']}: {printable(diagnostic['message'], _MAX_MESSAGE_CHARACTERS)}{where}"


def filled_in(text: str, surroundings: Surroundings) -> str:
    """The text with its placeholders filled in, so that it can be validated.

    What a function of the template will be is not known yet; an ARN of Lambda is right nearly everywhere
    a placeholder stands. A text is filled in as CloudFormation does it, quotes and all.
    """
    stand_in = f"arn:aws:lambda:{surroundings.region}:{surroundings.account_id}:function:placeholder"

    def value(match: re.Match[str]) -> str:
        known = surroundings.substitutions[match[1]]
        return known if isinstance(known, str) else stand_in

    return PLACEHOLDER.sub(value, text)
