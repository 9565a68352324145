"""Step A of the downstream machine: checks that the input is still what the process has digested.

IAM and environment: what every step needs (`statemachines.process.step`).
"""

from __future__ import annotations

from statemachines.fields import JsonObject
from statemachines.process.data import Data
from statemachines.process.step import step
from statemachines.process.step_b import digest


@step(writes="downstreamA", after="stepF")
def handler(data: Data) -> JsonObject:
    """`unchanged`: whether the input has the digest of the process's step B."""
    return {"unchanged": digest(data.process_input) == data.output_of("stepB")["sha256"]}
