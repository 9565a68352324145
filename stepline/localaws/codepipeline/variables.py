"""Variables: `#{namespace.name}` in an action's configuration.

https://docs.aws.amazon.com/codepipeline/latest/userguide/reference-variables.html. CodePipeline inserts the
value without escaping it: a commit message with a quote breaks the JSON around it, on AWS and here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

_REFERENCE = re.compile(r"#\{([A-Za-z0-9@\-_]+)\.([A-Za-z0-9@\-_]+)\}")

PIPELINE_NAMESPACE = "codepipeline"
"""The namespace of CodePipeline itself; its one variable is PipelineExecutionId."""
VARIABLES_NAMESPACE = "variables"
"""The namespace of the variables that the pipeline declares (V2)."""
RESERVED_NAMESPACES = frozenset({PIPELINE_NAMESPACE, VARIABLES_NAMESPACE})

Namespaces = Mapping[str, Mapping[str, str]]


class UnresolvedVariablesError(Exception):
    """Some references have no value; the message lists them as they are written."""


def namespaces_in(text: str) -> Iterator[tuple[str, str]]:
    """Yield (namespace, name) of each reference in `text`."""
    return ((match[1], match[2]) for match in _REFERENCE.finditer(text))


def resolve_known(text: str, namespaces: Namespaces) -> str:
    """Replace the references that have a value, and keep the others as they are."""
    return _REFERENCE.sub(lambda match: namespaces.get(match[1], {}).get(match[2], match[0]), text)


def resolve(configuration: Mapping[str, str], namespaces: Namespaces) -> dict[str, str]:
    """Replace every reference in the values of `configuration`. Raises UnresolvedVariablesError."""
    missing: list[str] = []

    def value(match: re.Match[str]) -> str:
        found = namespaces.get(match[1], {}).get(match[2])
        if found is None:
            missing.append(match[0])
        return found or ""

    resolved = {key: _REFERENCE.sub(value, text) for key, text in configuration.items()}
    if missing:
        raise UnresolvedVariablesError(", ".join(sorted(set(missing))))
    return resolved
