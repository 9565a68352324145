"""Builds whose outcome on AWS is known: the files of `cases/codebuild`.

A file has `cases`: name -> case, and may have a `source` for all of them. A case has

- `buildspec`, and `files` of the source, name -> text; `start`: parameters of StartBuild;
- `parameters` and `secrets`: what Parameter Store and Secrets Manager have, name -> value;
- `then`: any of `status`; `phases`, type -> status, others are not compared; `context`, the code and the
  message of the first phase that failed; `output`, the lines that the commands write; `exported`, variables;
  `artifact`, the names of its files.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from tests.localaws.codebuild.world import BUCKET, World, statuses
from tests.parity.case_files import read_cases
from tests.parity.outcome import Outcome

CASES = Path(__file__).parent / "cases" / "codebuild"

Case = Mapping[str, Any]


def replay() -> Iterator[Outcome]:
    """Run all cases, each in a folder of its own."""
    for name, case in read_cases(CASES):
        with tempfile.TemporaryDirectory() as directory:
            seen = _run(case, World(Path(directory) / "builds"))
        yield Outcome(
            case=name,
            source=case["source"],
            expected=_text(case["then"]),
            seen=_text(seen),
            difference=case.get("difference", ""),
        )


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def _run(case: Case, world: World) -> dict[str, Any]:
    world.parameters.values = case.get("parameters", {})
    world.secrets.values = case.get("secrets", {})
    buildspec = case["buildspec"]
    text = buildspec if isinstance(buildspec, str) else yaml.safe_dump(buildspec, sort_keys=False)
    build = world.build(text, case.get("files"), **case.get("start", {}))
    then = case["then"]
    found = {
        "status": build["buildStatus"],
        "phases": {name: statuses(build).get(name, "") for name in then.get("phases", ())},
        "context": _failure(build),
        "output": world.output(build),
        "exported": {item["name"]: item["value"] for item in build["exportedEnvironmentVariables"]},
        "artifact": sorted(world.artifact()) if (BUCKET, "app.zip") in world.s3.objects else None,
    }
    world.service.close()
    return {key: found[key] for key in then}


def _failure(build: Mapping[str, Any]) -> list[str]:
    contexts = (context for phase in build["phases"] for context in phase.get("contexts", ()))
    return next(([item["statusCode"], item["message"]] for item in contexts if item["statusCode"]), [])
