"""Searches the executions of all pipelines, and of the state machines behind their actions.

The index is kept in memory, without secrets. It is filled from ListPipelineExecutions and
ListActionExecutions, a hundred at a time: the errors of actions begin with the state that failed and its
error, so no history is read. Later searches read only what is new. A search sends a limited number of
requests: pipelines that are left are read by the next one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import Lock
from time import monotonic
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from stepline.aws.error_messages import explain
from stepline.aws.execution_history import parse_standard_execution
from stepline.aws.machine_executions import MachineExecution, list_machine_executions
from stepline.aws.pipeline_pages import MAX_PAGE_SIZE, ActionRecord, list_actions, list_executions
from stepline.aws.pipelines import ExecutionSummary, list_pipeline_names
from stepline.aws.redaction import redact_text
from stepline.aws.revisions import commit_message
from stepline.aws.search_terms import Compare, Match, SearchedText, Term, match_all
from stepline.aws.statuses import Status
from stepline.aws.summaries import error_line
from stepline.core.executions.arns import ExecutionArn, MachineArn

if TYPE_CHECKING:
    from stepline.aws.target import Target

MAX_EXECUTIONS: Final = 500
"""Executions of each pipeline that are searched, the newest [ours]."""

MAX_ACTIONS: Final = 1_000
"""Attempts of actions of each pipeline that are searched, the newest [ours]."""

MAX_MACHINE_EXECUTIONS: Final = 50
"""Executions of each state machine that are searched besides, the newest [ours]: one page."""

_MAX_PAGES: Final = 100
"""Of one search [ours]; a pipeline that was begun is read to its end."""

_FRESH_SECONDS: Final = 10.0
"""For so long nothing is read again [ours]."""

_RUNNING: Final = "RUNNING"


@dataclass(frozen=True)
class FoundPipelineExecution:
    """`workflows` are the executions of state machines that it ran."""

    pipeline: str
    execution: ExecutionSummary
    matches: tuple[Match, ...]
    workflows: tuple[ExecutionArn, ...]


@dataclass(frozen=True)
class FoundExecution:
    """An execution of a state machine that no pipeline has started."""

    execution: MachineExecution
    machine: str
    matches: tuple[Match, ...]


Found = FoundPipelineExecution | FoundExecution


@dataclass(frozen=True)
class SearchResult:
    """`found` is the newest first. `unread` are the pipelines that the next search reads, `failures` says
    which could not be read, and why.
    """

    found: tuple[Found, ...]
    pipelines: int
    executions: int
    unread: tuple[str, ...]
    failures: tuple[str, ...]


class _Item(Protocol):
    @property
    def id(self) -> str: ...

    @property
    def status(self) -> Status: ...


_AnyItem = TypeVar("_AnyItem", bound=_Item)
_List = Callable[[str], tuple[Sequence[_AnyItem], str]]
"""Returns a page from a token, and the next token."""


@dataclass
class _Pipeline:
    """`entries` are made of the others: hiding secrets takes longer than the search itself.

    `has_actions`: the actions of all executions that have ended were read.
    """

    executions: dict[str, ExecutionSummary] = field(default_factory=dict)
    actions: dict[str, ActionRecord] = field(default_factory=dict)
    entries: list[_Entry] = field(default_factory=list)
    has_actions: bool = False


@dataclass(frozen=True)
class _Entry:
    """An execution with its attempts of actions, and what is searched of it."""

    execution: ExecutionSummary
    actions: tuple[ActionRecord, ...]
    texts: tuple[SearchedText, ...]

    @property
    def workflows(self) -> tuple[ExecutionArn, ...]:
        """The executions of state machines that it ran."""
        arns = (parse_standard_execution(each.external_execution_id) for each in self.actions)
        return tuple(dict.fromkeys(arn for arn in arns if arn))


class ExecutionIndex:
    """What is searched. It may be used by several threads."""

    def __init__(self, target: Target, clock: Callable[[], float] = monotonic) -> None:
        self._target = target
        self._clock = clock
        self._lock = Lock()
        self._pipelines: dict[str, _Pipeline] = {}
        self._machines: dict[str, tuple[MachineExecution, ...]] = {}
        self._read_at: dict[str, float] = {}
        self._failures: dict[str, str] = {}

    def search(self, terms: Sequence[Term]) -> SearchResult:
        """Read what is new, and return what matches all terms. Raises botocore's errors of ListPipelines."""
        with self._lock:
            names, unread = self._refresh()
            found = sorted(self._find(terms), key=_started, reverse=True)
            return SearchResult(
                tuple(found),
                len(names) - len(unread),
                sum(len(self._pipelines[name].executions) for name in names if name in self._pipelines),
                tuple(unread),
                tuple(self._failures.values()),
            )

    # --- reading ----------------------------------------------------------------------------------

    def _refresh(self) -> tuple[list[str], list[str]]:
        """Return all pipelines, and those that were never read. The one that was read first is read next."""
        names = list_pipeline_names(self._target.client("codepipeline"))
        for gone in self._pipelines.keys() - set(names):
            del self._pipelines[gone]
            self._failures.pop(gone, None)
        pages = 0
        for name in sorted(names, key=lambda name: self._read_at.get(name, float("-inf"))):
            if pages >= _MAX_PAGES:
                break
            if self._clock() - self._read_at.get(name, float("-inf")) >= _FRESH_SECONDS:
                pages += self._try(name, self._read_pipeline)
        for arn in sorted(self._machine_arns()):
            if pages >= _MAX_PAGES:
                break
            if self._clock() - self._read_at.get(arn, float("-inf")) >= _FRESH_SECONDS:
                pages += self._try(arn, self._read_machine)
        return names, [name for name in names if name not in self._read_at]

    def _try(self, name: str, read: Callable[[str], int]) -> int:
        """Return how many pages were read. What may not be read is left out."""
        self._failures.pop(name, None)
        try:
            pages = read(name)
        except (ClientError, BotoCoreError) as error:
            self._failures[name] = f"{name}: {redact_text(explain(error))}"
            pages = 1
        self._read_at[name] = self._clock()
        return pages

    def _read_pipeline(self, name: str) -> int:
        codepipeline = self._target.client("codepipeline")
        known = self._pipelines.setdefault(name, _Pipeline())

        def executions(token: str) -> tuple[Sequence[ExecutionSummary], str]:
            page = list_executions(codepipeline, name, size=MAX_PAGE_SIZE, token=token)
            return page.executions, page.next_token

        def actions(token: str) -> tuple[Sequence[ActionRecord], str]:
            page = list_actions(codepipeline, name, token=token)
            return page.actions, page.next_token

        before = dict(known.executions)
        pages = _read_new(executions, known.executions, MAX_EXECUTIONS)
        is_running = any(each.status.is_running for each in known.executions.values())
        if known.has_actions and not is_running and known.executions == before:
            return pages
        known.has_actions = False
        try:
            pages += _read_new(actions, known.actions, MAX_ACTIONS)
            known.has_actions = True
        finally:
            known.entries = list(_entries(name, known))
        return pages

    def _read_machine(self, arn: str) -> int:
        page = list_machine_executions(self._target.client("stepfunctions"), arn)
        self._machines[arn] = page.executions[:MAX_MACHINE_EXECUTIONS]
        return 1

    def _machine_arns(self) -> set[str]:
        """Return the state machines of this region behind the actions."""
        region = self._target.region
        return {
            _machine(each) for each in self._workflows() if self._target.is_local or each.region == region
        }

    def _workflows(self) -> set[ExecutionArn]:
        entries = (entry for pipeline in self._pipelines.values() for entry in pipeline.entries)
        return {workflow for entry in entries for workflow in entry.workflows}

    # --- searching --------------------------------------------------------------------------------

    def _find(self, terms: Sequence[Term]) -> Iterator[Found]:
        for name, pipeline in self._pipelines.items():
            for entry in pipeline.entries:
                matches = match_all(terms, entry.texts)
                if matches is not None:
                    yield FoundPipelineExecution(name, entry.execution, tuple(matches), entry.workflows)
        started_by_pipelines = {str(each) for each in self._workflows()}
        for arn, executions in self._machines.items():
            for each in executions:
                matches = match_all(terms, _texts_of_execution(each))
                if matches is not None and each.arn not in started_by_pipelines:
                    yield FoundExecution(each, arn.rpartition(":")[2], tuple(matches))


