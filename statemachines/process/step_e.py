"""Step E: summarizes the results of the steps before.

IAM and environment: what every step needs (`statemachines.process.step`).
"""

from __future__ import annotations

from statemachines.process.data import Data
from statemachines.process.step import step
from stepline.core.fields import JsonObject


@step(writes="stepE", after="stepD")
def handler(data: Data) -> JsonObject:
    """Returns a `summary` such as `2 members, 5 values, 48 bytes`."""
    counted, measured = data.output_of("stepA"), data.output_of("stepC")
    members, values = counted["members"], counted["values"]
    return {"summary": f"{members} members, {values} values, {measured['bytes']} bytes"}
