"""Step A of the downstream state machine: compares the input with its digest.

IAM and environment: what every step needs (`statemachines.process.step`).
"""

from __future__ import annotations

from statemachines.process.data import Data
from statemachines.process.step import step
from statemachines.process.step_b import digest
from stepline.core.fields import JsonObject


@step(writes="downstreamA", after="stepF")
def handler(data: Data) -> JsonObject:
    """Returns `unchanged`: whether the input has the digest of step B of the process."""
    return {"unchanged": digest(data.process_input) == data.output_of("stepB")["sha256"]}
