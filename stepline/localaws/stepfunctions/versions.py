"""Versions and aliases of state machines [guide, "Versions and aliases of workflows"]."""

from __future__ import annotations

import random
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from stepline.localaws.context import Context
from stepline.localaws.protocol import Params, ValidationException
from stepline.localaws.stepfunctions import errors
from stepline.localaws.stepfunctions.models import Machine
from stepline.localaws.stepfunctions.names import split_qualifier
from stepline.localaws.stepfunctions.settings import MAX_ALIASES, MAX_VERSIONS
from stepline.localaws.stepfunctions.validation import check_arn

_INITIAL = "INITIAL"
"""The revision of a machine that was never updated [PublishStateMachineVersion, `revisionId`]."""
_SUM_OF_WEIGHTS = 100


@dataclass(frozen=True)
class Version:
    """A machine as it was published; `machine` has the ARN of the state machine."""

    arn: str
    machine: Machine
    description: str | None
    creation_date: datetime


@dataclass(frozen=True)
class Alias:
    """`routes`: the ARNs of one or two versions with their weights, whose sum is 100."""

    arn: str
    name: str
    description: str | None
    routes: Mapping[str, int]
    creation_date: datetime
    update_date: datetime


class Versions:
    """All versions and aliases. Safe to use from several threads."""

    def __init__(self, context: Context) -> None:
        self._clock = context.clock
        self._lock = threading.RLock()
        self._versions: dict[str, dict[int, Version]] = {}
        self._last_numbers: dict[str, int] = {}
        self._aliases: dict[str, dict[str, Alias]] = {}

    def publish(self, machine: Machine, *, revision_id: str | None, description: str | None) -> Version:
        """Publish the machine, or return its newest version if that is of the same revision."""
        current = machine.revision_id or _INITIAL
        if revision_id is not None and revision_id not in {current, machine.revision_id}:
            raise errors.ConflictException(
                f"Failed to publish the State Machine version for revision {revision_id}. "
                f"The current State Machine revision is {current}."
            )
        with self._lock:
            versions = self._versions.setdefault(machine.arn, {})
            newest = next(reversed(versions.values()), None)
            if newest is not None and _content(newest.machine) == _content(machine):
                return newest
            if len(versions) >= MAX_VERSIONS:
                raise errors.ServiceQuotaExceededException(f"at most {MAX_VERSIONS} versions")
            number = self._last_numbers[machine.arn] = self._last_numbers.get(machine.arn, 0) + 1
            version = Version(f"{machine.arn}:{number}", machine, description, self._clock.now())
            versions[number] = version
        return version

    def list_versions(self, machine_arn: str) -> list[Version]:
        """Return the versions, the latest first."""
        return list(self._versions.get(machine_arn, {}).values())[::-1]

    def find_version(self, arn: str) -> Version | None:
        machine_arn, number = split_qualifier(arn)
        if number is None or not number.isdecimal():
            return None
        return self._versions.get(machine_arn, {}).get(int(number))

    def delete_version(self, arn: str) -> None:
        """Delete a version if it exists. Raises ConflictException if an alias uses it."""
        machine_arn, number = split_qualifier(check_arn(arn, "stateMachine"))
        if number is None or not number.isdecimal():
            raise ValidationException(f"{arn} is not the ARN of a state machine version")
        with self._lock:
            used_by = [alias.name for alias in self.list_aliases(machine_arn) if arn in alias.routes]
            if used_by:
                raise errors.ConflictException(
                    "Version to be deleted must not be referenced by an alias. Current list of aliases "
                    f"referencing this version: [{', '.join(used_by)}]"
                )
            self._versions.get(machine_arn, {}).pop(int(number), None)

    def delete_all(self, machine_arn: str) -> None:
        """Delete the versions and aliases of a machine that was deleted."""
        with self._lock:
            for found in (self._versions, self._last_numbers, self._aliases):
                found.pop(machine_arn, None)

    def create_alias(self, params: Params) -> Alias:
        """Create an alias, or return the one that exists with the same settings."""
        routes = self._routes(params["routingConfiguration"])
        name = params["name"]
        machine_arn = split_qualifier(next(iter(routes)))[0]
        now = self._clock.now()
        alias = Alias(f"{machine_arn}:{name}", name, params.get("description"), routes, now, now)
        with self._lock:
            aliases = self._aliases.setdefault(machine_arn, {})
            if (existing := aliases.get(name)) is not None:
                if (existing.routes, existing.description) == (routes, alias.description):
                    return existing
                raise errors.ConflictException(
                    "Failed to create alias because an alias with the same name and a different routing "
                    "configuration already exists."
                )
            if len(aliases) >= MAX_ALIASES:
                raise errors.ServiceQuotaExceededException(f"at most {MAX_ALIASES} aliases")
            aliases[name] = alias
        return alias

    def update_alias(self, params: Params) -> Alias:
        if "description" not in params and "routingConfiguration" not in params:
            raise ValidationException("Either the description or the routing configuration must be specified")
        with self._lock:
            alias = self.alias(params["stateMachineAliasArn"])
            routes = alias.routes
            if "routingConfiguration" in params:
                routes = self._routes(params["routingConfiguration"])
            machine_arn, name = split_qualifier(alias.arn)
            alias = self._aliases[machine_arn][str(name)] = replace(
                alias,
                description=params.get("description", alias.description),
                routes=routes,
                update_date=self._clock.now(),
            )
        return alias

    def alias(self, arn: str) -> Alias:
        """Return the alias. Raises ResourceNotFound."""
        if (alias := self.find_alias(check_arn(arn, "stateMachine"))) is None:
            raise errors.ResourceNotFound(arn)
        return alias

    def find_alias(self, arn: str) -> Alias | None:
        machine_arn, name = split_qualifier(arn)
        return self._aliases.get(machine_arn, {}).get(name or "")

    def list_aliases(self, machine_arn: str, version_arn: str | None = None) -> list[Alias]:
        """Return the aliases of a machine, those that use the version if one is given."""
        aliases = list(self._aliases.get(machine_arn, {}).values())
        return [alias for alias in aliases if version_arn is None or version_arn in alias.routes]

    def delete_alias(self, arn: str) -> None:
        """Delete an alias if it exists."""
        machine_arn, name = split_qualifier(check_arn(arn, "stateMachine"))
        with self._lock:
            self._aliases.get(machine_arn, {}).pop(name or "", None)

    def find_machine(self, arn: str) -> Machine | None:
        """Return the machine that a version or an alias runs, or None; of two by weight."""
        if (alias := self.find_alias(arn)) is not None:
            chosen = random.choices(list(alias.routes), weights=list(alias.routes.values()))[0]  # noqa: S311
            version = self.find_version(chosen)
            if version is not None:
                return replace(version.machine, version_arn=version.arn, alias_arn=alias.arn)
        version = self.find_version(arn)
        return None if version is None else replace(version.machine, version_arn=version.arn)

    def _routes(self, configuration: Sequence[Mapping[str, Any]]) -> dict[str, int]:
        """Return the routes of an alias. Raises ValidationException [recorded], and ResourceNotFound."""
        arns = [route["stateMachineVersionArn"] for route in configuration]
        received = f"Received: [{', '.join(arns)}]"
        qualifiers = [split_qualifier(check_arn(arn, "stateMachine")) for arn in arns]
        if not all(number is not None and number.isdecimal() for _, number in qualifiers):
            raise ValidationException(
                f"Routing configuration must contain state machine version ARNs. {received}"
            )
        if len(set(arns)) < len(arns):
            raise ValidationException(
                f"Routing configuration must contain distinct state machine version ARNs. {received}"
            )
        if len({machine for machine, _ in qualifiers}) > 1:
            raise ValidationException(
                f"Routing configuration must contain versions of the same state machine. {received}"
            )
        weights = [route["weight"] for route in configuration]
        if sum(weights) != _SUM_OF_WEIGHTS:
            raise ValidationException(
                f"Sum of routing configuration weights must equal {_SUM_OF_WEIGHTS}. Received: {weights}"
            )
        for arn in arns:
            if self.find_version(arn) is None:
                raise errors.ResourceNotFound(arn)
        return dict(zip(arns, weights, strict=True))


def _content(machine: Machine) -> tuple[Any, ...]:
    """Return what makes a revision. CloudFormation may change a machine without a revision id."""
    return (
        machine.revision_id,
        machine.definition,
        machine.role_arn,
        machine.logging_configuration,
        machine.tracing_configuration,
    )
