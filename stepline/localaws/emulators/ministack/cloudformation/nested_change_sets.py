"""Creates change sets of nested stacks: ministack ignores IncludeNestedStacks.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/change-sets-for-nested-stacks.html
A nested stack is a change if its own change set has changes. Nested stacks that are added have none here.
"""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from html import escape, unescape
from typing import Any, Final

from ministack.services import cloudformation
from ministack.services.cloudformation import engine, handlers, helpers

from stepline.core.cloudformation.stack_events import STACK_TYPE
from stepline.localaws.cloudformation.changes import AUTOMATIC, TRUE
from stepline.localaws.cloudformation.names import generated_name
from stepline.localaws.cloudformation.scalars import as_text
from stepline.localaws.emulators.ministack.cloudformation.change_details import (
    PLACEHOLDER,
    ComparedTemplates,
    compared_templates,
    unknown_parameters,
    with_unknown_parameters,
)
from stepline.localaws.emulators.ministack.cloudformation.stack_roles import find_change_set

Parameters = Mapping[str, Any]
Response = tuple[int, dict[str, str], bytes]
ChangeSet = dict[str, Any]

_OK = 200
_CREATE, _DESCRIBE = "CreateChangeSet", "DescribeChangeSet"
_EXECUTE, _DELETE = "ExecuteChangeSet", "DeleteChangeSet"
_PARENT, _ROOT, _INCLUDES = "ParentChangeSetId", "RootChangeSetId", "IncludeNestedStacks"
_CHILDREN: Final = "nested change sets"
_UNCHANGED: Final = (
    "The submitted information didn't contain changes. Submit different information to create a change set."
)


def add_nested_change_sets() -> None:
    actions = cloudformation._ACTION_HANDLERS
    actions[_CREATE] = _with_nested(actions[_CREATE])
    actions[_DESCRIBE] = _with_ids(actions[_DESCRIBE])
    actions[_EXECUTE] = _of_root(actions[_EXECUTE], "executed")
    actions[_DELETE] = _with_children_deleted(_of_root(actions[_DELETE], "deleted"))


def _with_nested(original: Callable[[Parameters], Response]) -> Callable[[Parameters], Response]:
    @functools.wraps(original)
    def create(parameters: Parameters) -> Response:
        known = set(cloudformation._change_sets)
        with compared_templates() as compared:
            response = original(parameters)
        created = [item for name, item in cloudformation._change_sets.items() if name not in known]
        if response[0] == _OK and created and helpers._p(parameters, _INCLUDES).lower() == "true":
            created[0][_INCLUDES] = True
            if compared and created[0]["Status"] == "CREATE_COMPLETE":
                _Hierarchy(created[0], compared[-1], unknown_parameters(), create).add_nested()
        return response

    return create


