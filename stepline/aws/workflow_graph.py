"""Parses the definition of a state machine to a graph: its states, and the transitions between them.

The Amazon States Language: https://states-language.net/spec.html. Maps of both forms (`ItemProcessor` and the
old `Iterator`) and both query languages are read. Unknown fields and types of states are no error: a console
must show what AWS has accepted.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, NamedTuple

from stepline.aws.choice_labels import MAX_LABEL_CHARACTERS, choice_label
from stepline.aws.redaction import redact_optional, redact_text
from stepline.core import strict_json
from stepline.core.errors import InvalidInputError
from stepline.core.text import printable

_DEFAULT_MAX_ATTEMPTS: Final = 3
"""Retries of a retrier without MaxAttempts [spec: "Retrying after error"]."""

_ENDING_TYPES = frozenset({"Succeed", "Fail"})


class EdgeKind(StrEnum):
    NEXT = "next"
    CHOICE = "choice"
    DEFAULT = "default"
    CATCH = "catch"


@dataclass(frozen=True)
class Node:
    """A state. `id` is its name; of a name that occurs again, the path to it.

    `parent` is the id of the Map or Parallel around it, `branch` the index of its branch (0 in a Map).
    `type` is as written, also if AWS does not know it, and empty if there is none. `retries` has a sentence
    for each retrier. `resource` is a Task's.
    """

    id: str
    name: str
    type: str
    comment: str | None = None
    parent: str | None = None
    branch: int = 0
    resource: str | None = None
    retries: tuple[str, ...] = ()
    is_distributed: bool = False
    is_start: bool = False
    is_end: bool = False


@dataclass(frozen=True)
class Edge:
    """A transition between two states of the same branch, by their ids.

    `label` has at most 60 characters: a choice's condition, or the errors of a catcher, or else is empty.
    """

    source: str
    target: str
    kind: EdgeKind
    label: str = ""


@dataclass(frozen=True)
class WorkflowGraph:
    """`nodes` has each Map and Parallel before its inner states; `start` is None without a known start."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    start: str | None


class _Scope(NamedTuple):
    """The states of the machine, of a branch or of an item processor."""

    definition: Mapping[str, Any]
    parent: str | None
    branch: int


def parse_workflow(definition: str | Mapping[str, Any]) -> WorkflowGraph:
    """Return the graph of a definition. Transitions to states that do not exist are left out.

    Raise `InvalidInputError` if it is not a JSON object.
    """
    nodes: dict[str, Node] = {}
    edges: list[Edge] = []
    scopes = deque([_Scope(_parse(definition), None, 0)])
    while scopes:  # not recursive: a definition may be nested more deeply than Python's stack
        scope = scopes.popleft()
        states = _states(scope.definition)
        ids = _add_nodes(nodes, scope, states)
        for name, state in states.items():
            edges.extend(_edges(ids, name, state))
            scopes.extend(_inner_scopes(ids[name], state))
    start = next((node.id for node in nodes.values() if node.is_start and node.parent is None), None)
    return WorkflowGraph(tuple(nodes.values()), tuple(edges), start)


def _parse(definition: str | Mapping[str, Any]) -> Mapping[str, Any]:
    try:
        document = strict_json.loads(definition) if isinstance(definition, str) else definition
    except ValueError as error:
        raise InvalidInputError(f"The definition is not JSON: {error}.") from error
    if not isinstance(document, Mapping):
        raise InvalidInputError("The definition must be a JSON object.")
    return document


def _states(definition: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    states = _mapping(definition.get("States"))
    return {name: state for name, state in states.items() if isinstance(state, Mapping)}


def _add_nodes(
    nodes: dict[str, Node], scope: _Scope, states: Mapping[str, Mapping[str, Any]]
) -> dict[str, str]:
    """Add the scope's states, and return their ids by their names."""
    ids = {}
    for name, state in states.items():
        node_id = name if name not in nodes else _path(nodes, scope, name)
        ids[name] = node_id
        is_start = name == scope.definition.get("StartAt")
        nodes[node_id] = _node(node_id, name, state, scope, is_start=is_start)
    return ids


def _path(nodes: Mapping[str, Node], scope: _Scope, name: str) -> str:
    path = f"{scope.parent}/{scope.branch}/{name}"
    while path in nodes:  # a state may itself be called so
        path += "'"
    return path


def _node(node_id: str, name: str, state: Mapping[str, Any], scope: _Scope, *, is_start: bool) -> Node:
    kind = _text(state.get("Type")) or ""
    return Node(
        id=node_id,
        name=name,
        type=kind,
        comment=redact_optional(_text(state.get("Comment"))),
        parent=scope.parent,
        branch=scope.branch,
        resource=redact_optional(_text(state.get("Resource"))),
        retries=tuple(_retry(retrier) for retrier in _objects(state.get("Retry"))),
        is_distributed=kind == "Map" and _is_distributed(state),
        is_start=is_start,
        is_end=state.get("End") is True or kind in _ENDING_TYPES,
    )


def _is_distributed(state: Mapping[str, Any]) -> bool:
    return _mapping(_item_processor(state).get("ProcessorConfig")).get("Mode") == "DISTRIBUTED"


def _item_processor(state: Mapping[str, Any]) -> Mapping[str, Any]:
    return _mapping(state.get("ItemProcessor") or state.get("Iterator"))


def _retry(retrier: Mapping[str, Any]) -> str:
    attempts = retrier.get("MaxAttempts", _DEFAULT_MAX_ATTEMPTS)
    times = "never retried" if attempts == 0 else "1 retry" if attempts == 1 else f"{attempts} retries"
    return f"{_error_names(retrier)}: {times}"


def _error_names(rule: Mapping[str, Any]) -> str:
    names = rule.get("ErrorEquals")
    return ", ".join(str(name) for name in names) if isinstance(names, list) else ""


def _edges(ids: Mapping[str, str], name: str, state: Mapping[str, Any]) -> Iterator[Edge]:
    for target, kind, label in _transitions(state):
        if isinstance(target, str) and target in ids:
            yield Edge(ids[name], ids[target], kind, printable(redact_text(label), MAX_LABEL_CHARACTERS))


def _transitions(state: Mapping[str, Any]) -> Iterator[tuple[Any, EdgeKind, str]]:
    yield state.get("Next"), EdgeKind.NEXT, ""
    for rule in _objects(state.get("Choices")):
        yield rule.get("Next"), EdgeKind.CHOICE, choice_label(rule)
    yield state.get("Default"), EdgeKind.DEFAULT, ""
    for catcher in _objects(state.get("Catch")):
        yield catcher.get("Next"), EdgeKind.CATCH, _text(catcher.get("Comment")) or _error_names(catcher)


def _inner_scopes(node_id: str, state: Mapping[str, Any]) -> Iterator[_Scope]:
    if processor := _item_processor(state):
        yield _Scope(processor, node_id, 0)
    for index, branch in enumerate(_objects(state.get("Branches"))):
        yield _Scope(branch, node_id, index)


def _objects(value: Any) -> list[Mapping[str, Any]]:
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
