"""Step C: measures the size of the input.

IAM and environment: what every step needs (`statemachines.process.step`).
"""

from __future__ import annotations

from statemachines.process.data import Data
from statemachines.process.step import step
from stepline.core import strict_json
from stepline.core.fields import JsonObject


@step(writes="stepC", after="stepB")
def handler(data: Data) -> JsonObject:
    """Returns `bytes` of the input as it is stored."""
    return {"bytes": len(strict_json.canonical(data.process_input).encode())}
