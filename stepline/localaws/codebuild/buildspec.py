"""Parses build specifications: https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html

Values stay the text that is written, as CodeBuild reads it: `0.10` and `yes` are no numbers and booleans.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from stepline.localaws.codebuild.errors import PhaseError
from stepline.localaws.codebuild.models import PhaseType
from stepline.localaws.codebuild.settings import DEFAULT_RETRIES

DEFAULT_PATH = "buildspec.yml"
COMMAND_PHASES = {
    "install": PhaseType.INSTALL,
    "pre_build": PhaseType.PRE_BUILD,
    "build": PhaseType.BUILD,
    "post_build": PhaseType.POST_BUILD,
}
_VERSIONS = ("0.1", "0.2")
_SHELLS = {"": "sh", "sh": "sh", "/bin/sh": "sh", "bash": "bash", "/bin/bash": "bash"}
_IGNORED = {
    "batch": "batch builds are not supported: this is one build",
    "cache": "the cache is not kept",
    "proxy": "proxy settings are not used",
    "reports": "reports are not stored",
}
_RETRY = re.compile(r"RETRY(?:-(\d+))?(?:-(.+))?", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True)
class OnFailure:
    """What to do after a failed phase. `action` is ABORT, CONTINUE or RETRY; "" is the default.

    `pattern`: the failure's output must match it for a retry.
    """

    action: str = ""
    retries: int = 0
    pattern: str = ".*"


@dataclass(frozen=True)
class PhaseSpec:
    commands: tuple[str, ...] = ()
    finally_commands: tuple[str, ...] = ()
    on_failure: OnFailure = OnFailure()
    runtime_versions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ArtifactSpec:
    files: tuple[str, ...]
    name: str = ""
    base_directory: str = ""
    exclude_paths: tuple[str, ...] = ()
    discard_paths: bool = False
    enable_symlinks: bool = False
    s3_prefix: str = ""


@dataclass(frozen=True, kw_only=True)
class Buildspec:
    """`notes`: what the buildspec has and a local build ignores."""

    version: str
    shell: str = "sh"
    variables: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    exported: tuple[str, ...] = ()
    phases: Mapping[PhaseType, PhaseSpec] = field(default_factory=dict)
    artifacts: ArtifactSpec | None = None
    secondary_artifacts: Mapping[str, ArtifactSpec] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def keeps_environment(self) -> bool:
        """Whether a command sees the directory and the variables that earlier ones left ("versions")."""
        return self.version != "0.1"


def is_inline(text: str) -> bool:
    """Return whether the text is a buildspec, and not the path or the ARN of one."""
    try:
        return isinstance(yaml.load(text, Loader=yaml.BaseLoader), dict)  # noqa: S506 - makes text only
    except yaml.YAMLError:
        return "\n" in text


def parse_buildspec(text: str) -> Buildspec:
    """Raises PhaseError, YAML_FILE_ERROR."""
    try:
        document = yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506 - makes text only
    except yaml.YAMLError as error:
        raise _invalid(f"{error}".replace("\n", " ")) from error
    if not isinstance(document, dict):
        raise _invalid("wrong number of container tags, expected 1")
    version = str(document.get("version", ""))
    if version not in _VERSIONS:
        raise _invalid(f"Unknown buildspec version: {version!r}; it must be {' or '.join(_VERSIONS)}")
    phases = _mapping(document, "phases")
    if not phases:
        raise _invalid("At least one phase must be specified: phases is empty")
    return _buildspec(version, document, phases)


def _buildspec(version: str, document: Mapping[str, Any], phases: Mapping[str, Any]) -> Buildspec:
    environment = _mapping(document, "env")
    artifacts = _mapping(document, "artifacts")
    shell = str(environment.get("shell", ""))
    if shell not in _SHELLS:
        raise _invalid(f"Unknown shell {shell}: a local build has bash and /bin/sh")
    return Buildspec(
        version=version,
        shell=_SHELLS[shell],
        variables=_texts(environment, "variables"),
        parameters=_texts(environment, "parameter-store"),
        secrets=_texts(environment, "secrets-manager"),
        exported=_list(environment, "exported-variables"),
        phases={
            phase_type: _phase(phases, name) for name, phase_type in COMMAND_PHASES.items() if name in phases
        },
        artifacts=_artifact(artifacts) if artifacts.get("files") else None,
        secondary_artifacts={
            name: _artifact(item) for name, item in _mapping(artifacts, "secondary-artifacts").items()
        },
        notes=tuple(_notes(document, phases)),
    )


def _notes(document: Mapping[str, Any], phases: Mapping[str, Any]) -> list[str]:
    notes = [f"{key}: {note}" for key, note in _IGNORED.items() if document.get(key)]
    users = [document.get("run-as"), *(_mapping(phases, name).get("run-as") for name in phases)]
    if named := sorted({str(user) for user in users if user}):
        notes.append(f"run-as {', '.join(named)}: commands run as the user of this machine")
    unknown = sorted(set(phases) - set(COMMAND_PHASES))
    return [*notes, *(f"phases: {name} is no phase" for name in unknown)]


def _phase(phases: Mapping[str, Any], name: str) -> PhaseSpec:
    phase = _mapping(phases, name)
    return PhaseSpec(
        commands=_commands(phase, "commands"),
        finally_commands=_commands(phase, "finally"),
        on_failure=_on_failure(str(phase.get("on-failure", ""))),
        runtime_versions=_texts(phase, "runtime-versions"),
    )


def _on_failure(text: str) -> OnFailure:
    if text.upper() in {"", "ABORT", "CONTINUE"}:
        return OnFailure(text.upper())
    match = _RETRY.fullmatch(text)
    if match is None:
        raise _invalid(f"Unknown on-failure {text}: it is ABORT, CONTINUE, RETRY or RETRY-<count>-<regex>")
    retries = int(match[1]) if match[1] else DEFAULT_RETRIES
    pattern = match[2] or ".*"
    try:
        re.compile(pattern)
    except re.error as error:
        raise _invalid(f"on-failure {text}: {error}") from error
    return OnFailure("RETRY", retries, pattern)


def _commands(phase: Mapping[str, Any], key: str) -> tuple[str, ...]:
    value = phase.get(key) or []
    items = [value] if isinstance(value, str) else value
    if not isinstance(items, list):
        raise _invalid(f"Expected {key} to be of list type")
    for index, item in enumerate(items):
        if not isinstance(item, str):
            raise _invalid(
                f"Expected {key.title()}[{index}] to be of string type: found subkeys instead; put the "
                f"command into quotation marks: {_first_key(item)}"
            )
    return tuple(items)


def _first_key(item: Any) -> str:
    return str(next(iter(item), "")) if isinstance(item, Mapping) else str(item)


def _artifact(document: Any) -> ArtifactSpec:
    if not isinstance(document, Mapping):
        raise _invalid("Expected artifacts to be of map type")
    return ArtifactSpec(
        files=_list(document, "files"),
        name=str(document.get("name", "")),
        base_directory=str(document.get("base-directory", "")),
        exclude_paths=_list(document, "exclude-paths"),
        discard_paths=_flag(document, "discard-paths"),
        enable_symlinks=_flag(document, "enable-symlinks"),
        s3_prefix=str(document.get("s3-prefix", "")),
    )


def _flag(document: Mapping[str, Any], key: str) -> bool:
    return str(document.get(key, "")).lower() in {"yes", "true"}


def _list(document: Mapping[str, Any], key: str) -> tuple[str, ...]:
    value = document.get(key) or []
    items = [value] if isinstance(value, str) else value
    if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
        raise _invalid(f"Expected {key} to be a list of strings")
    return tuple(items)


def _texts(document: Mapping[str, Any], key: str) -> dict[str, str]:
    texts = _mapping(document, key)
    if invalid := [name for name, value in texts.items() if not isinstance(value, str)]:
        raise _invalid(f"Expected {key}/{invalid[0]} to be of string type")
    return dict(texts)


def _mapping(document: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = document.get(key)
    if value in (None, "", []):
        return {}
    if not isinstance(value, Mapping):
        raise _invalid(f"Expected {key} to be of map type")
    return value


def _invalid(message: str) -> PhaseError:
    return PhaseError("YAML_FILE_ERROR", message)
