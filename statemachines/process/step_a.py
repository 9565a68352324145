"""Step A: counts the values of the input.

All steps are samples: replace the body of the handler by your own code. See docs/process.md.

IAM and environment: what every step needs (`statemachines.process.step`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from statemachines.process.data import PROCESS_INPUT, Data
from statemachines.process.step import step
from stepline.core.fields import JsonObject


@step(writes="stepA", after=PROCESS_INPUT)
def handler(data: Data) -> JsonObject:
    """Returns `members` of the input itself, and `values` (text, number, true, false, null) at all levels."""
    return {"members": len(data.process_input), "values": sum(1 for _ in scalars(data.process_input))}


def scalars(value: Any) -> Iterator[object]:
    """Yield the values that are neither an object nor a list, at all levels, without recursion."""
    pending = [value]
    while pending:
        value = pending.pop()
        if isinstance(value, Mapping):
            pending.extend(value.values())
        elif isinstance(value, list):
            pending.extend(value)
        else:
            yield value
