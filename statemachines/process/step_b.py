"""Step B: makes the input's digest.

IAM and environment: what every step needs (`statemachines.process.step`).
"""

from __future__ import annotations

import hashlib

from statemachines.fields import JsonObject
from statemachines.process.data import Data
from statemachines.process.step import step
from stepline.core import strict_json


@step(writes="stepB", after="stepA")
def handler(data: Data) -> JsonObject:
    """`sha256`: of the input in its canonical form, sorted and without spaces."""
    return {"sha256": digest(data.process_input)}


def digest(value: JsonObject) -> str:
    return hashlib.sha256(strict_json.canonical(value).encode()).hexdigest()
