"""Counts the words of a text that is posted."""

import json
from typing import Any


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    return {"statusCode": 200, "body": json.dumps({"words": count(event.get("body") or "")})}


def count(text: str) -> int:
    return len(text.split())
