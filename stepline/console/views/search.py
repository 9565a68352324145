"""The page that searches executions."""

from __future__ import annotations

from typing import Any, Final

from stepline.aws.execution_search import (
    MAX_ACTIONS,
    MAX_EXECUTIONS,
    MAX_MACHINE_EXECUTIONS,
    ExecutionIndex,
    Found,
    FoundPipelineExecution,
)
from stepline.aws.redaction import redact_text
from stepline.aws.revisions import commit_message
from stepline.aws.search_terms import parse_query
from stepline.console.addresses import execution_address, pipeline_execution_address
from stepline.console.pages import Console, Document, Page, Query, Read
from stepline.console.pipeline_documents import Period

_MAX_RESULTS: Final = 100
_MAX_QUERY_CHARACTERS: Final = 500


def _open(console: Console, query: Query) -> Read:
    text = query.arguments.get("q", "").strip()[:_MAX_QUERY_CHARACTERS]
    return lambda: _read(console, text)


def _read(console: Console, text: str) -> Document:
    terms = parse_query(text)
    document: Document = {
        "title": f"Search: {text}" if text else "Search",
        "isLive": False,
        "query": text,
        "bounds": {
            "executionsPerPipeline": MAX_EXECUTIONS,
            "actionsPerPipeline": MAX_ACTIONS,
            "executionsPerStateMachine": MAX_MACHINE_EXECUTIONS,
        },
        "hasSearched": bool(terms),
        "pipelines": 0,
        "executions": 0,
        "unreadPipelines": [],
        "failures": [],
        "total": 0,
        "results": [],
    }
    if not terms:
        return document
    result = console.keep(ExecutionIndex).search(terms)
    return document | {
        "pipelines": result.pipelines,
        "executions": result.executions,
        "unreadPipelines": list(result.unread),
        "failures": list(result.failures),
        "total": len(result.found),
        "results": [_result(each) for each in result.found[:_MAX_RESULTS]],
    }


def _result(found: Found) -> dict[str, Any]:
    matches = [
        {"what": each.what, "where": each.where or None, "text": each.excerpt} for each in found.matches
    ]
    if not isinstance(found, FoundPipelineExecution):
        execution = found.execution
        return {
            "kind": "state machine execution",
            "name": execution.name,
            "of": found.machine,
            "address": execution_address(execution.arn),
            "status": execution.status,
            **Period(execution.started, execution.ended).members(),
            "revisions": [],
            "matches": matches,
            "workflows": [],
        }
    summary = found.execution
    return {
        "kind": "pipeline execution",
        "name": summary.id,
        "of": found.pipeline,
        "address": pipeline_execution_address(found.pipeline, summary.id),
        "status": summary.status.value,
        **Period(
            summary.start_time, summary.last_update_time if summary.status.has_ended else None
        ).members(),
        "revisions": [
            {
                "action": each.action_name,
                "revisionId": each.revision_id,
                "summary": redact_text(commit_message(each.summary) or ""),
                "author": None,
            }
            for each in summary.source_revisions
        ],
        "matches": matches,
        "workflows": [
            {"name": each.name, "of": each.machine, "address": execution_address(str(each))}
            for each in found.workflows
        ],
    }


PAGES = (Page("/search", "search.html", _open),)
