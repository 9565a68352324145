"""Step C of the downstream machine: makes the receipt of all that was done.

IAM and environment: what every step needs (`statemachines.process.step`).
"""

from __future__ import annotations

from statemachines.fields import JsonObject
from statemachines.process.data import Data
from statemachines.process.step import step
from statemachines.process.step_b import digest


@step(writes="downstreamC", after="downstreamB")
def handler(data: Data) -> JsonObject:
    """`receipt`: the digest of everything that was written before."""
    return {"receipt": digest(data.members)}
