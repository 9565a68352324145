"""Step A: counts what the input holds.

Like all steps a sample: put your own work into the function below. docs/process.md says how.

IAM and environment: what every step needs (`statemachines.process.step`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from statemachines.fields import JsonObject
from statemachines.process.data import PROCESS_INPUT, Data
from statemachines.process.step import step


@step(writes="stepA", after=PROCESS_INPUT)
def handler(data: Data) -> JsonObject:
    """`members`: of the input itself; `values`: texts, numbers, true, false and null at all depths."""
    return {"members": len(data.process_input), "values": sum(1 for _ in scalars(data.process_input))}


def scalars(value: Any) -> Iterator[object]:
    """What is neither an object nor a list, at all depths; without recursion, however deep they are."""
    waiting = [value]
    while waiting:
        value = waiting.pop()
        if isinstance(value, Mapping):
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)
        else:
            yield value
