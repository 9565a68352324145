"""Finds Chromium, as Debian's package `chromium` installs it, for the tests that need a browser."""

from __future__ import annotations

import os
import shutil

import pytest

REQUIRED = "STEPLINE_REQUIRE_BROWSER"
"""With this variable, tests fail instead of being skipped where there is no Chromium."""

_PROGRAMS = ("chromium", "chromium-browser", "google-chrome")


def find_chromium() -> str:
    """Return the program; skip the test if there is none."""
    for name in _PROGRAMS:
        if path := shutil.which(name):
            return path
    message = "Chromium is not installed: install Debian's package chromium"
    if os.environ.get(REQUIRED):
        pytest.fail(message)
    pytest.skip(message)


def sandbox_options() -> list[str]:
    """Return Chromium's options for this user: its sandbox does not work for root."""
    return ["--no-sandbox"] if os.geteuid() == 0 else []
