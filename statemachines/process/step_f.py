"""Step F: starts the downstream state machine, and records which execution it is.

The downstream machine goes on by itself; the process does not wait for it. Its first step waits for this
one: it wants to read what is written here.

IAM: what every step needs (`statemachines.process.step`); states:StartExecution on the downstream machine.
Environment: DATA_BUCKET, DOWNSTREAM_STATE_MACHINE_ARN.
"""

from __future__ import annotations

from statemachines.fields import JsonObject
from statemachines.process import settings
from statemachines.process.data import Data
from statemachines.process.step import step
from stepline.core import clients, strict_json
from stepline.core.executions.start import start_execution


@step(writes="stepF", after="stepE")
def handler(data: Data) -> JsonObject:
    """`downstreamExecutionArn`: of the transaction's one execution, also if this runs again."""
    execution = start_execution(
        clients.stepfunctions(),
        settings.downstream_machine(),
        data.transaction.execution_name,
        strict_json.canonical({"transaction": str(data.transaction)}),
    )
    return {"downstreamExecutionArn": str(execution)}