def _read_new(list_page: _List[_AnyItem], known: dict[str, _AnyItem], limit: int) -> int:
    """Add to `known` what is new, the newest first, and return how many pages were read.

    It ends at a page with something that is known to have ended, if no older one was still running.
    """
    open_ids = {id_ for id_, item in known.items() if not item.status.has_ended}
    found: dict[str, _AnyItem] = {}
    token, pages = "", 0
    while True:
        items, token = list_page(token)
        pages += 1
        is_known = any(item.id in known and item.id not in open_ids for item in items)
        found |= {item.id: item for item in items}
        if not token or len(found) >= limit or (is_known and open_ids <= found.keys()):
            break
    merged = found | {id_: item for id_, item in known.items() if id_ not in found}
    known.clear()
    known.update(list(merged.items())[:limit])
    return pages


def _entries(name: str, pipeline: _Pipeline) -> Iterator[_Entry]:
    """Yield an entry for each execution; the earlier one if nothing has changed."""
    earlier = {entry.execution.id: entry for entry in pipeline.entries}
    actions: dict[str, list[ActionRecord]] = {}
    for action in pipeline.actions.values():
        actions.setdefault(action.execution_id, []).append(action)
    for execution in pipeline.executions.values():
        own = tuple(actions.get(execution.id, []))
        entry = earlier.get(execution.id)
        if entry is None or (entry.execution, entry.actions) != (execution, own):
            entry = _Entry(execution, own, tuple(_texts_of_pipeline_execution(name, execution, own)))
        yield entry


