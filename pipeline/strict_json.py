"""JSON as AWS has it: no NaN, no endless numbers or nesting; and one canonical way to write it."""

from __future__ import annotations

import json
import math
from typing import Any, Final, NoReturn

_MAX_DIGITS: Final = 4300
"""Of a whole number [ours]: more would make Python slow, which therefore refuses them."""


def loads(text: str | bytes) -> Any:
    """The value of `text`. Raises ValueError, with the reason as the end of a sentence.

    The reason repeats nothing of the text. Bytes may be UTF-8, -16 or -32, with or without a mark.
    """
    try:
        return json.loads(
            text, parse_constant=_refuse_constant, parse_float=_finite_number, parse_int=_whole_number
        )
    except json.JSONDecodeError as error:
        raise ValueError(f"{error.msg} at line {error.lineno}, column {error.colno}") from None
    except UnicodeDecodeError:
        raise ValueError("it is not UTF-8 text") from None
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def canonical(value: Any) -> str:
    """`value` in one way only: sorted keys, no spaces, so that the same value is the same text.

    Raises ValueError, with the reason as the end of a sentence, for what is no JSON or no UTF-8.
    """
    try:
        text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("it contains half of a surrogate pair, which is no character") from None
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    except ValueError:
        raise ValueError("it contains a number that JSON does not have") from None
    except TypeError:  # JMESPath's `not_null(&a)` is an expression, not a value
        raise ValueError("it contains what JSON does not have") from None
    return text


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
