"""`python -m tests.bad_input.measure archives/bomb …`: print memory and time of these cases as JSON.

It is a process of its own, because other tests would use memory, too.
"""

from __future__ import annotations

import json
import resource
import sys
import time
import tracemalloc

from tests.bad_input import trigger_runner
from tests.bad_input.contents import CORPUS
from tests.cases import read_cases


def measure(name: str) -> dict[str, float]:
    """Return the most bytes that the trigger held at once, its processor time, and what it read from S3."""
    group, case = name.split("/")
    world, event = trigger_runner.arrange(read_cases(CORPUS / f"{group}.json")[case]["given"])
    tracemalloc.start()
    started = time.process_time()
    trigger_runner.send(world, event)
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
