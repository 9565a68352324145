"""The file with a definition, and whether a state machine has it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

from stepline.core import strict_json
from stepline.core.errors import UsageError

_MAX_CHARACTERS: Final = 1_048_576
"""Of a state machine's definition [model: Definition]."""
_PLACEHOLDER: Final = re.compile(r"\$\{\w+\}")


@dataclass(frozen=True)
class DefinitionFile:
    """`text` as it is uploaded, `document` what it means; `name` is for messages."""

    name: str
    text: str
    document: Mapping[str, Any]

    @classmethod
    def read(cls, path: Path) -> Self:
        """Raises UsageError."""
        try:
            return cls.parse(str(path), path.read_bytes())
        except OSError as error:
            raise UsageError(f"cannot read {path}: {error.strerror}") from error

    @classmethod
    def parse(cls, name: str, content: bytes) -> Self:
        """Raises UsageError."""
        try:
            text = content.decode()
            document = strict_json.loads(text)
        except UnicodeDecodeError as error:
            raise UsageError(f"{name} is not UTF-8 text") from error
        except ValueError as error:
            raise UsageError(f"{name} is not JSON: {error}") from error
        if not isinstance(document, dict) or not isinstance(document.get("States"), dict):
            raise UsageError(f"{name} is no state machine: it has no States")
        if len(text) > _MAX_CHARACTERS:
            raise UsageError(f"{name} has more than {_MAX_CHARACTERS:,} characters")
        return cls(name, text, document)

    def is_definition(self, deployed: str) -> bool:
        """Whether the deployed text is this one with its placeholders filled in, whatever with."""
        try:
            return _fits(self.document, strict_json.loads(deployed))
        except ValueError:
            return False


def _fits(wanted: object, found: object) -> bool:
    if isinstance(wanted, Mapping) and isinstance(found, Mapping):
        filled = {_pattern(key): value for key, value in wanted.items()}
        return len(filled) == len(found) and all(
            any(pattern.fullmatch(key) and _fits(value, member) for pattern, value in filled.items())
            for key, member in found.items()
        )
    if isinstance(wanted, list) and isinstance(found, list):
        return len(wanted) == len(found) and all(map(_fits, wanted, found))
    if isinstance(wanted, str) and isinstance(found, str):
        return wanted == found or _pattern(wanted).fullmatch(found) is not None
    return wanted == found and isinstance(wanted, bool) == isinstance(found, bool)


def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(".*".join(map(re.escape, _PLACEHOLDER.split(text))), re.DOTALL)