@dataclass
class _Hierarchy:
    """A change set, and how to create those of its nested stacks: `create` serves CreateChangeSet.

    `unknown` are the parameters whose values are known only during the update.
    """

    change_set: ChangeSet
    compared: ComparedTemplates
    unknown: frozenset[str]
    create: Callable[[Parameters], Response]

    def add_nested(self) -> None:
        """Create the change sets of the nested stacks, and remove the changes of those that do not change."""
        self.change_set[_CHILDREN] = []
        unchanged: set[str] = set()
        for logical_id in self._nested_stacks():
            if self._change_of(logical_id) is None:
                continue
            problem = self._add(logical_id)
            if problem == _UNCHANGED:
                unchanged.add(logical_id)
                self._compare_again(unchanged)
            elif problem:
                self._fail(f"Nested change set of {logical_id} was not successfully created: {problem}")
                return
        if not self.change_set["Changes"]:
            self._fail(_UNCHANGED)

    def _fail(self, reason: str) -> None:
        self.change_set["StatusReason"] = reason
        self.change_set |= {"Status": "FAILED", "ExecutionStatus": "UNAVAILABLE", "Changes": []}

    def _nested_stacks(self) -> list[str]:
        """Return the logical ids of the nested stacks that there are, those first on which others depend."""
        resources = self.change_set["_template"].get("Resources", {})
        ordered: list[str] = engine._topological_sort(resources, self._conditions())
        return [
            name
            for name in ordered
            if resources[name]["Type"] == STACK_TYPE and name in self._stack().get("_resources", {})
        ]

    def _add(self, logical_id: str) -> str:
        """Create the change set of one nested stack. Return why it failed, or empty text."""
        child = handlers._resolve_stack(self._stack()["_resources"][logical_id]["PhysicalResourceId"])
        known = set(cloudformation._change_sets)
        unknown, request = self._child_request(logical_id, child)
        with with_unknown_parameters(unknown):
            status, _, body = self.create(request)
        created = [item for name, item in cloudformation._change_sets.items() if name not in known]
        if status != _OK or not created:
            return _message(body)
        nested = created[0]
        if nested["Status"] == "FAILED":
            cloudformation._change_sets.pop(nested["ChangeSetId"])
            return str(nested["StatusReason"])
        nested[_PARENT] = self.change_set["ChangeSetId"]
        for descendant in [nested, *_descendants(nested)]:
            descendant[_ROOT] = self.change_set.get(_ROOT, self.change_set["ChangeSetId"])
        self.change_set[_CHILDREN].append(nested["ChangeSetId"])
        self._record(logical_id, nested["ChangeSetId"])
        return ""

    def _record(self, logical_id: str, change_set_id: str) -> None:
        change = self._change_of(logical_id)
        if change is not None:
            change["ChangeSetId"] = change_set_id
            change["Details"] = [*change["Details"], AUTOMATIC]

    def _compare_again(self, unchanged: set[str]) -> None:
        """Leave out nested stacks that do not change, and what changes only because of them."""
        ids = {
            item["ResourceChange"]["LogicalResourceId"]: item["ResourceChange"]["ChangeSetId"]
            for item in self.change_set["Changes"]
            if "ChangeSetId" in item["ResourceChange"]
        }
        self.change_set["Changes"] = self.compared.changes_without(unchanged)
        for logical_id, change_set_id in ids.items():
            self._record(logical_id, change_set_id)

    def _child_request(self, logical_id: str, child: Parameters) -> tuple[frozenset[str], Parameters]:
        """Return the parameters whose values are not known yet, and the request for the nested change set."""
        written = self.change_set["_template"]["Resources"][logical_id].get("Properties", {})
        resolved = self._resolved(written)
        values = resolved.get("Parameters") or {}
        unknown = {
            name
            for name, value in (written.get("Parameters") or {}).items()
            if name in values and self._is_unknown(value)
        }
        known = {item["ParameterKey"] for item in child.get("Parameters", [])}
        request: dict[str, Any] = {
            "Action": [_CREATE],
            "StackName": [child["StackName"]],
            "ChangeSetName": [generated_name(self.change_set["ChangeSetName"], logical_id)],
            "ChangeSetType": ["UPDATE"],
            "TemplateURL": [resolved["TemplateURL"]],
            _INCLUDES: ["true"],
            **_members("Capabilities.member.{}", self.change_set["Capabilities"]),
        }
        for number, (name, value) in enumerate(values.items(), 1):
            member = f"Parameters.member.{number}."
            request[f"{member}ParameterKey"] = [name]
            if name in unknown and name in known:
                request[f"{member}UsePreviousValue"] = ["true"]
            else:
                request[f"{member}ParameterValue"] = [PLACEHOLDER if name in unknown else as_text(value)]
        return frozenset(unknown), request

    def _resolved(self, value: Any) -> Any:
        stack = self._stack()
        return engine._resolve_refs(
            copy.deepcopy(value),
            stack.get("_resources", {}),
            self.change_set["_resolved_params"],
            self._conditions(),
            self.change_set["_template"].get("Mappings", {}),
            stack["StackName"],
            stack["StackId"],
        )

    def _is_unknown(self, value: Any) -> bool:
        """Return whether it refers to a new resource, or to an output of a nested stack that changes."""
        for name, attribute in engine._intrinsic_references(value):
            if attribute is None and name in self.unknown:
                return True
            change = self._change_of(name)
            if change is None:
                continue
            if change["Action"] == "Add" or change.get("Replacement") == TRUE:
                return True
            if attribute and change["ResourceType"] == STACK_TYPE:
                return True
        return False

    def _change_of(self, logical_id: str) -> dict[str, Any] | None:
        for item in self.change_set["Changes"]:
            change: dict[str, Any] = item["ResourceChange"]
            if change["LogicalResourceId"] == logical_id:
                return change
        return None

    def _conditions(self) -> Mapping[str, bool]:
        found: Mapping[str, bool] = engine._evaluate_conditions(
            self.change_set["_template"], self.change_set["_resolved_params"]
        )
        return found

    def _stack(self) -> Parameters:
        stack: Parameters = cloudformation._stacks[self.change_set["StackName"]]
        return stack


