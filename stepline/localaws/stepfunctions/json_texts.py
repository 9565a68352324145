"""Parses JSON as strictly as AWS, with the messages of its parser (Jackson)."""

from __future__ import annotations

import json
import re
from typing import Any, Final, NoReturn

_TOKEN = re.compile(r"\s*([A-Za-z_$][\w$]*)")
_WORDS: Final = frozenset({"null", "true", "false"})
_NUMBERS: Final = frozenset({"NaN", "Infinity"})
_EXPECTED: Final = "(JSON String, Number, Array, Object or token 'null', 'true' or 'false')"


class JsonTextError(ValueError):
    """A text is not JSON. `column` is that of the last character of the token that is wrong, if known."""

    def __init__(self, message: str, column: int | None = None) -> None:
        super().__init__(message)
        self.column = column


def parse(text: str) -> Any:
    """Parse a JSON text. Raises JsonTextError, also for NaN, Infinity and lone words."""
    token = _TOKEN.match(text)
    if token and token[1] not in _WORDS | _NUMBERS:
        message = f"Unrecognized token '{token[1]}': was expecting {_EXPECTED}"
        raise JsonTextError(message, token.end() + 1)
    try:
        return json.loads(text, parse_constant=_refuse)
    except JsonTextError:
        raise
    except ValueError as error:
        if re.match(r"\s*\{\s*'", text):
            message = "Unexpected character (''' (code 39)): was expecting double-quote to start field name"
            raise JsonTextError(message) from error
        raise JsonTextError(str(error)) from error


def duplicate_names(text: str) -> set[str]:
    """Return the names that occur more than once in one object of a JSON text."""
    found: set[str] = set()

    def collect(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        names = [name for name, _ in pairs]
        found.update(name for name in names if names.count(name) > 1)
        return dict(pairs)

    json.loads(text, object_pairs_hook=collect)
    return found


def _refuse(constant: str) -> NoReturn:
    raise JsonTextError(
        f"Non-standard token '{constant}': enable JsonParser.Feature.ALLOW_NON_NUMERIC_NUMBERS to allow"
    )
