"""Says hello."""

from __future__ import annotations

from typing import Any


def handler(event: dict[str, Any], _context: object) -> dict[str, str]:
    return {"greeting": f"Hello {event.get('name', 'world')}"}
