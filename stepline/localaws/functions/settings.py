"""Limits that Lambda documents, and times and numbers that it does not."""

from __future__ import annotations

import os
from typing import Final

MAX_REQUEST_BYTES: Final = 6_291_456
"""Event of a synchronous invocation, 6 MiB [Lambda quotas]."""

MAX_RESPONSE_BYTES: Final = 6_291_556
"""Response of a synchronous invocation [Lambda's error message contains the number]."""

INIT_TIMEOUT_SECONDS: Final = 10.0
"""Time for a function to load [Lambda guide, "Init phase"]."""

IDLE_SECONDS: Final = 300.0
"""An execution environment that was idle for so long is ended [ours]."""

MAX_ENVIRONMENTS: Final = 50
"""Execution environments of one function [ours]."""

USUAL_ENVIRONMENTS: Final = min(max(2, os.cpu_count() or 2), 4)
"""Execution environments of one function, unless it stalls [ours]. All functions share the processors."""

STALL_SECONDS: Final = 1.0
"""Time without a released environment after which one more is started [ours]."""
