"""Step B: computes the digest of the input.

IAM and environment: what every step needs (`statemachines.process.step`).
"""

from __future__ import annotations

import hashlib

from statemachines.process.data import Data
from statemachines.process.step import step
from stepline.core import strict_json
from stepline.core.fields import JsonObject


@step(writes="stepB", after="stepA")
def handler(data: Data) -> JsonObject:
    """Returns `sha256` of the input in its canonical form, sorted and without spaces."""
    return {"sha256": digest(data.process_input)}


def digest(value: JsonObject) -> str:
    return hashlib.sha256(strict_json.canonical(value).encode()).hexdigest()
