"""The world of a trigger that holds jobs open, and of the worker that answers them."""

from __future__ import annotations

from pipeline.settings import load_settings
from pipeline.worker import Worker
from pipeline.worker_settings import load_worker_settings
from stepline.localaws.protocol import Params
from tests.fakes.clients import client_of
from tests.fakes.dynamodb import FakeDynamoDb
from tests.fakes.step_functions import FakeExecution
from tests.pipeline.worker_environment import OPEN_JOBS, WORKER_ENVIRONMENT
from tests.pipeline.world import EXPRESS, LambdaContext, World

HOLD_MINUTES = 10

_WORKER_ENVIRONMENT = {**WORKER_ENVIRONMENT, "ALLOWED_STATE_MACHINE_ARNS": EXPRESS}


class HeldWorld(World):
    """`sleeps`: how long the worker waited each time."""

    def __init__(self) -> None:
        super().__init__()
        self.sleeps: list[float] = []
        self.dynamodb = FakeDynamoDb(tables=[(OPEN_JOBS, "firstJob")])
        self.clients.dynamodb = client_of(self.dynamodb)
        self.configure(HOLD_MINUTES=str(HOLD_MINUTES), OPEN_JOBS_TABLE=OPEN_JOBS)
        self.worker = Worker(
            self.clients,
            load_settings(_WORKER_ENVIRONMENT),
            load_worker_settings(_WORKER_ENVIRONMENT),
            clock=lambda: self.now,
            sleep=self._sleep,
        )

    def _sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.now += seconds

    def hold(self, user_parameters: object = None, **changes: object) -> tuple[Params, FakeExecution]:
        """Start an action, and deliver its second job; return that job's event and the execution."""
        event, execution = self.start_execution(user_parameters, **changes)
        self.deliver(event)
        return event, execution

    @property
    def open_jobs(self) -> list[Params]:
        """The items of the table."""
        return self.dynamodb.items(OPEN_JOBS)

    def has_result(self, event: Params) -> bool:
        return event["CodePipeline.job"]["id"] in self.codepipeline.results

    def send_status(self, execution: FakeExecution) -> None:
        detail = {"executionArn": execution.arn, "status": execution.status}
        self._wake({"detail-type": "Step Functions Execution Status Change", "detail": detail})

    def sweep_held_jobs(self) -> None:
        self._wake({"detail-type": "Held Jobs"})

    def sweep(self) -> None:
        self._wake({"detail-type": "Scheduled Event", "detail": {}})

    def send_action_ended(self) -> None:
        detail = {
            "pipeline": "shop",
            "execution-id": "11111111-2222-3333-4444-555555555555",
            "stage": "Deploy",
            "action": "ToProd",
            "state": "ABANDONED",
            "type": {"owner": "AWS"},
        }
        self._wake({"detail-type": "CodePipeline Action Execution State Change", "detail": detail})

    def _wake(self, event: Params) -> None:
        self.worker.handle(event, LambdaContext())  # type: ignore[arg-type]

    def forget_calls(self) -> None:
        super().forget_calls()
        self.dynamodb.calls.clear()

    @property
    def calls(self) -> list[str]:
        return [*super().calls, *(name for name, _ in self.dynamodb.calls)]
