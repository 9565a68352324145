"""The log of a build: what its commands write, and what CodeBuild writes about them.

https://docs.aws.amazon.com/codebuild/latest/userguide/change-project.html, "Logs". Values of parameters and
secrets are hidden [user guide, "Buildspec syntax", env].
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from botocore.exceptions import ClientError

from stepline.core.aws_errors import error_code, error_message
from stepline.localaws.clock import Clock
from stepline.localaws.codebuild.errors import PhaseError
from stepline.localaws.codebuild.models import Build
from stepline.localaws.iam import acting_as
from stepline.localaws.log_streams import Line, LineLog

_HIDDEN = "***"
_ENABLED = "ENABLED"


class BuildLog:
    """Writes to CloudWatch Logs as the build's role; `logs`: boto3's client."""

    def __init__(self, build: Build, logs: Any, clock: Clock) -> None:
        self._build = build
        self._logs = logs
        self._clock = clock
        self._secrets: list[str] = []
        self._lines = LineLog(self._put, lambda: clock.now().timestamp())
        location = build.document["logs"]
        self._is_enabled = location["cloudWatchLogs"]["status"] == _ENABLED
        self._names = {"logGroupName": location.get("groupName"), "logStreamName": location.get("streamName")}

    def open(self) -> None:
        """Create the log stream, and its group. Raises PhaseError if the role may not."""
        if not self._is_enabled:
            return
        try:
            with acting_as(self._build.actor):
                self._create_stream()
        except ClientError as error:
            self._is_enabled = False
            raise PhaseError(
                "ACCESS_DENIED",
                f"Service role {self._build.actor.role_arn} does not allow AWS CodeBuild to create Amazon "
                f"CloudWatch Logs log streams for build {self._build.arn}. Error message: "
                f"{error_message(error)}",
            ) from error

    def hide(self, secret: str) -> None:
        """Write `***` instead of a secret from now on."""
        self._secrets += [secret] if secret.strip() else []

    def write(self, output: bytes) -> None:
        self._lines.write(output)

    def say(self, text: str) -> None:
        """Write a line as CodeBuild's agent does."""
        time = self._clock.now().strftime("%Y/%m/%d %H:%M:%S.%f")
        self._lines.write_event(f"[Container] {time} {text}")

    def flush(self) -> None:
        self._lines.flush()

    def close(self) -> None:
        self._lines.close()

    def _create_stream(self) -> None:
        try:
            self._logs.create_log_stream(**self._names)
        except ClientError as error:
            if error_code(error) != "ResourceNotFoundException":
                raise
            self._logs.create_log_group(logGroupName=self._names["logGroupName"])
            self._logs.create_log_stream(**self._names)

    def _put(self, lines: list[Line]) -> None:
        if not self._is_enabled:
            return
        events = [{"timestamp": line.time_ms, "message": self._shown(line.text)} for line in lines]
        with suppress(ClientError), acting_as(self._build.actor):  # a build continues without its log
            self._logs.put_log_events(**self._names, logEvents=events)

    def _shown(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, _HIDDEN)
        return text
