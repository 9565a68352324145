"""`python -m tests.bad_input.measure archives/bomb …`: what it takes to answer these cases, as JSON.

A process of its own, because the memory of one that runs tests says nothing.
"""

from __future__ import annotations

import json
import resource
import sys
import time
import tracemalloc

from tests.bad_input import trigger_runs
from tests.bad_input.contents import CORPUS


def measure(name: str) -> dict[str, float]:
    """Memory is the most that the trigger held at once, in bytes; time is the processor's."""
    case = json.loads((CORPUS / f"{name}.json").read_text())
    world, event = trigger_runs.arrange(case["give"])
    tracemalloc.start()
    started = time.process_time()
    trigger_runs.tell(world, event)
    seconds = time.process_time() - started
    peak_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return {
        "peak_bytes": peak_bytes,
        "seconds": seconds,
        "requests": len(world.s3.requests),
        "read_bytes": world.s3.read_bytes,
    }


if __name__ == "__main__":
    measured = {name: measure(name) for name in sys.argv[1:]}
    process_bytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"cases": measured, "process_bytes": process_bytes}))  # noqa: T201
