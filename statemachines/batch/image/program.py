"""A job of the batch workflow: prints its parameters as JSON. Replace it by your own program.

The state machine (`batch.asl.json`) passes the arguments, AWS Batch sets the environment variables. Exit code
0 is success; any other exit code fails the job and the execution.
"""

import argparse
import json
import os
import signal
import sys
from types import FrameType

STOPPED = 128 + signal.SIGTERM
"""The exit code of a program that was terminated."""


def main() -> None:
    signal.signal(signal.SIGTERM, stop)
    arguments = read_arguments(sys.argv[1:])
    log(
        "parameters",
        step=arguments.step,
        item=arguments.item,
        parameter=arguments.parameter,
        job_id=os.environ.get("AWS_BATCH_JOB_ID"),
        attempt=os.environ.get("AWS_BATCH_JOB_ATTEMPT"),
    )


def read_arguments(arguments: list[str]) -> argparse.Namespace:
    """Parse `--step=2 --item=0 --parameter=text`. Wrong arguments end the program with exit code 2."""
    parser = argparse.ArgumentParser(prog="program.py", allow_abbrev=False)
    parser.add_argument("--step", type=int, required=True, choices=(1, 2, 3))
    parser.add_argument("--item", type=int, help="index in the step's list, from 0")
    parser.add_argument("--parameter", required=True)
    return parser.parse_args(arguments)


def stop(_number: int, _frame: FrameType | None) -> None:
    """Handle SIGTERM: AWS Batch terminates the job in 30 seconds."""
    log("stopped")
    sys.exit(STOPPED)


def log(message: str, **fields: object) -> None:
    """Print a line of JSON and flush it: buffered output is lost if the container is stopped."""
    sys.stdout.write(json.dumps({"message": message, **fields}) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
