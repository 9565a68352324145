"""Step E: sums up what the steps before have found.

IAM and environment: what every step needs (`statemachines.process.step`).
"""

from __future__ import annotations

from statemachines.fields import JsonObject
from statemachines.process.data import Data
from statemachines.process.step import step


@step(writes="stepE", after="stepD")
def handler(data: Data) -> JsonObject:
    """`summary`: such as `2 members, 5 values, 48 bytes`."""
    counted, measured = data.output_of("stepA"), data.output_of("stepC")
    members, values = counted["members"], counted["values"]
    return {"summary": f"{members} members, {values} values, {measured['bytes']} bytes"}
