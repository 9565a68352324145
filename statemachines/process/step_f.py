"""Step F: starts the downstream state machine, and records the ARN of its execution.

The process does not wait for this execution. The first step of the downstream state machine is retried until
the ARN is recorded.

IAM: what every step needs (`statemachines.process.step`); states:StartExecution on the downstream state
machine. Environment: DATA_BUCKET, DOWNSTREAM_STATE_MACHINE_ARN.
"""

from __future__ import annotations

from statemachines.process.data import Data
from statemachines.process.step import step
from stepline.core import clients, environment, strict_json
from stepline.core.executions.start import start_execution
from stepline.core.fields import JsonObject


@step(writes="stepF", after="stepE")
def handler(data: Data) -> JsonObject:
    """Returns `downstreamExecutionArn`, which is the same if the step runs again."""
    execution = start_execution(
        clients.stepfunctions(),
        environment.machine("DOWNSTREAM_STATE_MACHINE_ARN"),
        data.transaction.execution_name,
        strict_json.canonical({"transaction": str(data.transaction)}),
    )
    return {"downstreamExecutionArn": str(execution)}
