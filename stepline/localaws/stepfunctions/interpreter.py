"""What Step Functions needs of an interpreter of the Amazon States Language."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from stepline.localaws.stepfunctions.activities import Activity
from stepline.localaws.stepfunctions.models import Execution, MachineType

TaskClients = Callable[[str], Any]
"""Returns the boto3 client that Task states call a service with, such as `lambda`."""


@dataclass(frozen=True)
class HttpRequest:
    """A request of an HTTP task, whose role must be allowed to send it with the connection."""

    state_machine_arn: str
    connection_arn: str
    endpoint: str
    method: str


@dataclass(frozen=True)
class HttpConnection:
    """What a connection adds to a request. The values are secrets."""

    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    query_parameters: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: Mapping[str, str] = field(default_factory=dict, repr=False)


HttpConnections = Callable[[HttpRequest], HttpConnection]
"""Finds a connection. Raises botocore's ClientError if it does not exist or access is denied."""


def no_connections(_request: HttpRequest) -> HttpConnection:
    """Add nothing to a request."""
    return HttpConnection()


class Interpretation(Protocol):
    """One execution as the interpreter runs it. Every method but `run` may be called from any thread."""

    def run(self) -> None:
        """Run until the state machine has ended. Must be called on a thread of the execution."""

    def succeed_task(self, token: str, output: str) -> bool:
        """Complete the task that waits for `token`. Return False if no task of this execution does.

        Raises TaskClosedError if the task has ended.
        """

    def fail_task(self, token: str, error: str | None, cause: str | None) -> bool:
        """Fail the task that waits for `token`; otherwise as `succeed_task`."""

    def task_heartbeat(self, token: str) -> bool:
        """Restart the heartbeat clock of the task that waits for `token`; otherwise as `succeed_task`."""

    def start_activity_task(self, token: str, worker_name: str | None) -> bool:
        """Start the task that waits for a worker. Return False if no task of this execution has the token."""

    def task_tokens(self) -> set[str]:
        """Return the tokens of all tasks that have waited for one so far."""


class Interpreter(Protocol):
    """Checks definitions and runs executions."""

    def find_error(self, definition: str, machine_type: MachineType) -> str | None:
        """Return why the definition breaks the language's grammar, or None if it does not."""

    def interpret(
        self,
        execution: Execution,
        *,
        task_clients: TaskClients,
        activities: Mapping[str, Activity],
        account_id: str,
        region: str,
    ) -> Interpretation:
        """Prepare to run the execution from its checkpoint if it has one, otherwise from the start.

        `activities` maps ARNs to activities and is read at each task.
        """
