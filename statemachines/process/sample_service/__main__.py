"""`python -m statemachines.process.sample_service`: serves until Ctrl-C."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Mapping, Sequence

from statemachines.process.sample_service.settings import Settings, from_environment
from stepline.core.errors import SettingsError

DEFAULT_PORT = 8080


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve, and return the exit code: 0 after Ctrl-C or SIGTERM, 1 if it cannot start.

    It is 2 for a wrong command line, and 130 after a second Ctrl-C, which ends the service at once.
    """
    options = _parser().parse_args(arguments)
    try:
        settings = _settings(os.environ, options.stack)
        _serve(settings, options.host, options.port)
    except SettingsError as error:
        print(f"sample_service: {error}", file=sys.stderr)  # noqa: T201
        return 1
    return 0


def _settings(environment: Mapping[str, str], stack_name: str | None) -> Settings:
    if stack_name is None:
        return from_environment(environment)
    from statemachines.process.sample_service import stack  # noqa: PLC0415 - loads boto3

    endpoint_url = environment.get("AWS_ENDPOINT_URL") or None
    return from_environment({**environment, **stack.read_settings(stack_name, endpoint_url=endpoint_url)})


def _serve(settings: Settings, host: str, port: int) -> None:
    from statemachines.process.sample_service import serving  # noqa: PLC0415 - takes time, and the settings may be wrong

    listening = serving.listen(host, port)
    print(f"Serving on http://{host}:{port} for {settings.process_url}", flush=True)  # noqa: T201
    asyncio.run(serving.run(settings, listening))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m statemachines.process.sample_service",
        description="A web service that embeds the process: POST /p1 starts it and returns its result.",
        epilog="docs/sample-service.md lists the settings in environment variables.",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=_port, default=DEFAULT_PORT, help="default: %(default)s")
    parser.add_argument(
        "--stack",
        metavar="NAME",
        help="read PROCESS_URL and PROCESS_API_KEY from this stack of the process instead of the environment",
    )
    return parser


def _port(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError("must be a number from 1 to 65535")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
