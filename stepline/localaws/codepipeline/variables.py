"""Variables: `#{namespace.name}` in an action's configuration.

https://docs.aws.amazon.com/codepipeline/latest/userguide/reference-variables.html. The value takes
the reference's place as it is: CodePipeline does not escape it, so a commit message with a quote
breaks the JSON around it, on AWS and here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

_REFERENCE = re.compile(r"#\{([A-Za-z0-9@\-_]+)\.([A-Za-z0-9@\-_]+)\}")

PIPELINE_NAMESPACE = "codepipeline"
"""CodePipeline's own; its one variable is PipelineExecutionId."""
VARIABLES_NAMESPACE = "variables"
"""The variables that the pipeline itself declares (V2)."""
RESERVED_NAMESPACES = frozenset({PIPELINE_NAMESPACE, VARIABLES_NAMESPACE})

Namespaces = Mapping[str, Mapping[str, str]]


class UnresolvedVariablesError(Exception):
    """References that nothing has given a value. `references` as they are written."""

    def __init__(self, references: list[str]) -> None:
        super().__init__(", ".join(references))
        self.references = references


def namespaces_in(text: str) -> Iterator[tuple[str, str]]:
    """(namespace, name) of each reference in `text`."""
    return ((match[1], match[2]) for match in _REFERENCE.finditer(text))


def resolve(configuration: Mapping[str, str], namespaces: Namespaces) -> dict[str, str]:
    """`configuration` with every reference replaced. Raises UnresolvedVariablesError, naming all of them."""
    missing: list[str] = []

    def value(match: re.Match[str]) -> str:
        found = namespaces.get(match[1], {}).get(match[2])
        if found is None:
            missing.append(match[0])
        return found or ""

    resolved = {key: _REFERENCE.sub(value, text) for key, text in configuration.items()}
    if missing:
        raise UnresolvedVariablesError(sorted(set(missing)))
    return resolved