def _members(pattern: str, values: list[str]) -> dict[str, list[str]]:
    return {pattern.format(number): [value] for number, value in enumerate(values, 1)}


def _message(body: bytes) -> str:
    """Return the message of an error response."""
    text = body.decode()
    return unescape(text.partition("<Message>")[2].partition("</Message>")[0])


def _descendants(change_set: ChangeSet) -> Iterator[ChangeSet]:
    for name in change_set.get(_CHILDREN, ()):
        child = cloudformation._change_sets.get(name)
        if child is not None:
            yield child
            yield from _descendants(child)


def _with_ids(original: Callable[[Parameters], Response]) -> Callable[[Parameters], Response]:
    """Add the ids of the change sets above and below to the answer."""

    @functools.wraps(original)
    def describe(parameters: Parameters) -> Response:
        status, headers, body = original(parameters)
        change_set = find_change_set(parameters)
        if status != _OK or change_set is None:
            return status, headers, body
        for change in (item["ResourceChange"] for item in change_set["Changes"]):
            if "ChangeSetId" in change:
                name = f"<LogicalResourceId>{escape(change['LogicalResourceId'])}</LogicalResourceId>"
                body = body.replace(name.encode(), f"{name}{_element('ChangeSetId', change)}".encode())
        own = "".join(_element(name, change_set) for name in (_PARENT, _ROOT, _INCLUDES))
        return status, headers, body.replace(b"<Changes>", f"{own}<Changes>".encode())

    return describe


def _element(name: str, item: Mapping[str, Any]) -> str:
    return f"<{name}>{escape(as_text(item[name]))}</{name}>" if name in item else ""


def _of_root(original: Callable[[Parameters], Response], verb: str) -> Callable[[Parameters], Response]:
    """Refuse the operation for a nested change set: only the root can be executed (see the page above)."""

    @functools.wraps(original)
    def handle(parameters: Parameters) -> Response:
        change_set = find_change_set(parameters)
        if change_set is not None and _PARENT in change_set:
            response: Response = helpers._error(
                "ValidationError",
                f"ChangeSet [{change_set['ChangeSetId']}] is nested, and can only be {verb} with its root"
                f" [{change_set[_ROOT]}]",
            )
            return response
        return original(parameters)

    return handle


def _with_children_deleted(original: Callable[[Parameters], Response]) -> Callable[[Parameters], Response]:
    @functools.wraps(original)
    def delete(parameters: Parameters) -> Response:
        change_set = find_change_set(parameters)
        response = original(parameters)
        if response[0] == _OK and change_set is not None:
            for descendant in list(_descendants(change_set)):
                cloudformation._change_sets.pop(descendant["ChangeSetId"], None)
        return response

    return delete
