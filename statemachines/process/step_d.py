"""Step D: finds the longest text of the input.

IAM and environment: what every step needs (`statemachines.process.step`).
"""

from __future__ import annotations

from statemachines.process.data import Data
from statemachines.process.step import step
from statemachines.process.step_a import scalars
from stepline.core.fields import JsonObject


@step(writes="stepD", after="stepC")
def handler(data: Data) -> JsonObject:
    """Returns `longestText` in characters, 0 if there is no text."""
    texts = (value for value in scalars(data.process_input) if isinstance(value, str))
    return {"longestText": max(map(len, texts), default=0)}
