"""Replays changes of templates: what the change set says of each resource, and what the update does.

Each file of `cases/changes/` has a `template`, and `changes` of it. A `change` is merged into the template;
`<absent>` deletes a member. `parameters` are those of the change set. `expected` has `Action` and
`Replacement` of each resource in the change set. The update must then replace the resources with
`Replacement` True, and no others: no conditional change of the collection replaces its resource. The
replacement of a resource in `same_id` has the same physical id.

`source` names a property whose page in the template reference has "Update requires".
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from tests.localaws.cloudformation.deployments import Deployment
from tests.localaws.running_server import running_server
from tests.parity.cloudformation import merged
from tests.parity.outcome import Outcome

CASES = Path(__file__).parent / "cases/changes"


def replay() -> Iterator[Outcome]:
    """Run all cases on one local AWS."""
    with tempfile.TemporaryDirectory() as folder, running_server(Path(folder)) as server:
        client = server.client("cloudformation")
        for name, (template, case) in read_cases().items():
            yield run_case(Deployment(client), name, template, case)


def read_cases() -> dict[str, tuple[dict[str, Any], dict[str, Any]]]:
    """Return template and case by the names of the cases."""
    found = {}
    for path in sorted(CASES.glob("*.yaml")):
        application = yaml.safe_load(path.read_text())
        for name, case in application["changes"].items():
            found[f"{path.stem}.{name}"] = (application["template"], case)
    return found


def run_case(
    deployment: Deployment, name: str, template: Mapping[str, Any], case: Mapping[str, Any]
) -> Outcome:
    expected = case["expected"]
    same_id = case.get("same_id", [])
    replaced = [name for name, effect in expected.items() if effect == "Modify True" and name not in same_id]
    seen = _seen(deployment, template, case)
    return Outcome(name, case["source"], _text(expected, replaced), seen, case.get("difference", ""))


def _seen(deployment: Deployment, template: Mapping[str, Any], case: Mapping[str, Any]) -> str:
    deployment.create(template)
    before = deployment.physical_ids()
    changed = merged(template, case.get("change", {}))
    changes = deployment.preview(changed, nested=True, **case.get("parameters", {}))
    effects = {
        logical_id: f"{change['Action']} {change.get('Replacement', '')}".strip()
        for logical_id, change in changes.items()
    }
    try:
        deployment.execute()
    except AssertionError as error:
        return f"{_text(effects, [])} but {error}"
    after = deployment.physical_ids()
    replaced = [
        logical_id for logical_id in before if after.get(logical_id, before[logical_id]) != before[logical_id]
    ]
    deployment.delete()
    return _text(effects, replaced)


def _text(effects: Mapping[str, str], replaced: list[str]) -> str:
    listed = ", ".join(f"{logical_id} {effects[logical_id]}" for logical_id in sorted(effects))
    return f"{listed}; replaced: {', '.join(sorted(replaced)) or 'none'}"
