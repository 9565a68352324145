"""`stepline reject`, which is in the module of `stepline approve`."""

from __future__ import annotations

from stepline.cli.commands.approve import reject as command

__all__ = ["command"]
