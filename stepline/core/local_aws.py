"""The address of a local AWS, and its health check."""

from __future__ import annotations

from typing import Final

HOST: Final = "127.0.0.1"
"""The loopback interface: other machines cannot reach a local AWS."""

DEFAULT_PORT: Final = 4566
DEFAULT_CONSOLE_PORT: Final = 4600
CONSOLE_URL_VARIABLE: Final = "STEPLINE_CONSOLE_URL"
"""The address of the console of a local AWS, with a `/` at its end, for its functions; not set on AWS."""

DEFAULT_REGION: Final = "us-east-1"
ACCOUNT_ID: Final = "000000000000"

GIT_PATH: Final = "/v1/repos/"
"""Repositories are below this path: `/v1/repos/<name>` or `/v1/repos/<owner>/<name>`."""

HEALTH_PATH: Final = "/_stepline/health"
"""Returns `{"status": "ready", "pid": …, "port": …, "region": …, "version": …}`;
a console returns `{"status": "ready", "pid": …}`."""
