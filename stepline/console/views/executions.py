"""The pages of one execution of a state machine: its graph, states and time line, and its events."""

from __future__ import annotations

from typing import Any, Final

from stepline.aws.execution_details import ExecutionDetails
from stepline.aws.execution_events import ShownEvent
from stepline.aws.state_visits import StateVisit
from stepline.aws.times import iso_time
from stepline.console.act_links import execution_acts
from stepline.console.execution_documents import (
    States,
    execution_document,
    execution_name,
    failed_visit,
    failure_document,
    graph_document,
    taken_document,
    visit_data_document,
    visit_document,
)
from stepline.console.executions import Executions, SharedReader
from stepline.console.pages import Console, Document, Page, PageNotFoundError, Query, Read
from stepline.console.timelines import Span
from stepline.core.errors import UsageError
from stepline.core.executions.arns import ExecutionArn

_VISITS: Final = 20
"""Visits of the selected state on a page [ours]."""

_EVENTS: Final = 200
"""Events on a page [ours]."""


def open_reader(console: Console, query: Query) -> SharedReader:
    """Return the reader of the execution that the address names.

    Raises PageNotFoundError if it names none, or an Express execution.
    """
    text = query.path["arn"]
    arn = ExecutionArn.parse(text)
    if arn is None:
        raise PageNotFoundError(f"{text!r} is not the ARN of an execution of a state machine")
    try:
        return console.keep(Executions).reader(arn)
    except UsageError as error:
        raise PageNotFoundError(error.message) from error


def read_details(reader: SharedReader) -> ExecutionDetails:
    """Raises PageNotFoundError if the execution does not exist."""
    try:
        return reader.read()
    except UsageError as error:
        raise PageNotFoundError(error.message) from error


def _open_execution(console: Console, query: Query) -> Read:
    return _ExecutionPage(console, query).read


class _ExecutionPage:
    """Reads the document of an execution; `?state=` selects a state, by default the one that failed."""

    def __init__(self, console: Console, query: Query) -> None:
        self._console = console
        self._reader = open_reader(console, query)
        self._state = query.arguments.get("state", "")
        self._from = query.number("from", 0)
        self._made_of: tuple[ExecutionDetails, Span] | None = None
        self._document: Document = {}
        self._data: tuple[StateVisit, Document] | None = None

    def read(self) -> Document:
        details = read_details(self._reader)
        span = Span.of(details.started, details.ended, self._console.now())
        if self._made_of is None or self._made_of[0] is not details or self._made_of[1] != span:
            self._document = self._create(details, span)
            self._made_of = details, span
        return self._document

    def _create(self, details: ExecutionDetails, span: Span) -> Document:
        states = States(details)
        return {
            "title": details.name,
            "isLive": details.status.is_open,
            "execution": execution_document(details, is_local=self._console.target.is_local),
            "acts": execution_acts(self._console, str(details.arn), details.status.value),
            "failure": failure_document(details),
            "graph": graph_document(details.graph),
            "taken": taken_document(details),
            "timeline": {"begin": iso_time(span.begin), "seconds": span.seconds},
            "states": states.documents(span),
            "selected": self._selected(details, states),
        }

    def _selected(self, details: ExecutionDetails, states: States) -> Document | None:
        failed = failed_visit(details)
        node_id = self._state or (states.node_of(failed) if failed else "")
        if not node_id:
            return None
        if not states.exists(node_id):
            raise PageNotFoundError(f"the execution {details.name} has no state {node_id}")
        visits = states.visits.get(node_id, [])
        chosen = failed if failed in visits else visits[-1] if visits else None
        node = (
            next((each for each in details.graph.nodes if each.id == node_id), None)
            if details.graph
            else None
        )
        newest = visits[::-1]
        return {
            **states.document(node_id),
            "comment": node.comment if node else None,
            "retryRules": list(node.retries) if node else [],
            "data": self._visit_data(chosen) if chosen else None,
            "latest": [visit_document(each) for each in newest[self._from : self._from + _VISITS]],
            "from": self._from,
            "older": self._from + _VISITS if self._from + _VISITS < len(visits) else None,
        }

    def _visit_data(self, visit: StateVisit) -> Document:
        """Read the data of a visit again only if it has changed."""
        if self._data is None or self._data[0] != visit:
            self._data = visit, visit_data_document(self._reader.read_state_data(visit.id))
        return self._data[1]


def _open_events(console: Console, query: Query) -> Read:
    reader = open_reader(console, query)
    offset = query.number("from", 0) // _EVENTS * _EVENTS

    def read() -> Document:
        details = read_details(reader)
        page = reader.read_events(offset, _EVENTS)
        return {
            "title": f"Events of {details.name}",
            # A full page does not change any more.
            "isLive": details.status.is_open and len(page.events) < _EVENTS,
            "execution": {**execution_name(details.arn), "status": details.status.value},
            "events": [_event(each) for each in page.events],
            "from": page.offset,
            "total": page.total,
            "pageSize": _EVENTS,
        }

    return read


def _event(event: ShownEvent) -> dict[str, Any]:
    return {
        "id": event.id,
        "previousId": event.previous_id,
        "type": event.type,
        "time": iso_time(event.time),
        "state": event.state,
        "visit": event.visit or None,
        "detail": event.detail,
    }


PAGES = (
    Page("/executions/{arn}", "execution.html", _open_execution),
    Page("/executions/{arn}/events", "execution_events.html", _open_events),
)
