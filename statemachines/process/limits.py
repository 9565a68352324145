"""The process's numbers, with their unit and their source; [doc] is AWS's documentation, [ours] a choice."""

from __future__ import annotations

from typing import Final

MAX_INPUT_BYTES: Final = 1_048_576
"""Of a request's body, and of its `processInput` as it is stored [ours]."""

MAX_DATA_BYTES: Final = 2_621_440
"""Of a transaction's data, the input and all outputs [ours]. process-data answers them as a text in JSON,
which makes them twice as long at most, and a function's answer has 6 MB [doc: "Lambda quotas", invocation
payload]."""

MAX_INPUT_LEVELS: Final = 100
"""Of objects and lists in each other in `processInput` [ours]. How deep Python reads and writes JSON differs
between its versions; no step shall fail for what the facade has taken."""

MAX_WRITE_ATTEMPTS: Final = 10
"""Of one step, each after somebody else has written meanwhile [ours]. Steps run one after the other, so
there are hardly ever two."""

RETRY_AFTER_SECONDS: Final = 2
"""What a caller is told to wait when AWS throttles or is out [ours]."""
