"""Times and numbers of Step Functions: what AWS documents, and choices of the local AWS ([ours])."""

from __future__ import annotations

from typing import Final

DEFAULT_PAGE_SIZE: Final = 100
"""Also what `maxResults` 0 means [ListExecutions, ListStateMachines, GetExecutionHistory]."""

DEFAULT_MAX_DIAGNOSTICS: Final = 100
"""[ValidateStateMachineDefinition]"""

MAX_EVENTS: Final = 25_000
"""In the history of a Standard execution; one that needs more fails [Step Functions quotas]."""

EXPRESS_TIMEOUT_SECONDS: Final = 300
"""[StartSyncExecution]"""

NAME_REUSE_DAYS: Final = 90
"""Until the name of a closed execution can be used again [StartExecution]."""

REDRIVE_DAYS: Final = 14
"""In which a closed execution can be redriven [RedriveExecution]."""

MAX_CLOSED_EXECUTIONS: Final = 2_000
"""That are kept, the newest ones [ours]. AWS keeps them for 90 days."""

MAX_EVENT_DATA_BYTES: Final = 248 * 1024
"""Of escaped input and output in a status event [Step Functions guide, "EventBridge payloads"]."""

BILLED_MEMORY_MB: Final = 64
BILLED_UNIT_MILLISECONDS: Final = 100
"""Express executions are billed in these units [AWS Step Functions pricing]."""

CONCURRENT_TASKS: Final = 16
"""Of all executions together [ours]: more than most machines have processors, since a task also waits."""

MAX_STALL_SECONDS: Final = 1.0
"""After which one more task may run if none has ended [ours]: the running ones may wait for a queued one."""
