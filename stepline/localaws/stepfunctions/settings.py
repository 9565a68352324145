"""Times and numbers of Step Functions: what AWS documents, and choices of the local AWS ([ours])."""

from __future__ import annotations

from typing import Final

DEFAULT_PAGE_SIZE: Final = 100
"""Also what `maxResults` 0 means [ListExecutions, ListStateMachines, GetExecutionHistory]."""

DEFAULT_MAX_DIAGNOSTICS: Final = 100
"""[ValidateStateMachineDefinition]"""

MAX_TAGS: Final = 50
"""[TagResource]"""

MAX_VERSIONS: Final = 1_000
MAX_ALIASES: Final = 100
"""Of a state machine [Step Functions quotas, "State machine versions", "State machine aliases"]."""

MAX_EVENTS: Final = 25_000
"""The longest history of a Standard execution, which then fails [Step Functions quotas]."""

EXPRESS_TIMEOUT_SECONDS: Final = 300
"""[StartSyncExecution]"""

NAME_REUSE_DAYS: Final = 90
"""The time until the name of a closed execution can be used again [StartExecution]."""

REDRIVE_DAYS: Final = 14
"""The time in which a closed execution can be redriven [RedriveExecution]."""

MAX_CLOSED_EXECUTIONS: Final = 2_000
"""The newest ones, which are kept [ours]. AWS keeps them for 90 days."""

MAX_CLOSED_BYTES: Final = 256 * 1024 * 1024
"""Of the histories of closed executions, of which the newest are kept [ours]."""

MIN_SHARED_CHARACTERS: Final = 256
"""Longer texts that follow each other in a history are kept once [ours]: most states repeat what they got."""

MAX_EVENT_DATA_BYTES: Final = 248 * 1024
"""The most escaped input and output in a status event [Step Functions guide, "EventBridge payloads"]."""

ACTIVITY_POLL_SECONDS: Final = 60
"""For which a worker waits for a task [GetActivityTask]."""

LOG_DELIVERY_SECONDS: Final = 0.1
"""Until events are in the log [ours]; on AWS they arrive within minutes, at best effort."""

BILLED_MEMORY_MB: Final = 64
BILLED_UNIT_MILLISECONDS: Final = 100
"""Express executions are billed in these units [AWS Step Functions pricing]."""

CONCURRENT_TASKS: Final = 16
"""Tasks of all executions that run at a time [ours]: more than processors, since a task also waits."""

MAX_STALL_SECONDS: Final = 1.0
"""Until one more task may run if none has ended [ours]: the running ones may wait for a queued one."""
