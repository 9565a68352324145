"""A fake of `Containers` without programs: tests choose how each container ends, in virtual time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from stepline.localaws.batch import Outcome, Task
from stepline.localaws.clock import Clock

START_SECONDS = 5.0
RUN_SECONDS = 60.0


@dataclass
class FakeContainer:
    """A container that ends as by SIGTERM when it is stopped."""

    clock: Clock
    on_ended: Callable[[Outcome], None]
    has_ended: bool = False

    def stop(self) -> None:
        self.clock.call_later(0, lambda: self.end(Outcome(128 + 15)))

    def end(self, outcome: Outcome) -> None:
        if not self.has_ended:
            self.has_ended = True
            self.on_ended(outcome)


@dataclass
class FakeContainers:
    """`outcome` returns how a task ends; without an exit code it never runs. `started`: all tasks."""

    clock: Clock
    outcome: Callable[[Task], Outcome] = lambda _task: Outcome(0)
    run_seconds: Callable[[Task], float] = lambda _task: RUN_SECONDS
    started: list[Task] = field(default_factory=list)
    running: int = 0
    most_running: int = 0

    def start(
        self, task: Task, *, on_running: Callable[[], None], on_ended: Callable[[Outcome], None]
    ) -> FakeContainer:
        self.started.append(task)
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        container = FakeContainer(self.clock, lambda outcome: self._ended(on_ended, outcome))
        outcome = self.outcome(task)
        if outcome.exit_code is None:
            self.clock.call_later(START_SECONDS, lambda: container.end(outcome))
            return container

        def run() -> None:
            if not container.has_ended:
                on_running()
                self.clock.call_later(self.run_seconds(task), lambda: container.end(outcome))

        self.clock.call_later(START_SECONDS, run)
        return container

    def close(self) -> None:
        """Do nothing: there are no programs to kill."""

    def _ended(self, on_ended: Callable[[Outcome], None], outcome: Outcome) -> None:
        self.running -= 1
        on_ended(outcome)
