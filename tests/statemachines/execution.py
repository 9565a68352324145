"""What tests read of an execution that has ended."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

ROLE_ARN = "arn:aws:iam::000000000000:role/machine"


@dataclass(frozen=True)
class Execution:
    """`history` has all events, the oldest first."""

    status: str
    output: Any
    error: str
    cause: str
    history: Sequence[dict[str, Any]]

    @property
    def states(self) -> list[str]:
        """The names of the states in the order in which they were entered."""
        return [
            event["stateEnteredEventDetails"]["name"]
            for event in self.history
            if event["type"].endswith("StateEntered")
        ]


def read_execution(client: Any, arn: str) -> Execution:
    answer = client.describe_execution(executionArn=arn)
    pages = client.get_paginator("get_execution_history").paginate(executionArn=arn, maxResults=1000)
    return Execution(
        status=answer["status"],
        output=json.loads(answer["output"]) if "output" in answer else None,
        error=answer.get("error", ""),
        cause=answer.get("cause", ""),
        history=[event for page in pages for event in page["events"]],
    )
