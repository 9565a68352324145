"""A system as its template describes it: its functions, with time-outs and variables, and its state machines.

Every physical name is the logical id, that of a bucket in lower case, as S3 requires.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stepline.core.local_aws import ACCOUNT_ID, DEFAULT_REGION
from tests.in_process_functions import Handler
from tests.resolved_template import ResolvedTemplate

PROJECT = Path(__file__).parents[1]
_FUNCTION = "AWS::Serverless::Function"
_MACHINE = "AWS::Serverless::StateMachine"


@dataclass(frozen=True)
class Function:
    handler: Handler
    timeout_seconds: float
    environment: Mapping[str, str]


class SystemTemplate:
    """`statemachines/<folder>/template.yaml` with these parameters, and the defaults of the others."""

    def __init__(self, folder: str, parameters: Mapping[str, str] | None = None) -> None:
        self._folder = PROJECT / "statemachines" / folder
        self._template = ResolvedTemplate(
            self._folder / "template.yaml",
            parameters,
            region=DEFAULT_REGION,
            account=ACCOUNT_ID,
            stack_name="stepline",
            reference=self._reference,
        )

    @functools.cached_property
    def functions(self) -> dict[str, Function]:
        """The functions by logical id."""
        defaults = self._template.resolve_globals("Function")
        return {name: _function(item, defaults) for name, item in self._resources(_FUNCTION)}

    def machines(self) -> dict[str, str]:
        """Return the definitions, as they are created, by logical id."""
        return {name: self._definition(item) for name, item in self._resources(_MACHINE)}

    def _resources(self, type_: str) -> Iterator[tuple[str, Any]]:
        for name, resource in self._template.resources.items():
            if resource["Type"] == type_:
                yield name, resource["Properties"]

    def _definition(self, properties: Any) -> str:
        text: str = (self._folder / properties["DefinitionUri"]).read_text()
        for name, value in properties.get("DefinitionSubstitutions", {}).items():
            text = text.replace(f"${{{name}}}", str(value))
        return text

    def _reference(self, name: str, attribute: str) -> str:
        match self._template.type_of(name), attribute:
            case "AWS::Serverless::StateMachine", "" | "Arn":
                return machine_arn(name)
            case "AWS::Serverless::Function", "Arn":
                return function_arn(name)
            case "AWS::S3::Bucket", "":
                return name.lower()
            case "AWS::S3::Bucket", "Arn":
                return f"arn:aws:s3:::{name.lower()}"
            case "AWS::DynamoDB::Table", "Arn":
                return f"arn:aws:dynamodb:{DEFAULT_REGION}:{ACCOUNT_ID}:table/{name}"
            case _, "Arn":
                return f"arn:aws:any:{DEFAULT_REGION}:{ACCOUNT_ID}:{name}"
            case _, "" | "Name":
                return name
        return f"{name}.{attribute}"


def function_arn(name: str) -> str:
    return f"arn:aws:lambda:{DEFAULT_REGION}:{ACCOUNT_ID}:function:{name}"


def machine_arn(name: str) -> str:
    return f"arn:aws:states:{DEFAULT_REGION}:{ACCOUNT_ID}:stateMachine:{name}"


def _function(properties: Any, defaults: Any) -> Function:
    module, _, name = properties["Handler"].rpartition(".")
    variables = {**_variables(defaults), **_variables(properties)}
    return Function(
        handler=getattr(importlib.import_module(module), name),
        timeout_seconds=float(properties.get("Timeout", defaults.get("Timeout", 3))),
        environment={key: str(value) for key, value in variables.items()},
    )


def _variables(properties: Any) -> Mapping[str, Any]:
    variables: Mapping[str, Any] = properties.get("Environment", {}).get("Variables", {})
    return variables
