"""Pipelines for the tests of pages: the local CodePipeline and Step Functions, and commits with authors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from starlette.testclient import TestClient

from stepline.aws.target import Target
from tests.aws.fakes import Answers
from tests.cli.local_pipeline import LocalPipeline, task
from tests.console.client import open_console

FAILING = {
    "StartAt": "Prepare",
    "States": {
        "Prepare": {"Type": "Pass", "Next": "Create Stack"},
        "Create Stack": task("create", End=True),
    },
}


class StackError(Exception):
    """What the function of the failing state machine raises."""


def failing_pipeline(cause: str = "the template is invalid") -> LocalPipeline:
    def create(_event: Any, _context: Any) -> None:
        raise StackError(cause)

    return LocalPipeline(FAILING, {"create": create})


class Commits:
    """A repository in which every commit has the same message and author. `calls` are those read."""

    def __init__(self, message: str = "Fix the queue", author: str = "Ada Lovelace") -> None:
        self.message, self.author = message, author
        self.calls: list[list[str]] = []
        self.error: Exception | None = None

    @property
    def client(self) -> Answers:
        return Answers({"batch_get_commits": self._answer})

    def _answer(self, params: Mapping[str, Any]) -> Any:
        self.calls.append(params["commitIds"])
        if self.error is not None:
            return self.error
        return {
            "commits": [
                {"commitId": each, "message": self.message, "author": {"name": self.author}}
                for each in params["commitIds"]
            ]
        }


class CountingClient:
    """A client that counts the calls of its operations."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.calls: list[str] = []

    def __getattr__(self, name: str) -> Any:
        operation = getattr(self._client, name)

        def call(**params: Any) -> Any:
            self.calls.append(name)
            return operation(**params)

        return call

    def get_paginator(self, name: str) -> Any:
        self.calls.append(name)
        return self._client.get_paginator(name)

    def since(self, number: int) -> list[str]:
        return self.calls[number:]


def target_with_commits(pipeline: LocalPipeline, commits: Commits | None = None, **clients: Any) -> Target:
    return pipeline.target(codecommit=(commits or Commits()).client, **clients)


def console_of(
    pipeline: LocalPipeline,
    commits: Commits | None = None,
    *,
    allows_actions: bool = False,
    now: Callable[[], datetime] | None = None,
    **clients: Any,
) -> TestClient:
    """Return the console of the pipeline; its clock is that of the services."""
    return open_console(
        target_with_commits(pipeline, commits, **clients),
        allows_actions=allows_actions,
        now=now or pipeline.world.clock.now,
    )