def _machine(execution: ExecutionArn) -> str:
    return MachineArn(execution.partition, execution.region, execution.account, execution.machine).base


def _started(found: Found) -> datetime:
    started = (
        found.execution.start_time if isinstance(found, FoundPipelineExecution) else found.execution.started
    )
    return started or datetime.min.replace(tzinfo=UTC)


def _texts_of_pipeline_execution(
    pipeline: str, execution: ExecutionSummary, actions: Sequence[ActionRecord]
) -> Iterator[SearchedText]:
    yield SearchedText("status", execution.status.label, Compare.EQUAL)
    yield SearchedText("pipeline execution id", execution.id, Compare.PREFIX)
    for revision in execution.source_revisions:
        yield SearchedText("commit", revision.revision_id, Compare.PREFIX, revision.action_name)
        message = redact_text(commit_message(revision.summary) or "")
        yield SearchedText("commit message", message, Compare.PART, revision.action_name)
    for action in actions:
        yield from _texts_of_action(action)
    if execution.status_summary:
        yield SearchedText("reason", redact_text(execution.status_summary), Compare.PART)
    yield SearchedText("pipeline", pipeline, Compare.EQUAL)


def _texts_of_action(action: ActionRecord) -> Iterator[SearchedText]:
    where = f"{action.stage} / {action.action}"
    workflow = parse_standard_execution(action.external_execution_id)
    if workflow is not None:
        yield SearchedText("state machine execution", workflow.name, Compare.PREFIX, where)
        yield SearchedText("state machine execution", str(workflow), Compare.EQUAL, where)
    if action.status is not Status.FAILED:
        return
    message = redact_text(error_line((action.error.message if action.error else "") or action.summary or ""))
    parts = message.split(": ", 2)
    if workflow is not None and len(parts) == 3:  # <state>: <error>: <cause>
        yield SearchedText("failed state", parts[0], Compare.PART, where)
        yield SearchedText("error", parts[1], Compare.PART, where)
    elif action.error:
        yield SearchedText("error", action.error.code, Compare.PART, where)
    yield SearchedText("error message", message, Compare.PART, where)


def _texts_of_execution(execution: MachineExecution) -> list[SearchedText]:
    return [
        SearchedText("status", execution.status.lower().replace("_", " "), Compare.EQUAL),
        SearchedText("state machine execution", execution.name, Compare.PREFIX),
        SearchedText("state machine execution", execution.arn, Compare.EQUAL),
    ]
