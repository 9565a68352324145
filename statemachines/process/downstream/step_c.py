"""Step C of the downstream state machine: computes the digest of all data.

IAM and environment: what every step needs (`statemachines.process.step`).
"""

from __future__ import annotations

from statemachines.process.data import Data
from statemachines.process.step import step
from statemachines.process.step_b import digest
from stepline.core.fields import JsonObject


@step(writes="downstreamC", after="downstreamB")
def handler(data: Data) -> JsonObject:
    """Returns `receipt`, the digest of all data that were written before."""
    return {"receipt": digest(data.members)}
