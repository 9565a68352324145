"""Limits of the process, each with its unit and source; [doc] is AWS's documentation, [ours] a choice."""

from __future__ import annotations

from typing import Final

MAX_INPUT_BYTES: Final = 1_048_576
"""Of the body of a request, and of its `processInput` as it is stored [ours]."""

MAX_DATA_BYTES: Final = 2_621_440
"""Of a transaction's data, the input and all outputs [ours]. process-data returns them as text inside JSON,
which at most doubles their size, and a function's response has at most 6 MB [doc: "Lambda quotas", invocation
payload]."""

MAX_INPUT_LEVELS: Final = 100
"""Of nested objects and lists in `processInput` [ours]. How deep JSON may be differs between Python versions;
no step may fail because of input that the facade has accepted."""

MAX_WRITE_ATTEMPTS: Final = 10
"""Of one step, if other processes write at the same time [ours]. Steps run in sequence, so this is rare."""

RETRY_AFTER_SECONDS: Final = 2
"""The Retry-After of a response if AWS throttles or cannot be reached [ours]."""
