"""The members that the documents of executions have in common: facts, graph, states and visits."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from stepline.aws.execution_details import ExecutionDetails
from stepline.aws.state_data import Attempt, StateData
from stepline.aws.state_summaries import NodeIds, StateSummary
from stepline.aws.state_visits import IterationCounts, StateVisit
from stepline.aws.statuses import VisitStatus
from stepline.aws.times import iso_time
from stepline.aws.workflow_graph import Node, WorkflowGraph
from stepline.console.timelines import Span, marks
from stepline.core.executions.arns import ExecutionArn
from stepline.core.executions.failure import readable_cause
from stepline.core.trigger_keys import CODEPIPELINE

_STARTED_BY: Final = "AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID"
"""The member of the input that names the execution which started this one [Step Functions guide, "Start
workflow executions from a task state"]."""

_NOT_SUCCEEDED = frozenset(
    {VisitStatus.FAILED, VisitStatus.TIMED_OUT, VisitStatus.ABORTED, VisitStatus.CAUGHT}
)

Document = dict[str, Any]


def parse_data(text: str | None) -> Any:
    """Return the value of JSON text, or the text itself if it is none."""
    if text is None:
        return None
    try:
        return json.loads(text)
    except ValueError:
        return text


def execution_document(details: ExecutionDetails, *, is_local: bool) -> Document:
    data = parse_data(details.input)
    members = data if isinstance(data, dict) else {}
    link = details.arn.link
    return {
        **execution_name(details.arn),
        "stateMachineArn": details.machine_arn,
        "status": details.status.value,
        "started": iso_time(details.started),
        "ended": iso_time(details.ended),
        "seconds": _seconds(details.started, details.ended),
        "redrives": details.redrive_count,
        "events": details.events,
        "input": data,
        "output": parse_data(details.output),
        "error": details.error,
        "cause": details.cause,
        "pipeline": _pipeline(members.get(CODEPIPELINE)),
        "startedBy": _text(members.get(_STARTED_BY)),
        "stackName": _text(members.get("stackName")),
        "awsConsole": link if not is_local and link.startswith("https:") else None,
    }


def execution_name(arn: ExecutionArn) -> Document:
    return {"arn": str(arn), "name": arn.name, "stateMachine": arn.machine}


def _pipeline(job: Any) -> Document | None:
    """Return the pipeline whose action the execution runs for, as far as its input names it."""
    if not isinstance(job, dict) or not _text(job.get("pipelineExecutionId")):
        return None
    members = {
        "name": "pipelineName",
        "executionId": "pipelineExecutionId",
        "stage": "stage",
        "action": "action",
    }
    return {name: _text(job.get(member)) for name, member in members.items()}


def failure_document(details: ExecutionDetails) -> Document | None:
    failure = details.failure
    if failure is None:
        return None
    visit = failed_visit(details)
    return {
        "state": failure.state,
        "error": failure.error,
        "cause": failure.cause,
        "endedIn": failure.ended_in,
        "visit": visit.id if visit else None,
    }


def failed_visit(details: ExecutionDetails) -> StateVisit | None:
    """Return the visit that made the execution fail, if the history shows it."""
    name = details.failure.state if details.failure else None
    found = (each for each in reversed(details.visits) if each.name == name and each.status in _NOT_SUCCEEDED)
    return next(found, None)


def graph_document(graph: WorkflowGraph | None) -> Document | None:
    if graph is None:
        return None
    return {
        "start": graph.start,
        "nodes": [_node(node) for node in graph.nodes],
        "edges": [
            {"source": each.source, "target": each.target, "kind": each.kind.value, "label": each.label}
            for each in graph.edges
        ],
    }


def _node(node: Node) -> Document:
    return {
        "id": node.id,
        "name": node.name,
        "type": node.type,
        "comment": node.comment,
        "parent": node.parent,
        "branch": node.branch,
        "resource": node.resource,
        "retries": list(node.retries),
        "isDistributed": node.is_distributed,
        "isStart": node.is_start,
        "isEnd": node.is_end,
    }


def taken_document(details: ExecutionDetails) -> list[list[str]]:
    return [list(edge) for edge in sorted(details.taken)]


class States:
    """The states of an execution in the order of a table: each Map and Parallel before its inner states,
    states by the time when they were first entered, and then those that were not."""

    def __init__(self, details: ExecutionDetails) -> None:
        self._details = details
        self._nodes = {node.id: node for node in details.graph.nodes} if details.graph else {}
        self._ids = NodeIds(details.graph).of(details.visits)
        self.visits: dict[str, list[StateVisit]] = {}
        for visit in details.visits:
            self.visits.setdefault(self._ids[visit.id], []).append(visit)

    def node_of(self, visit: StateVisit) -> str:
        return self._ids[visit.id]

    def documents(self, span: Span) -> list[Document]:
        children: dict[str | None, list[str]] = {}
        for node_id in (*self.visits, *(each for each in self._nodes if each not in self.visits)):
            children.setdefault(self._parent(node_id), []).append(node_id)
        rows: list[Document] = []
        waiting = [(node_id, 0) for node_id in reversed(children.get(None, []))]
        while waiting:
            node_id, depth = waiting.pop()
            rows.append({**self.document(node_id), "depth": depth, "marks": self._marks(node_id, span)})
            waiting.extend((child, depth + 1) for child in reversed(children.get(node_id, [])))
        return rows

    def exists(self, node_id: str) -> bool:
        return node_id in self.visits or node_id in self._nodes

    def document(self, node_id: str) -> Document:
        node, visits = self._nodes.get(node_id), self.visits.get(node_id, [])
        summary = self._details.states.get(node_id)
        return {
            "id": node_id,
            "name": node.name if node else visits[0].name,
            "type": node.type if node else visits[0].type,
            "parent": self._parent(node_id),
            "isDistributed": node.is_distributed if node else False,
            **_summary(summary),
            "visit": visits[-1].id if visits else None,
        }

    def _parent(self, node_id: str) -> str | None:
        if node := self._nodes.get(node_id):
            return node.parent
        visits = self.visits.get(node_id)
        return self._ids.get(visits[0].container) if visits else None

    def _marks(self, node_id: str, span: Span) -> list[Document]:
        return marks(self.visits.get(node_id, []), span)


def _summary(summary: StateSummary | None) -> Document:
    """`seconds` are those of all visits that have ended; `since` is when the first of the others began."""
    return {
        "status": summary.status.value if summary else None,
        "visits": summary.visits if summary else 0,
        "retries": summary.retries if summary else 0,
        "iterations": iterations_document(summary.iterations if summary else None),
        "started": iso_time(summary.first_entered) if summary else None,
        "ended": iso_time(summary.last_exited) if summary and not summary.running_since else None,
        "seconds": round(summary.finished.total_seconds(), 3) if summary else None,
        "since": iso_time(min(summary.running_since)) if summary and summary.running_since else None,
    }


def iterations_document(counts: IterationCounts | None) -> Document | None:
    if counts is None:
        return None
    return {
        "total": counts.total,
        "pending": counts.pending,
        "running": counts.running,
        "succeeded": counts.succeeded,
        "failed": counts.failed,
        "aborted": counts.aborted,
    }


def visit_document(visit: StateVisit) -> Document:
    return {
        "id": visit.id,
        "name": visit.name,
        "type": visit.type,
        "status": visit.status.value,
        "item": visit.iteration,
        "started": iso_time(visit.entered),
        "ended": iso_time(visit.exited),
        "seconds": _seconds(visit.entered, visit.exited),
        "retries": visit.retries,
        "error": visit.error,
    }


def visit_data_document(data: StateData) -> Document:
    """Describe a visit with its input, output and attempts."""
    visit = data.visit
    return {
        **visit_document(visit),
        "message": readable_cause(visit.cause) if visit.cause else None,
        "cause": parse_data(visit.cause),
        "input": parse_data(data.input),
        "parameters": parse_data(data.parameters),
        "output": parse_data(data.output),
        "attempts": [_attempt(each) for each in data.attempts],
        "resource": visit.resource,
        "function": data.function,
        "child": data.child,
        "mapRun": visit.map_run,
        "iterations": iterations_document(visit.iterations),
    }


def _attempt(attempt: Attempt) -> Document:
    return {
        "started": iso_time(attempt.started),
        "ended": iso_time(attempt.ended),
        "seconds": _seconds(attempt.started, attempt.ended),
        "error": attempt.error,
        "message": readable_cause(attempt.cause) if attempt.cause else None,
        "cause": parse_data(attempt.cause),
    }


def neighbours(visits: Sequence[StateVisit], visit: StateVisit) -> Document:
    """Return the ids of the visits of the same state before and after `visit`; there may be many."""
    ids = [each.id for each in visits]
    index = ids.index(visit.id)
    return {
        "previousVisit": ids[index - 1] if index else None,
        "nextVisit": ids[index + 1] if index + 1 < len(ids) else None,
        "number": index + 1,
        "visits": len(ids),
    }


def _seconds(begin: Any, end: Any) -> float | None:
    return round((end - begin).total_seconds(), 3) if end else None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def graph_state(document: Mapping[str, Any], tone: Any, label: Any) -> Document:
    """Return what the script of the graph shows: texts and colours of states, and the transitions taken.

    The markers of start and end have the id "". A state that has none here was not entered.
    """
    states: Iterable[Mapping[str, Any]] = document["states"]
    nodes = {node["id"]: node for node in document["graph"]["nodes"]}
    taken = list(document["taken"])
    texts = {}
    for state in states:
        node = nodes.get(state["id"])
        if node is None or not state["status"]:
            continue
        texts[state["id"]] = {
            "tone": tone(state["status"]),
            "label": label(state["status"]),
            "notes": _notes(state),
            "isCaught": state["status"] == VisitStatus.CAUGHT.value,
        }
        if node["parent"] is None and node["isStart"]:
            taken.append(["", state["id"]])
        if node["parent"] is None and node["isEnd"] and state["status"] == VisitStatus.SUCCEEDED.value:
            taken.append([state["id"], ""])
    return {"selected": (document["selected"] or {}).get("id"), "states": texts, "taken": taken}


def _notes(state: Mapping[str, Any]) -> list[str]:
    notes = []
    if counts := state["iterations"]:
        notes.append(f"{counts['succeeded']} of {counts['total']}")
        if counts["failed"]:
            notes.append(f"{counts['failed']} failed")
    elif state["visits"] > 1:
        notes.append(f"visited {state['visits']}×")  # noqa: RUF001
    if state["retries"]:
        notes.append(f"retried {state['retries']}×")  # noqa: RUF001
    return notes
