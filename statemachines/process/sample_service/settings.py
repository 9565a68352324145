"""The settings of the service, from its environment."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from statemachines.process.sample_service.errors import SettingsError

PROCESS_URL: Final = "PROCESS_URL"
PROCESS_API_KEY: Final = "PROCESS_API_KEY"

USAGE_PLAN_REQUESTS_PER_SECOND: Final = 5.0
"""Rate of the usage plan in statemachines/process/template.yaml."""
USAGE_PLAN_BURST: Final = 10
"""Burst of the usage plan in statemachines/process/template.yaml."""
_BUNCHING: Final = 2
"""Requests of the burst that are left unused [ours]: requests that left evenly can arrive together."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """`from_environment` says which variable sets which."""

    process_url: str
    """Base address of the process's REST API, without a slash at its end."""
    api_key: str = field(repr=False)
    timeout_seconds: float = 600.0
    """A caller waits this long; then it is answered 504."""
    poll_seconds: float = 2.0
    """Between two looks at one process, at least; when many wait, it is their turn that decides."""
    requests_per_second: float = USAGE_PLAN_REQUESTS_PER_SECOND
    """To the API, by all callers together."""
    burst: int = USAGE_PLAN_BURST - _BUNCHING
    max_waiting: int = 500
    """Callers that wait at once; one more is answered 503."""


@dataclass(frozen=True)
class _Number:
    """A variable that holds a number within limits, both included."""

    variable: str
    low: float
    high: float

    def read(self, environment: Mapping[str, str], default: float) -> float:
        text = environment.get(self.variable, "").strip()
        if not text:
            return default
        try:
            number = float(text)
        except ValueError:
            number = math.nan
        if not self.low <= number <= self.high:
            raise SettingsError(f"{self.variable} must be a number from {self.low:g} to {self.high:g}")
        return number

    def read_whole(self, environment: Mapping[str, str], default: int) -> int:
        number = self.read(environment, default)
        if number != int(number):
            raise SettingsError(f"{self.variable} must be a whole number")
        return int(number)


TIMEOUT_SECONDS: Final = _Number("TIMEOUT_SECONDS", 1, 86_400)
POLL_SECONDS: Final = _Number("POLL_SECONDS", 0.1, 3_600)
REQUESTS_PER_SECOND: Final = _Number("REQUESTS_PER_SECOND", 0.01, 10_000)
BURST: Final = _Number("BURST", 1, 10_000)
MAX_WAITING: Final = _Number("MAX_WAITING", 1, 100_000)

VARIABLES: Final = (
    PROCESS_URL,
    PROCESS_API_KEY,
    *(number.variable for number in (TIMEOUT_SECONDS, POLL_SECONDS, REQUESTS_PER_SECOND, BURST, MAX_WAITING)),
)
"""Every variable that the service reads; a test compares them with docs/sample-service.md."""


def from_environment(environment: Mapping[str, str]) -> Settings:
    """Raises SettingsError, which names the variable."""
    url = _required(environment, PROCESS_URL).rstrip("/")
    address = urlsplit(url)
    if address.scheme not in {"http", "https"} or not address.hostname or address.query or address.fragment:
        raise SettingsError(f"{PROCESS_URL} must be the address of the API's stage: https://…/<stage>")
    key = _required(environment, PROCESS_API_KEY)
    if not (key.isascii() and key.isprintable()):
        raise SettingsError(f"{PROCESS_API_KEY} holds characters that no API key has")
    return Settings(
        process_url=url,
        api_key=key,
        timeout_seconds=TIMEOUT_SECONDS.read(environment, Settings.timeout_seconds),
        poll_seconds=POLL_SECONDS.read(environment, Settings.poll_seconds),
        requests_per_second=REQUESTS_PER_SECOND.read(environment, Settings.requests_per_second),
        burst=BURST.read_whole(environment, Settings.burst),
        max_waiting=MAX_WAITING.read_whole(environment, Settings.max_waiting),
    )


def _required(environment: Mapping[str, str], variable: str) -> str:
    value = environment.get(variable, "").strip()
    if not value:
        raise SettingsError(
            f"{variable} is not set: set {PROCESS_URL} and {PROCESS_API_KEY}, "
            "or name the stack of the process with --stack"
        )
    return value
