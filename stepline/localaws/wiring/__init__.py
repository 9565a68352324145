"""Builds the services of the local AWS and connects them with the emulators.

Must be imported only after ministack is loaded, whose modules read the environment when they are imported.
"""

from __future__ import annotations

import contextlib

from stepline.localaws.emulators.ministack.enforcement import start_enforcement
from stepline.localaws.wiring.connections import connect
from stepline.localaws.wiring.platform import Platform, ServerSettings
from stepline.localaws.wiring.services import Services, build_services

__all__ = ["Platform", "ServerSettings", "Services", "start"]


def start(settings: ServerSettings, stack: contextlib.ExitStack) -> tuple[Platform, Services]:
    """Start all services behind ministack's port; closing `stack` stops them, the last one first."""
    enforcement, roles = start_enforcement(account_id=settings.account_id)
    platform = Platform(settings, enforcement, roles)
    services = build_services(platform, stack)
    connect(services, platform, stack)
    return platform, services
