"""The process's numbers, with their unit and their source; [doc] is AWS's documentation, [ours] a choice."""

from __future__ import annotations

from typing import Final

MAX_INPUT_BYTES: Final = 1_048_576
"""Of a request's body, and of its `processInput` as it is stored [ours]. Answered again as a text in the JSON
of a Lambda function's answer it is twice as long at most, and the steps' outputs are small: that stays below
the 6 MB of an answer [doc: "Lambda quotas", invocation payload]."""

MAX_INPUT_LEVELS: Final = 100
"""Of objects and lists in each other in `processInput` [ours]. How deep Python reads and writes JSON differs
between its versions; no step shall fail for what the facade has taken."""

MAX_WRITE_ATTEMPTS: Final = 10
"""Of one step, each after somebody else has written meanwhile [ours]. Steps run one after the other, so
there are hardly ever two."""

RETRY_AFTER_SECONDS: Final = 2
"""What a caller is told to wait when AWS throttles or is out [ours]."""
