"""Reads the settings of the service from environment variables."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from stepline.core.errors import SettingsError

PROCESS_URL: Final = "PROCESS_URL"
PROCESS_API_KEY: Final = "PROCESS_API_KEY"

USAGE_PLAN_REQUESTS_PER_SECOND: Final = 5.0
"""Rate of the usage plan in statemachines/process/template.yaml."""
USAGE_PLAN_BURST: Final = 10
"""Burst of the usage plan in statemachines/process/template.yaml."""
_BUNCHING: Final = 2
"""Unused requests of the burst [ours]: evenly sent requests can arrive together."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Each is set by the environment variable of the same name, in capitals."""

    process_url: str
    """Base URL of the process's REST API, without a final slash."""
    api_key: str = field(repr=False)
    timeout_seconds: float = 600.0
    """After this time a caller gets a 504."""
    poll_seconds: float = 2.0
    """Minimum time between two polls of a process; with many callers, the quota makes it longer."""
    requests_per_second: float = USAGE_PLAN_REQUESTS_PER_SECOND
    """For all callers together."""
    burst: int = USAGE_PLAN_BURST - _BUNCHING
    max_waiting: int = 500
    """Maximum number of waiting callers; others get a 503."""


_LIMITS: Final[Mapping[str, tuple[float, float]]] = {
    "timeout_seconds": (1, 86_400),
    "poll_seconds": (0.1, 3_600),
    "requests_per_second": (0.01, 10_000),
    "burst": (1, 10_000),
    "max_waiting": (1, 100_000),
}
"""The minimum and maximum of each number."""

VARIABLES: Final = (PROCESS_URL, PROCESS_API_KEY, *map(str.upper, _LIMITS))
"""All environment variables of the service; a test compares them with docs/sample-service.md."""


def from_environment(environment: Mapping[str, str]) -> Settings:
    """Read the settings. Raises SettingsError, which names the variable."""
    url = _required(environment, PROCESS_URL).rstrip("/")
    address = urlsplit(url)
    if address.scheme not in {"http", "https"} or not address.hostname or address.query or address.fragment:
        raise SettingsError(f"{PROCESS_URL} must be the URL of the API's stage: https://…/<stage>")
    key = _required(environment, PROCESS_API_KEY)
    if not (key.isascii() and key.isprintable()):
        raise SettingsError(f"{PROCESS_API_KEY} has characters that are not allowed in an API key")
    numbers: Any = {name: _number(environment, name) for name in _LIMITS}
    return Settings(process_url=url, api_key=key, **numbers)


def _number(environment: Mapping[str, str], name: str) -> float:
    """Return the number in the variable, or the default. It must be whole if the default is."""
    default: float = getattr(Settings, name)
    variable, (low, high) = name.upper(), _LIMITS[name]
    text = environment.get(variable, "").strip()
    try:
        number = float(text) if text else default
    except ValueError:
        number = math.nan
    if not low <= number <= high:
        raise SettingsError(f"{variable} must be a number from {low:g} to {high:g}")
    if isinstance(default, int) and number != int(number):
        raise SettingsError(f"{variable} must be a whole number")
    return type(default)(number)


def _required(environment: Mapping[str, str], variable: str) -> str:
    value = environment.get(variable, "").strip()
    if not value:
        raise SettingsError(
            f"{variable} is not set: set {PROCESS_URL} and {PROCESS_API_KEY}, "
            "or name the stack of the process with --stack"
        )
    return value
