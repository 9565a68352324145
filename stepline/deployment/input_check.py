"""Checks, before a push, that the application has the files which the pipeline's action reads."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from stepline.aws.pipelines import ActionDefinition, PipelineDefinition
from stepline.core.errors import UsageError
from stepline.core.suggestions import similar_name

INPUT_FILE: Final = "state_machine_input.json"
_EXAMPLE: Final = '{"environmentName": "dev", "stackName": "app", "templatePath": "template.yaml"}'
_CONFIGURATION_KEY: Final = "templateConfigurationPath"
CONFIGURATION_FILE: Final = "template_configuration.json"
_TEMPLATE_KEYS: Final = ("templatePath", _CONFIGURATION_KEY)
_BUILDING: Final = frozenset({"Build", "Compute"})
_TRIGGER_SUFFIX: Final = "-trigger"
"""Ending of the name of stepline's trigger; other functions have inputs of their own."""


def check_input(source: Path, definition: PipelineDefinition) -> None:
    """Raise UsageError if an action of the pipeline cannot find its input, or that names a missing file.

    Only the default input of actions that read the source itself is known: after a Build action they read
    another artifact. Missing values of the template configuration are found in any case.
    """
    actions = [action for stage in definition.stages for action in stage.actions]
    if not source.is_dir():
        return
    _check_values(source)
    if any(action.category in _BUILDING for action in actions):
        return
    for action in actions:
        if _reads_default_input(action):
            _check_file(source, action, definition.name)


def _check_values(source: Path) -> None:
    """Raise UsageError for null, which `stepline init` writes for values that only the user knows."""
    name = _members(source / INPUT_FILE).get(_CONFIGURATION_KEY)
    file = source / name if isinstance(name, str) else source / CONFIGURATION_FILE
    values = _members(file).get("Parameters")
    values = values if isinstance(values, dict) else {}
    if missing := [key for key, value in values.items() if value is None]:
        raise UsageError(f"{file} has no value for {', '.join(missing)}: replace null")


def _members(file: Path) -> Any:
    """Return the JSON object in a file; empty without the file, or if it is none."""
    try:
        document = json.loads(file.read_bytes())
    except (OSError, ValueError):
        return {}
    return document if isinstance(document, dict) else {}


def _reads_default_input(action: ActionDefinition) -> bool:
    is_trigger = action.configuration.get("FunctionName", "").endswith(_TRIGGER_SUFFIX)
    has_parameters = bool(action.configuration.get("UserParameters", "").strip())
    return action.provider == "Lambda" and is_trigger and not has_parameters


def _check_file(source: Path, action: ActionDefinition, pipeline: str) -> None:
    file = source / INPUT_FILE
    if not file.is_file():
        raise UsageError(
            f"{source} has no {INPUT_FILE}, which action {action.name} of pipeline {pipeline} reads: "
            f"write it, such as {_EXAMPLE}, or push nevertheless with --no-check"
        )
    try:
        document = json.loads(file.read_bytes())
    except ValueError as error:
        raise UsageError(f"{file} is not JSON: {error}") from error
    for key in _TEMPLATE_KEYS:
        name = document.get(key) if isinstance(document, dict) else None
        if isinstance(name, str) and not (source / name).is_file():
            raise UsageError(
                f"{file} names {name} ({key}), which {source} does not have{_similar(source, name)}"
            )


def _similar(source: Path, name: str) -> str:
    """Return the file that is meant, if one with a similar name or another ending is in the same folder."""
    folder = (source / name).parent
    files = [file.name for file in folder.iterdir() if file.is_file()] if folder.is_dir() else []
    same_stem = [each for each in files if Path(each).stem == Path(name).stem and each != INPUT_FILE]
    found = similar_name(Path(name).name, same_stem or files)
    return f": did you mean {found}?" if found else ""
