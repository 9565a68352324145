"""The page of one visit of a state: its data, attempts, and what its Lambda function has logged."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from stepline.aws.error_messages import explain
from stepline.aws.invocation_logs import LogLines, read_log_lines
from stepline.aws.log_events import function_log_group
from stepline.aws.state_data import StateData
from stepline.aws.state_visits import StateVisit
from stepline.aws.times import iso_time
from stepline.console.execution_documents import (
    States,
    execution_name,
    neighbours,
    visit_data_document,
    visit_document,
)
from stepline.console.pages import Console, Document, Page, PageNotFoundError, Query, Read
from stepline.console.views.executions import open_reader, read_details
from stepline.core.aws_errors import AWS_FAILURES

_LOGS_ARE_COMPLETE_AFTER: Final = timedelta(seconds=20)
"""CloudWatch Logs shows a line some seconds after it was written [ours]."""


def _open(console: Console, query: Query) -> Read:
    return _VisitPage(console, query).read


class _VisitPage:
    def __init__(self, console: Console, query: Query) -> None:
        self._console = console
        self._reader = open_reader(console, query)
        self._id = query.path["visit"]
        self._data: tuple[StateVisit, StateData] | None = None
        self._log: LogLines | None = None
        self._log_is_complete = False

    def read(self) -> Document:
        details = read_details(self._reader)
        visit = next((each for each in details.visits if str(each.id) == self._id), None)
        if visit is None:
            raise PageNotFoundError(
                f"the execution {details.name} has entered no state with the event {self._id}"
            )
        states = States(details)
        node_id = states.node_of(visit)
        data = self._read_data(visit)
        self._read_log(visit, data)
        container = next((each for each in details.visits if each.id == visit.container), None)
        return {
            "title": visit.name,
            "isLive": not (visit.exited and self._log_is_complete),
            "execution": {**execution_name(details.arn), "status": details.status.value},
            "state": node_id,
            "visit": {
                **visit_data_document(data),
                **neighbours(states.visits[node_id], visit),
                "enteredFrom": visit.previous or None,
                "container": visit_document(container) if container else None,
            },
            "log": _log(self._log) if self._log else None,
        }

    def _read_data(self, visit: StateVisit) -> StateData:
        if self._data is None or self._data[0] != visit:
            self._data = visit, self._reader.read_state_data(visit.id)
        return self._data[1]

    def _read_log(self, visit: StateVisit, data: StateData) -> None:
        if self._log_is_complete:
            return
        if data.function is not None:
            self._log = self._lines(data.function, visit, data)
        self._log_is_complete = data.function is None or self._is_old(visit.exited)

    def _lines(self, function: str, visit: StateVisit, data: StateData) -> LogLines:
        """Return the lines, or why there are none: the rest of the page does not need them."""
        try:
            return read_log_lines(
                self._console.target, function, visit.entered, visit.exited, request_ids=data.request_ids
            )
        except AWS_FAILURES as error:
            return LogLines(function_log_group(function), reason=explain(error))

    def _is_old(self, exited: datetime | None) -> bool:
        return exited is not None and self._console.now() - exited > _LOGS_ARE_COMPLETE_AFTER


def _log(log: LogLines) -> dict[str, Any]:
    return {
        "group": log.group,
        "lines": [{"time": iso_time(each.time), "message": each.message} for each in log.lines],
        "reason": log.reason,
        "isCut": log.is_cut,
        "isExact": log.is_exact,
    }


PAGES = (Page("/executions/{arn}/states/{visit}", "execution_state.html", _open),)
