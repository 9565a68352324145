"""The functions that Step Functions adds to JSONata [guide, "Transforming data with JSONata"]."""

from __future__ import annotations

import json
import math
import random
import uuid
from typing import Any, Final

from jsonata import Jsonata
from jsonata.jexception import JException
from jsonata.utils import Utils

from stepline.localaws.stepfunctions.intrinsic_functions import HASHES, MAX_RANGE_ITEMS


class _Error(JException):  # type: ignore[misc] # jsonata has no types
    """A wrong argument. JSONata's own errors have numbers; `code` is the nearest."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code, -1)
        self.text = message

    def __str__(self) -> str:
        return self.text


def _random(seed: Any = None) -> float:
    """Return a number; for the same seed it is the same."""
    return random.random() if seed is None else random.Random(seed).random()  # noqa: S311


def _distinct(items: Any) -> Any:
    """Return an array without duplicates. jsonata-python returns an array of one item as this item."""
    if not isinstance(items, list):
        return items
    found: list[Any] = []
    for item in items:
        if not any(Utils.is_deep_equal(item, other) for other in found):
            found.append(item)
    return found


def _partition(items: Any, size: Any) -> Any:
    if not isinstance(items, list):
        items = [] if items is None else [items]
    if not Utils.is_numeric(size) or int(size) < 1:
        raise _Error("D3137", "the chunk size of $partition must be a positive number")
    step = int(size)
    return [list(items[start : start + step]) for start in range(0, len(items), step)]


def _range(first: Any, last: Any, step: Any) -> Any:
    if not all(map(Utils.is_numeric, (first, last, step))) or not step:
        raise _Error("D3137", "the arguments of $range must be numbers, and its step not zero")
    count = max(0, math.floor((last - first) / step) + 1)
    if count > MAX_RANGE_ITEMS:
        raise _Error("D3137", f"the result of $range has more than {MAX_RANGE_ITEMS} items")
    found = [first + index * step for index in range(count)]
    return found[0] if len(found) == 1 else found  # as the sequences of JSONata [recorded]


def _hash(data: Any, algorithm: Any) -> Any:
    if algorithm not in HASHES:
        raise _Error("D3137", f"the algorithm of $hash must be one of {', '.join(HASHES)}")
    text = data if isinstance(data, str) else json.dumps(data, separators=(",", ":"), ensure_ascii=False)
    return HASHES[algorithm](text.encode()).hexdigest()


def _parse(text: Any) -> Any:
    try:
        return json.loads(text)
    except (TypeError, ValueError) as error:
        raise _Error("D3137", "the argument of $parse is not JSON text") from error


FUNCTIONS: Final[dict[str, Any]] = {
    "distinct": Jsonata.JLambda(_distinct),
    "eval": None,
    "hash": Jsonata.JLambda(_hash),
    "parse": Jsonata.JLambda(_parse),
    "partition": Jsonata.JLambda(_partition),
    "random": Jsonata.JLambda(_random),
    "range": Jsonata.JLambda(_range),
    "uuid": Jsonata.JLambda(lambda: str(uuid.uuid4())),
}
"""Name -> function. `$eval` of JSONata does not exist."""
