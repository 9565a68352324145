"""Reads JSON without ambiguities (NaN, repeated keys, huge numbers), and writes it in one canonical form."""

from __future__ import annotations

import json
import math
from collections import Counter
from typing import Any, Final, NoReturn

from stepline.core.text import quoted

_MAX_DIGITS: Final = 4300
"""Of a whole number [ours]. Python is slow with more digits, and refuses them by default."""


def loads(text: str | bytes, *, may_repeat_keys: bool = False) -> Any:
    """Return the value of `text`. Raise ValueError, whose message is the end of a sentence.

    Bytes may be UTF-8, -16 or -32, with or without a byte order mark. A key that an object has twice is
    refused, because JSON readers differ in which one they use; with `may_repeat_keys` the last one is used.
    The message quotes nothing of the text but such a key.
    """
    if not text.strip():
        raise ValueError("it is empty")
    try:
        return json.loads(
            text,
            object_pairs_hook=None if may_repeat_keys else _unique_members,
            parse_constant=_refuse_constant,
            parse_float=_finite_number,
            parse_int=_whole_number,
        )
    except json.JSONDecodeError as error:
        reason = error.msg.removesuffix(" at")  # as in "Unterminated string starting at"
        raise ValueError(f"{reason} at line {error.lineno}, column {error.colno}") from None
    except UnicodeDecodeError:
        raise ValueError("it is not UTF-8 text") from None
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def canonical(value: Any) -> str:
    """Return `value` as JSON with sorted keys and without spaces: equal values give equal text.

    Raise ValueError, whose message is the end of a sentence, for a value that JSON or UTF-8 cannot represent.
    """
    try:
        text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("it contains half of a surrogate pair, which is not a character") from None
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    except ValueError:
        raise ValueError("it contains a number that JSON does not have") from None
    except TypeError:  # JMESPath's `not_null(&a)` is an expression, not a value
        raise ValueError("it contains what JSON does not have") from None
    return text


def _unique_members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        ((repeated, _),) = Counter(key for key, _ in pairs).most_common(1)
        raise ValueError(f"an object in it has the key {quoted(repeated)} twice")
    return members


def _finite_number(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError("a number in it is too large")
    return number


def _whole_number(text: str) -> int:
    if len(text) > _MAX_DIGITS:
        raise ValueError(f"a number in it has more than {_MAX_DIGITS:,} digits")
    return int(text)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
