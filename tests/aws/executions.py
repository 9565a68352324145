"""Runs state machines on the local Step Functions for the readers of executions, and counts their calls."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import ClientError

from stepline.aws.execution_details import ExecutionDetailsReader
from stepline.aws.state_visits import StateVisit
from tests.localaws.stepfunctions.world import State, World


class Execution:
    """An execution with its reader; `calls` counts the AWS calls by their operation."""

    def __init__(self, world: World, arn: str) -> None:
        self.world = world
        self.arn = arn
        self.calls: Counter[str] = Counter()
        events = world.client.meta.events
        events.register("before-call.sfn", self._count, unique_id=f"count {id(self)}")
        self.reader = ExecutionDetailsReader(world.client, arn)

    def _count(self, model: Any, **_rest: Any) -> None:
        self.calls[model.name] += 1

    def calls_of(self, action: Any) -> dict[str, int]:
        """Return the calls that `action()` makes."""
        self.calls.clear()
        action()
        return dict(self.calls)


@contextmanager
def world_with_handlers() -> Iterator[World]:
    """A world with the functions `boom`, which always fails, and `echo`."""
    world = World()
    world.handlers["boom"] = fail_until(1_000)
    world.handlers["echo"] = lambda event, _context: event
    yield world
    world.close()


def start(world: World, states: Mapping[str, State], data: Any = None, **settings: Any) -> Execution:
    return Execution(world, world.start(world.create(states, **settings), data, name="e"))


def run(world: World, states: Mapping[str, State], data: Any = None, **settings: Any) -> Execution:
    execution = start(world, states, data, **settings)
    world.virtual_clock.run()
    return execution


def fail_until(attempt: int) -> Any:
    """Return a handler that fails with BoomError before its attempt of this number."""
    calls: list[Any] = []

    def handler(event: Any, _context: Any) -> Any:
        calls.append(event)
        if len(calls) < attempt:
            raise BoomError(f"attempt {len(calls)}")
        return {"attempt": len(calls)}

    return handler


class BoomError(Exception):
    pass


def task(name: str, **fields: Any) -> dict[str, Any]:
    resource = f"arn:aws:lambda:us-east-1:000000000000:function:{name}"
    return {"Type": "Task", "Resource": resource, **({"End": True} if "Next" not in fields else {}), **fields}


def catch(target: str) -> list[dict[str, Any]]:
    return [{"ErrorEquals": ["States.ALL"], "Next": target}]


def visits_of(visits: tuple[StateVisit, ...], name: str) -> list[StateVisit]:
    return [visit for visit in visits if visit.name == name]


def denied(operation: str) -> ClientError:
    response: Any = {"Error": {"Code": "AccessDeniedException", "Message": "no"}}
    return ClientError(response, operation)


def as_json(text: str | None) -> Any:
    assert text is not None
    return json.loads(text)
