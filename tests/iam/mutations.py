"""`python -m tests.iam.mutations`: remove each permission in turn, and report what fails.

Exits with 1 if nothing fails without a permission. First every scenario runs with all permissions, to find
those that it needs; then, for each permission, the scenarios that need it run without it until one fails.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest

from tests.iam.permissions import TRUST_POLICY, Permission, permissions
from tests.iam.stacks import APPLICATION, PROJECT, system_names
from tests.iam.suites import Scenario, Suite, suites
from tests.iam.system import System
from tests.ports import free_port

_OMITTED = "is omitted"
_SILENT = ("logs:", "xray:")
"""AWS reports no error when a log or a trace cannot be written."""
_TIMEOUT_SECONDS = 8.0
_SHOWN_CHARACTERS = 110


@dataclass(frozen=True)
class Result:
    """`effect` is empty if the scenario succeeded without the permission."""

    permission: Permission
    scenario: Scenario
    effect: str


@contextlib.contextmanager
def without(system: System, permission: Permission) -> Iterator[None]:
    """Remove the permission from its role, in the running local AWS, and restore it."""
    document = _policy(system, permission)
    reduced = json.loads(json.dumps(document))
    statement = reduced["Statement"][permission.statement]
    actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
    assert permission.action in actions, permission
    # A statement must have an action.
    statement["Action"] = [action for action in actions if action != permission.action] or ["sts:None"]
    _put_policy(system, permission, reduced)
    try:
        yield
    finally:
        _put_policy(system, permission, document)


def _policy(system: System, permission: Permission) -> Any:
    iam, role = system.client("iam"), _role(system, permission)
    if permission.policy == TRUST_POLICY:
        return iam.get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"]
    return iam.get_role_policy(RoleName=role, PolicyName=permission.policy)["PolicyDocument"]


def _put_policy(system: System, permission: Permission, document: Any) -> None:
    iam, role, text = system.client("iam"), _role(system, permission), json.dumps(document)
    if permission.policy == TRUST_POLICY:
        iam.update_assume_role_policy(RoleName=role, PolicyDocument=text)
    else:
        iam.put_role_policy(RoleName=role, PolicyName=permission.policy, PolicyDocument=text)


def _role(system: System, permission: Permission) -> str:
    return system.other_stack(permission.stack).resources[permission.role]


def effect_of(system: System, permission: Permission, scenario: Scenario) -> str:
    """Return how the scenario differs without the permission: it fails, or AWS omits something silently."""
    system.clear_record()
    with without(system, permission):
        system.other_stack(permission.stack).restart(permission.role)
        try:
            scenario(system)
        except (Exception, pytest.fail.Exception) as error:  # the latter is no Exception
            effect = f"fails: {' '.join(str(error).split())}"
        else:
            effect = "".join(f"{_OMITTED}: {message}" for message in system.denials()[:1])
    system.settle()
    return effect


def scenarios_by_permission(
    system: System, scenarios: Iterable[Scenario]
) -> dict[Permission, list[Scenario]]:
    """Return, for each permission, the scenarios that need it, the shortest first."""
    found: dict[Permission, list[tuple[float, Scenario]]] = {}
    for scenario in scenarios:
        system.clear_record()
        started = time.monotonic()
        scenario(system)
        seconds = time.monotonic() - started
        for permission in system.used():
            found.setdefault(permission, []).append((seconds, scenario))
    return {
        permission: [scenario for _, scenario in sorted(timed, key=lambda pair: pair[0])]
        for permission, timed in found.items()
    }


def mutate(system: System, selected: Sequence[Permission], scenarios: Iterable[Scenario]) -> Iterator[Result]:
    """Yield one result for each of the permissions that one of the scenarios needs."""
    needed = scenarios_by_permission(replace(system, timeout_seconds=60.0), scenarios)
    for permission in selected:
        if candidates := needed.get(replace(permission, resources=1)):
            yield _first_effect(system, permission, candidates)


def _first_effect(system: System, permission: Permission, scenarios: Sequence[Scenario]) -> Result:
    """Try scenarios until one fails: a scenario may use a permission that it does not need."""
    result = Result(permission, scenarios[0], "")
    for scenario in scenarios:
        if effect := effect_of(system, permission, scenario):
            result = Result(permission, scenario, effect)
            if not effect.startswith(_OMITTED) or permission.action.startswith(_SILENT):
                break
    return result


@contextlib.contextmanager
def local_aws(*systems: str) -> Iterator[str]:
    """Start a local AWS with the application and these systems, and yield its address."""
    port = str(free_port())
    with tempfile.TemporaryDirectory() as home:
        inherited = {
            key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "STEPLINE_"))
        }
        environment = inherited | {"HOME": home, "XDG_RUNTIME_DIR": home, "TMPDIR": home}

        def stepline(*arguments: str) -> None:
            command = [sys.executable, "-m", "stepline", *arguments, "--port", port]
            subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, check=True)

        stepline("up", "--detach", *(f"--with={name}" for name in systems))
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            stepline("down")


@dataclass
class _Tally:
    permissions: int = 0
    unnoticed: int = 0
    unused: int = 0


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.iam.mutations", description=__doc__)
    parser.add_argument("--only", default="", help="permissions whose name contains this text")
    names = [APPLICATION, *(f"{APPLICATION}-{name}" for name in system_names())]
    parser.add_argument("--stack", action="append", choices=names, help="only this stack; may be repeated")
    arguments = parser.parse_args()
    chosen = [suite for name, suite in suites().items() if name in (arguments.stack or names)]
    tally = _Tally()
    with local_aws(*system_names()) as endpoint_url:
        for suite in chosen:
            _mutate_suite(suite, endpoint_url, arguments.only, tally)
    _write(
        f"{tally.permissions} permissions: {tally.unnoticed} can be removed without an effect,"
        f" {tally.unused} are used by no scenario"
    )
    return 1 if tally.unnoticed or tally.unused else 0


def _mutate_suite(suite: Suite, endpoint_url: str, only: str, tally: _Tally) -> None:
    """Remove the permissions of one stack whose names contain the text `only`."""
    selected = [permission for permission in permissions(suite.stack) if only in str(permission)]
    unused = set(selected)
    system = suite.system(endpoint_url, suite.stack, timeout_seconds=_TIMEOUT_SECONDS)
    for variant in (None, *suite.variants):
        if not unused:
            break
        if variant is not None:
            variant.deploy(system)
        scenarios = suite.scenarios if variant is None else variant.scenarios
        for result in mutate(system, [item for item in selected if item in unused], scenarios):
            unused.discard(result.permission)
            tally.unnoticed += not result.effect
            _print(result)
    for permission in sorted(unused):
        _write(f"NOT USED  {permission}")
    tally.permissions += len(selected)
    tally.unused += len(unused)


def _print(result: Result) -> None:
    effect = result.effect[:_SHOWN_CHARACTERS] or "NO EFFECT"
    _write(f"{result.permission!s:100} {result.scenario.__name__:40} {effect}")


def _write(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
