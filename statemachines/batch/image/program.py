"""A job of the batch workflow: prints its parameters, one JSON object per line.

Put your own work in its place. Arguments come from the state machine (`batch.asl.json`), the variables from
AWS Batch. Exit code 0 is success; anything else fails the job, and the execution.
"""

import argparse
import json
import os
import signal
import sys
from types import FrameType

STOPPED = 128 + signal.SIGTERM
"""The exit code of a program that was asked to end."""


def main() -> None:
    signal.signal(signal.SIGTERM, stop)
    arguments = read_arguments(sys.argv[1:])
    say(
        "parameters",
        step=arguments.step,
        item=arguments.item,
        parameter=arguments.parameter,
        job_id=os.environ.get("AWS_BATCH_JOB_ID"),
        attempt=os.environ.get("AWS_BATCH_JOB_ATTEMPT"),
    )


def read_arguments(words: list[str]) -> argparse.Namespace:
    """`--step=2 --item=0 --parameter=text`; what is wrong with them is printed, and the exit code is 2."""
    parser = argparse.ArgumentParser(prog="program.py", allow_abbrev=False)
    parser.add_argument("--step", type=int, required=True, choices=(1, 2, 3))
    parser.add_argument("--item", type=int, help="number in the step's list, from 0")
    parser.add_argument("--parameter", required=True)
    return parser.parse_args(words)


def stop(_number: int, _frame: FrameType | None) -> None:
    """AWS Batch terminates the job: 30 seconds remain."""
    say("stopped")
    sys.exit(STOPPED)


def say(message: str, **fields: object) -> None:
    """At once: what is still in a buffer when a container ends is lost."""
    sys.stdout.write(json.dumps({"message": message, **fields}) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
