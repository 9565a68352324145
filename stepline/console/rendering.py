"""Renders documents as HTML: everything that comes from AWS is escaped as text."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from stepline.aws.local_console import segment
from stepline.aws.statuses import Status
from stepline.aws.summaries import first_line, summary_line
from stepline.console.execution_documents import graph_state
from stepline.console.json_trees import json_tree
from stepline.console.pages import Console, Document
from stepline.core.durations import format_duration

_SHORT_ID = 8
_TONES = {
    "good": {"succeeded", "approved"},
    "bad": {"failed", "timedout", "timed_out", "aborted"},
    "busy": {"inprogress", "running", "stopping", "pending_redrive"},
    "warn": {"stopped", "superseded", "cancelled", "abandoned", "caught"},
}
"""The colour of each status, of CodePipeline, Step Functions and CloudFormation, in lower case."""
_LABELS = {
    "TIMED_OUT": "timed out",
    "TimedOut": "timed out",
    "PENDING_REDRIVE": "pending redrive",
    "Caught": "failed and caught",
    "Aborted": "aborted",
    "Running": "running",
}


class Renderer:
    """Renders templates of the folder `templates`."""

    def __init__(self, console: Console) -> None:
        self._environment = Environment(
            loader=PackageLoader("stepline.console"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters.update(FILTERS)
        self._environment.globals.update(console=console, target=str(console.target))

    def page(self, template: str, document: Document, **values: Any) -> str:
        """Render a whole page: `address` is its own, `version` that of the document."""
        return self._environment.get_template(template).render(
            document=document, layout="page.html", **values
        )

    def content(self, template: str, document: Document, **values: Any) -> str:
        """Render what replaces the content of an open page."""
        return self._render(template, document, layout="content.html", **values)

    def _render(self, template: str, document: Document, **values: Any) -> str:
        return self._environment.get_template(template).render(document=document, **values)


def tone(status: str) -> str:
    """Return the colour of a status: good, bad, busy, warn or quiet."""
    name = status.lower().replace(" ", "")
    for found, statuses in _TONES.items():
        if name in statuses:
            return found
    if name.endswith("_failed") or "rollback" in name:
        return "bad"
    if name.endswith("_in_progress"):
        return "busy"
    return "good" if name.endswith("_complete") else "quiet"


def label(status: str) -> str:
    """Return a status as people write it: `in progress`, `timed out`."""
    found = Status(status) if status in {each.value for each in Status} else None
    if found is not None:
        return found.label
    return _LABELS.get(status, status.lower() if status.isupper() and "_" not in status else status)


def clock(moment: str | None) -> str:
    """Format an ISO time as `2026-01-31 14:03:59` in the time zone of this machine."""
    if not moment:
        return ""
    return datetime.fromisoformat(moment).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def pretty(value: Any) -> str:
    """Format JSON for people; a string is returned as it is."""
    return value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)


FILTERS: dict[str, Callable[..., Any]] = {
    "clock": clock,
    "duration": lambda seconds: format_duration(float(seconds)),
    "first_line": first_line,
    "graph_state": lambda document: graph_state(document, tone, label),
    "json_tree": json_tree,
    "label": label,
    "pretty": pretty,
    "segment": segment,
    "short": lambda text: (text or "")[:_SHORT_ID],
    "summary_line": summary_line,
    "tone": tone,
}
