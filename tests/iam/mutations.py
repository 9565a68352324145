"""`python -m tests.iam.mutations`: take away each permission in turn, and see what breaks.

Ends with 1 if nothing does. Every way through each stack is run once with all permissions, which tells
what each needs; then, for each permission, the ways that need it are run without it until one breaks.
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

from tests.iam.permissions import TRUST_POLICY, Permission, permissions
from tests.iam.proofs import Proof, Way, proofs
from tests.iam.stacks import APPLICATION, PROJECT, system_names
from tests.iam.system import System
from tests.ports import free_port

_LEFT_OUT = "is left out"
_SILENT = ("logs:", "xray:")
"""AWS says nothing when a log or a trace may not be written."""
_PATIENCE_SECONDS = 8.0
_SHOWN_CHARACTERS = 110


@dataclass(frozen=True)
class Result:
    """`effect` is empty if the way went on as if nothing had been taken away."""

    permission: Permission
    way: Way
    effect: str


@contextlib.contextmanager
def without(system: System, permission: Permission) -> Iterator[None]:
    """Take the permission from its role, in the running local AWS, and give it back."""
    document = _policy(system, permission)
    less = json.loads(json.dumps(document))
    statement = less["Statement"][permission.statement]
    actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
    assert permission.action in actions, permission
    # An action that nobody has keeps the place of a statement that has no other.
    statement["Action"] = [action for action in actions if action != permission.action] or ["sts:None"]
    _put_policy(system, permission, less)
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
    return system.beside(permission.stack).resources[permission.role]


def effect_of(system: System, permission: Permission, way: Way) -> str:
    """What is different without the permission: the way fails, or AWS leaves something out without a word."""
    system.forget()
    with without(system, permission):
        system.beside(permission.stack).restart(permission.role)
        try:
            way(system)
        except Exception as error:
            effect = f"fails: {' '.join(str(error).split())}"
        else:
            effect = "".join(f"{_LEFT_OUT}: {message}" for message in system.denials()[:1])
    system.settle()
    return effect


def ways_of_permissions(system: System, ways: Iterable[Way]) -> dict[Permission, list[Way]]:
    """For each permission the ways that need it, the shortest first."""
    found: dict[Permission, list[tuple[float, Way]]] = {}
    for way in ways:
        system.forget()
        began = time.monotonic()
        way(system)
        took = time.monotonic() - began
        for permission in system.used():
            found.setdefault(permission, []).append((took, way))
    return {
        permission: [way for _, way in sorted(timed, key=lambda pair: pair[0])]
        for permission, timed in found.items()
    }


def mutate(system: System, wanted: Sequence[Permission], ways: Iterable[Way]) -> Iterator[Result]:
    """One result for each of the `wanted` permissions that one of the ways needs."""
    needed = ways_of_permissions(replace(system, patience_seconds=60.0), ways)
    for permission in wanted:
        if candidates := needed.get(replace(permission, resources=1)):
            yield _first_effect(system, permission, candidates)


def _first_effect(system: System, permission: Permission, ways: Sequence[Way]) -> Result:
    """A way may go on without what it uses by the way: then another one shows why it is needed."""
    result = Result(permission, ways[0], "")
    for way in ways:
        if effect := effect_of(system, permission, way):
            result = Result(permission, way, effect)
            if not effect.startswith(_LEFT_OUT) or permission.action.startswith(_SILENT):
                break
    return result


@contextlib.contextmanager
def local_aws(*systems: str) -> Iterator[str]:
    """A local AWS with the application and these systems; its address."""
    port = str(free_port())
    with tempfile.TemporaryDirectory() as home:
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "STEPLINE_"))}
        environment = kept | {"HOME": home, "XDG_RUNTIME_DIR": home, "TMPDIR": home}

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
    wanted: int = 0
    survived: int = 0
    missing: int = 0


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.iam.mutations", description=__doc__)
    parser.add_argument("--only", default="", help="permissions whose name has this text")
    names = [APPLICATION, *(f"{APPLICATION}-{name}" for name in system_names())]
    parser.add_argument("--stack", action="append", choices=names, help="this stack; may be repeated")
    arguments = parser.parse_args()
    chosen = [proof for name, proof in proofs().items() if name in (arguments.stack or names)]
    tally = _Tally()
    with local_aws(*system_names()) as endpoint_url:
        for proof in chosen:
            _prove(proof, endpoint_url, arguments.only, tally)
    _say(
        f"{tally.wanted} permissions, {tally.survived} could be taken away unnoticed,"
        f" {tally.missing} no way needs"
    )
    return 1 if tally.survived or tally.missing else 0


def _prove(proof: Proof, endpoint_url: str, only: str, tally: _Tally) -> None:
    """The permissions of one stack whose names have the text `only`."""
    wanted = [permission for permission in permissions(proof.stack) if only in str(permission)]
    missing = set(wanted)
    system = proof.system(endpoint_url, proof.stack, patience_seconds=_PATIENCE_SECONDS)
    for variant in (None, *proof.variants):
        if not missing:
            break
        if variant is not None:
            variant.deploy(system)
        ways = proof.ways if variant is None else variant.ways
        for result in mutate(system, [item for item in wanted if item in missing], ways):
            missing.discard(result.permission)
            tally.survived += not result.effect
            _print(result)
    for permission in sorted(missing):
        _say(f"NO WAY NEEDS  {permission}")
    tally.wanted += len(wanted)
    tally.missing += len(missing)


def _print(result: Result) -> None:
    effect = result.effect[:_SHOWN_CHARACTERS] or "NOTHING BREAKS"
    _say(f"{result.permission!s:100} {result.way.__name__:40} {effect}")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
