"""Describes what a change set would do: `Changes` of DescribeChangeSet.

https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ResourceChange.html and
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-updating-stacks-changesets-samples.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from stepline.core.cloudformation.stack_events import STACK_TYPE
from stepline.localaws.cloudformation.replacement import Path, Recreation, UpdateBehavior, values_at

Change = dict[str, Any]
Detail = dict[str, Any]

_STATIC: Final = "Static"
_DYNAMIC: Final = "Dynamic"
_TAGS: Final = "Tags"

AUTOMATIC: Final[Mapping[str, Any]] = {
    "Target": {"Attribute": "Properties", "RequiresRecreation": "Never"},
    "Evaluation": "Dynamic",
    "ChangeSource": "Automatic",
}
"""Of a nested stack, whose template or outputs may change."""

TRUE: Final = "True"
FALSE: Final = "False"
CONDITIONAL: Final = "Conditional"

COMPARED_ATTRIBUTES: Final = (
    "Metadata",
    "CreationPolicy",
    "UpdatePolicy",
    "DeletionPolicy",
    "UpdateReplacePolicy",
)
"""Attributes of a resource that are compared besides its properties. They never replace it."""

_POLICY_ACTIONS: Final = {
    "Delete": "Delete",
    "Retain": "Retain",
    "RetainExceptOnCreate": "Retain",
    "Snapshot": "Snapshot",
}


@dataclass(frozen=True)
class Reference:
    """A Ref (without `attribute`) or Fn::GetAtt. `token` is its value in the properties of a `Definition`."""

    name: str
    attribute: str
    token: str

    @property
    def entity(self) -> str:
        return f"{self.name}.{self.attribute}" if self.attribute else self.name


@dataclass(frozen=True)
class Definition:
    """One resource of a template: parameters, conditions and mappings are applied.

    `properties` have a token in place of each value that another resource has. `parameters` are the names of
    the template's parameters that a property refers to, `references` its references to resources.
    """

    resource_type: str
    properties: Mapping[str, Any]
    parameters: Mapping[str, Set[str]] = field(default_factory=dict)
    references: Mapping[str, tuple[Reference, ...]] = field(default_factory=dict)
    attributes: Mapping[str, Any] = field(default_factory=dict)

    def policy(self, attribute: str) -> str:
        return str(self.attributes.get(attribute, "Delete"))


Definitions = Mapping[str, Definition]


@dataclass(frozen=True)
class TypeFacts:
    """What a change set needs of a resource type. `tags` is the property with its tags, or empty."""

    behavior: UpdateBehavior
    tags: str = _TAGS


@dataclass(frozen=True)
class Comparison:
    """Two templates of a stack.

    `physical_ids` and `retagged` are by logical id; the latter are the resources that get other tags because
    the stack's tags change. Without `nested_changes` each nested stack is a change, as what is in it is not
    known.
    """

    old: Definitions
    new: Definitions
    facts: Callable[[str], TypeFacts]
    changed_parameters: Set[str] = frozenset()
    physical_ids: Mapping[str, str] = field(default_factory=dict)
    retagged: Set[str] = frozenset()
    nested_changes: bool = True

    def changes(self) -> list[Change]:
        """Return the members of `Changes`, ordered by logical id."""
        found = self._modifications()
        return [
            {"ResourceChange": change}
            for logical_id in sorted(self.old.keys() | self.new.keys())
            if (change := self._change(logical_id, found)) is not None
        ]

    def _change(self, logical_id: str, found: Mapping[str, list[Detail]]) -> Change | None:
        identity = {"LogicalResourceId": logical_id}
        if logical_id not in self.old:
            return {"Action": "Add", **identity, "ResourceType": self.new[logical_id].resource_type}
        if physical_id := self.physical_ids.get(logical_id):
            identity["PhysicalResourceId"] = physical_id
        old = self.old[logical_id]
        if logical_id not in self.new:
            policy = _policy_action(old.policy("DeletionPolicy"))
            return {"Action": "Remove", **identity, "ResourceType": old.resource_type, **policy}
        details = found[logical_id]
        if logical_id in self.retagged:
            # AWS names no source of this change.
            details = [_detail(_target(_TAGS), _STATIC, ""), *details]
        if not details and not self._type_changed(logical_id):
            return None
        return {"Action": "Modify", **identity, **self._modification(logical_id, details)}

    def _modification(self, logical_id: str, details: list[Detail]) -> Change:
        new = self.new[logical_id]
        replacement = self._replacement(logical_id, details)
        policy = _policy_action(new.policy("UpdateReplacePolicy"), "ReplaceAnd")
        return {
            "ResourceType": new.resource_type,
            "Replacement": replacement,
            **(policy if replacement == TRUE else {}),
            "Scope": list(dict.fromkeys(detail["Target"]["Attribute"] for detail in details)),
            "Details": details,
        }

    def _modifications(self) -> Mapping[str, list[Detail]]:
        """Return the details of all resources in both templates.

        A change of one resource changes those that refer to it, so this repeats until nothing is added.
        """
        common = sorted(self.old.keys() & self.new.keys())
        found: dict[str, list[Detail]] = {logical_id: [] for logical_id in common}
        while True:
            replacements = self._replacements(found)
            details = {logical_id: [*self._details(logical_id, replacements)] for logical_id in common}
            if details == found:
                return found
            found = details

    def _replacements(self, found: Mapping[str, list[Detail]]) -> dict[str, str]:
        """Return `Replacement` of each resource that changes; a resource that is added is a new one."""
        added = dict.fromkeys(self.new.keys() - self.old.keys(), TRUE)
        return added | {
            logical_id: self._replacement(logical_id, details)
            for logical_id, details in found.items()
            if details or self._type_changed(logical_id)
        }

    def _replacement(self, logical_id: str, details: list[Detail]) -> str:
        """Return the most serious effect of the details."""
        if self._type_changed(logical_id):
            return TRUE
        effects = {(detail["Target"]["RequiresRecreation"], detail["Evaluation"]) for detail in details}
        if (Recreation.ALWAYS, _STATIC) in effects:
            return TRUE
        return FALSE if all(effect == Recreation.NEVER for effect, _ in effects) else CONDITIONAL

    def _type_changed(self, logical_id: str) -> bool:
        return self.old[logical_id].resource_type != self.new[logical_id].resource_type

    def _details(self, logical_id: str, replacements: Mapping[str, str]) -> Iterator[Detail]:
        old, new = self.old[logical_id], self.new[logical_id]
        facts = self.facts(new.resource_type)
        names = sorted(old.properties.keys() | new.properties.keys())
        details = [
            detail
            for name in names
            for detail in _PropertyChange(name, old, new, facts).details(
                self.changed_parameters, replacements
            )
        ]
        details += [
            _detail(_target(attribute), _STATIC, "DirectModification")
            for attribute in COMPARED_ATTRIBUTES
            if old.attributes.get(attribute) != new.attributes.get(attribute)
        ]
        if not details and new.resource_type == STACK_TYPE and not self.nested_changes:
            details = [dict(AUTOMATIC)]
        yield from details


@dataclass(frozen=True)
class _PropertyChange:
    """The change of one property, if there is any."""

    name: str
    old: Definition
    new: Definition
    facts: TypeFacts

    def details(self, changed_parameters: Set[str], replacements: Mapping[str, str]) -> Iterator[Detail]:
        causes = [*self._reference_details(replacements)]
        if self.old.properties.get(self.name) != self.new.properties.get(self.name):
            causes = [*self._parameter_details(changed_parameters), *causes]
            # What a reference returns is known only afterwards, and AWS says so of the property itself.
            evaluation = _DYNAMIC if causes else _STATIC
            yield _detail(self._target(self._differs), evaluation, "DirectModification")
        yield from causes

    def _parameter_details(self, changed: Set[str]) -> Iterator[Detail]:
        for parameter in sorted(self.new.parameters.get(self.name, frozenset()) & changed):
            yield _detail(self._target(self._differs), _STATIC, "ParameterReference", parameter)

    def _reference_details(self, replacements: Mapping[str, str]) -> Iterator[Detail]:
        for reference in self.new.references.get(self.name, ()):
            replacement = replacements.get(reference.name)
            if replacement is None or (replacement == FALSE and not reference.attribute):
                continue
            yield _detail(
                self._target(partial(self._contains, reference.token)),
                _STATIC if replacement == TRUE else _DYNAMIC,
                "ResourceAttribute" if reference.attribute else "ResourceReference",
                reference.entity,
            )

    def _target(self, touches: Callable[[Path], bool]) -> Detail:
        recreation = self.facts.behavior.recreation(self.name, touches)
        if self.name == self.facts.tags:
            return _target(_TAGS, recreation)
        return _target("Properties", recreation, self.name)

    def _differs(self, path: Path) -> bool:
        return values_at(self.old.properties, path) != values_at(self.new.properties, path)

    def _contains(self, token: str, path: Path) -> bool:
        # A token cannot be found in what a function such as Fn::Base64 made of it.
        is_whole = len(path) == 1
        return is_whole or any(token in repr(value) for value in values_at(self.new.properties, path))


def _target(attribute: str, recreation: Recreation = Recreation.NEVER, name: str = "") -> Detail:
    named = {"Name": name} if name else {}
    return {"Attribute": attribute, **named, "RequiresRecreation": str(recreation)}


def _detail(target: Detail, evaluation: str, source: str, entity: str = "") -> Detail:
    detail = {"Target": target, "Evaluation": evaluation, "ChangeSource": source, "CausingEntity": entity}
    return {key: value for key, value in detail.items() if value}


def _policy_action(policy: str, prefix: str = "") -> Change:
    """Return the member `PolicyAction`, if the policy is known."""
    action = _POLICY_ACTIONS.get(policy)
    return {"PolicyAction": prefix + action} if action else {}


def retaggable(definitions: Definitions, types_without_tags: Iterable[str]) -> frozenset[str]:
    """Return the logical ids of the resources that stack-level tags reach."""
    excluded = frozenset(types_without_tags)
    return frozenset(
        logical_id
        for logical_id, definition in definitions.items()
        if definition.resource_type not in excluded and not definition.resource_type.startswith("Custom::")
    )
