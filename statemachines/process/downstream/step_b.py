"""Step B of the downstream machine: counts the characters that the input has on average.

IAM and environment: what every step needs (`statemachines.process.step`).
"""

from __future__ import annotations

from statemachines.fields import JsonObject
from statemachines.process.data import Data
from statemachines.process.step import step


@step(writes="downstreamB", after="downstreamA")
def handler(data: Data) -> JsonObject:
    """`bytesPerValue`: rounded down; 0 for an input without values."""
    values, measured = data.output_of("stepA")["values"], data.output_of("stepC")["bytes"]
    return {"bytesPerValue": measured // values if values else 0}
