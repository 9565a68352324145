"""Reads the file with a definition, and compares it with the definition of a state machine."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

from stepline.core import strict_json
from stepline.core.errors import UsageError

_MAX_CHARACTERS: Final = 1_048_576
"""Longest definition of a state machine [model: Definition]."""
_PLACEHOLDER: Final = re.compile(r"\$\{\w+\}")


@dataclass(frozen=True)
class DefinitionFile:
    """A definition as text and as JSON; messages call the file `name`."""

    name: str
    text: str
    document: Mapping[str, Any]

    @classmethod
    def read(cls, path: Path) -> Self:
        """Raises UsageError if the file cannot be read or parsed."""
        try:
            return cls.parse(str(path), path.read_bytes())
        except OSError as error:
            raise UsageError(f"cannot read {path}: {error.strerror}") from error

    @classmethod
    def parse(cls, name: str, content: bytes) -> Self:
        """Raises UsageError if the content is not a state machine, or too long."""
        try:
            text = content.decode()
            document = strict_json.loads(text)
        except UnicodeDecodeError as error:
            raise UsageError(f"{name} is not UTF-8 text") from error
        except ValueError as error:
            raise UsageError(f"{name} is not JSON: {error}") from error
        if not isinstance(document, dict) or not isinstance(document.get("States"), dict):
            raise UsageError(f"{name} is not a state machine: it has no States")
        if len(text) > _MAX_CHARACTERS:
            raise UsageError(f"{name} has more than {_MAX_CHARACTERS:,} characters")
        return cls(name, text, document)

    def matches(self, deployed: str) -> bool:
        """Whether `deployed` is this definition with any values for its placeholders."""
        try:
            return _matches(self.document, strict_json.loads(deployed))
        except ValueError:
            return False


def parse_deployed(definition: object) -> dict[str, Any]:
    """Return the definition of a processed template as an object; empty if it is none."""
    if isinstance(definition, str):
        try:
            definition = strict_json.loads(definition, may_repeat_keys=True)
        except ValueError:
            return {}
    return definition if isinstance(definition, dict) else {}


def _matches(expected: object, actual: object) -> bool:
    if isinstance(expected, Mapping) and isinstance(actual, Mapping):
        members = {_pattern(key): value for key, value in expected.items()}
        return len(members) == len(actual) and all(
            any(pattern.fullmatch(key) and _matches(value, member) for pattern, value in members.items())
            for key, member in actual.items()
        )
    if isinstance(expected, list) and isinstance(actual, list):
        return len(expected) == len(actual) and all(map(_matches, expected, actual))
    if isinstance(expected, str) and isinstance(actual, str):
        return expected == actual or _pattern(expected).fullmatch(actual) is not None
    return expected == actual and isinstance(expected, bool) == isinstance(actual, bool)


def _pattern(text: str) -> re.Pattern[str]:
    """Return a pattern that matches `text` with anything in place of its placeholders."""
    return re.compile(".*".join(map(re.escape, _PLACEHOLDER.split(text))), re.DOTALL)
