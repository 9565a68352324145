"""Evaluates condition blocks of policy statements.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
"""

from __future__ import annotations

import ipaddress
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from stepline.localaws.iam.patterns import as_list, matches

ContextValue = str | tuple[str, ...]
"""A single-valued key is text, a multi-valued one a tuple."""

_Test = Callable[[str, str], bool]
_ARN_PARTS = 6


@dataclass(frozen=True)
class Condition:
    """One operator and one key. `quantifier` is `forallvalues`, `foranyvalue` or empty."""

    operator: str
    key: str
    values: tuple[str, ...]
    if_exists: bool
    quantifier: str

    def holds(self, context: Mapping[str, ContextValue]) -> bool:
        actual = context.get(self.key)
        if self.operator == "null":
            return (actual is None) == (self.values[0].lower() == "true")
        test, negated = _OPERATORS[self.operator]
        if actual is None:
            return self.if_exists or self.quantifier == "forallvalues" or (negated and not self.quantifier)
        present = (actual,) if isinstance(actual, str) else actual

        def fits(value: str) -> bool:
            return any(test(value, expected) for expected in self.values) != negated

        # Without a quantifier AWS allows single-valued keys only, where "all" and "any" are the same.
        return any(map(fits, present)) if self.quantifier == "foranyvalue" else all(map(fits, present))


def parse_conditions(block: Mapping[str, Mapping[str, Any]]) -> tuple[Condition, ...]:
    """Return the conditions, all of which must hold. Raises ValueError for an unknown operator."""
    return tuple(
        _condition(name, key, values) for name, keys in block.items() for key, values in keys.items()
    )


def _condition(name: str, key: str, values: Any) -> Condition:
    quantifier, _, rest = name.lower().rpartition(":")
    base = rest.removesuffix("ifexists")
    if base != "null" and base not in _OPERATORS:
        raise ValueError(f"unknown condition operator {name}")
    return Condition(
        operator=base,
        key=key.lower(),
        values=tuple(
            str(value).lower() if isinstance(value, bool) else str(value) for value in as_list(values)
        ),
        if_exists=base != rest,
        quantifier=quantifier,
    )


def _like(actual: str, pattern: str) -> bool:
    return matches(pattern, actual)


def _arn_like(actual: str, pattern: str) -> bool:
    """Compare each of the six parts: a `*` does not match a colon."""
    parts, patterns = actual.split(":", _ARN_PARTS - 1), pattern.split(":", _ARN_PARTS - 1)
    return len(parts) == len(patterns) and all(map(_like, parts, patterns))


def _number(compare: Callable[[float, float], bool]) -> _Test:
    return lambda actual, expected: compare(float(actual), float(expected))


def _date(compare: Callable[[datetime, datetime], bool]) -> _Test:
    return lambda actual, expected: compare(_time(actual), _time(expected))


def _time(text: str) -> datetime:
    """Parse ISO 8601, or seconds since 1970."""
    if text.isdecimal():
        return datetime.fromtimestamp(int(text), UTC)
    time = datetime.fromisoformat(text)
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def _address(actual: str, network: str) -> bool:
    return ipaddress.ip_address(actual) in ipaddress.ip_network(network, strict=False)


def _ignoring_case(actual: str, expected: str) -> bool:
    return actual.lower() == expected.lower()


def _comparisons(name: str, test_of: Callable[[Any], _Test]) -> dict[str, tuple[_Test, bool]]:
    return {
        f"{name}equals": (test_of(operator.eq), False),
        f"{name}notequals": (test_of(operator.eq), True),
        f"{name}lessthan": (test_of(operator.lt), False),
        f"{name}lessthanequals": (test_of(operator.le), False),
        f"{name}greaterthan": (test_of(operator.gt), False),
        f"{name}greaterthanequals": (test_of(operator.ge), False),
    }


# Operator in lower case -> its test, and whether the operator negates it.
_OPERATORS: dict[str, tuple[_Test, bool]] = {
    "stringequals": (operator.eq, False),
    "stringnotequals": (operator.eq, True),
    "stringequalsignorecase": (_ignoring_case, False),
    "stringnotequalsignorecase": (_ignoring_case, True),
    "stringlike": (_like, False),
    "stringnotlike": (_like, True),
    "arnequals": (_arn_like, False),
    "arnnotequals": (_arn_like, True),
    "arnlike": (_arn_like, False),
    "arnnotlike": (_arn_like, True),
    "bool": (_ignoring_case, False),
    "ipaddress": (_address, False),
    "notipaddress": (_address, True),
    **_comparisons("numeric", _number),
    **_comparisons("date", _date),
}
