"""The AWS that the acceptance run uses, and the names and time of the run."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from stepline.aws.polling import Poller, TimeoutPassedError
from stepline.aws.target import Target
from stepline.core.errors import SteplineError
from stepline.core.text import one_line

PROJECT = Path(__file__).parents[2]
SYSTEMS = ("s3_trigger", "process", "batch", "workflow")
_LOCAL_POLL_SECONDS, _AWS_POLL_SECONDS = 0.3, 5.0
_SHOWN_CHARACTERS = 600

Result = TypeVar("Result")


class StepFailedError(SteplineError):
    """A step saw something else than it expects."""


@dataclass
class Environment:
    """`prefix` begins every name. The run must end `budget_seconds` after its start; clean-up follows."""

    target: Target
    prefix: str
    budget_seconds: float
    started: float = field(default_factory=time.monotonic)

    @property
    def is_local(self) -> bool:
        return self.target.is_local

    @property
    def remaining_seconds(self) -> float:
        return max(0.0, self.started + self.budget_seconds - time.monotonic())

    def client(self, service: str) -> Any:
        return self.target.client(service)

    def stack_name(self, system: str = "") -> str:
        """Return the name of a system's stack; "" is the pipeline's."""
        return f"{self.prefix}-{system.replace('_', '-')}" if system else self.prefix

    def outputs(self, system: str = "") -> dict[str, str]:
        stacks = self.client("cloudformation").describe_stacks(StackName=self.stack_name(system))["Stacks"]
        return {item["OutputKey"]: item["OutputValue"] for item in stacks[0].get("Outputs", [])}

    def poller(self, seconds: float | None = None) -> Poller:
        """Return a poller that waits for `seconds`, but not longer than the budget allows."""
        poll_seconds = _LOCAL_POLL_SECONDS if self.is_local else _AWS_POLL_SECONDS
        limit = self.remaining_seconds if seconds is None else min(seconds, self.remaining_seconds)
        return Poller(poll_seconds, limit)

    def wait_for(self, find: Callable[[], Result | None], what: str, *, seconds: float = 1_800) -> Result:
        """Return what `find` finds. Raises StepFailedError, naming `what`, if it finds nothing in time."""
        poller = self.poller(seconds)
        try:
            return poller.until(lambda: poller.retry(find))
        except TimeoutPassedError as error:
            raise StepFailedError(f"waited in vain for {what}: {error.message}") from error

    def stepline(self, *arguments: str, variables: Mapping[str, str] | None = None) -> str:
        """Run the command line as a user does, and return what it prints. Raises StepFailedError."""
        endpoint = ["--endpoint-url", self.target.endpoint_url] if self.target.endpoint_url else []
        command = [sys.executable, "-m", "stepline", *arguments, *endpoint]
        completed = subprocess.run(
            command,
            cwd=PROJECT,
            env={**os.environ, "AWS_DEFAULT_REGION": self.target.region, **(variables or {})},
            capture_output=True,
            text=True,
            timeout=self.remaining_seconds or None,
            check=False,
        )
        if completed.returncode:
            printed = one_line(f"{completed.stdout} {completed.stderr}")[-_SHOWN_CHARACTERS:]
            raise StepFailedError(f"stepline {arguments[0]} failed: {printed}")
        return completed.stdout

    def wait_for_execution(self, execution_arn: str) -> dict[str, Any]:
        """Wait until the execution has ended, and return its description."""

        def find() -> dict[str, Any] | None:
            found: dict[str, Any] = self.client("stepfunctions").describe_execution(
                executionArn=execution_arn
            )
            return None if found["status"] == "RUNNING" else found

        return self.wait_for(find, f"the end of {execution_arn}")
