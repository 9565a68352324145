"""Step B of the downstream state machine: computes the average size of a value.

IAM and environment: what every step needs (`statemachines.process.step`).
"""

from __future__ import annotations

from statemachines.process.data import Data
from statemachines.process.step import step
from stepline.core.fields import JsonObject


@step(writes="downstreamB", after="downstreamA")
def handler(data: Data) -> JsonObject:
    """Returns `bytesPerValue`, rounded down; 0 for input without values."""
    values, measured = data.output_of("stepA")["values"], data.output_of("stepC")["bytes"]
    return {"bytesPerValue": measured // values if values else 0}
