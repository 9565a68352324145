"""Reads the parameters of `sam deploy` from a configuration file of the SAM CLI.

https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/serverless-sam-cli-config.html
"""

from __future__ import annotations

import shlex
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from stepline.core.errors import UsageError

SAM_CONFIGURATION_FILE: Final = "samconfig.toml"

_PREFIX, _SEPARATOR = "ParameterKey=", ",ParameterValue="


@dataclass(frozen=True)
class DeploySettings:
    """What `[default.deploy.parameters]` and `[default.global.parameters]` contain."""

    stack_name: str | None = None
    template_file: str | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)


def read_deploy_settings(file: Path) -> DeploySettings:
    """Return the settings; those of a file that does not exist are empty.

    Raises UsageError if the file is not TOML, or `parameter_overrides` has no form that SAM knows.
    """
    try:
        document = tomllib.loads(file.read_text())
    except FileNotFoundError:
        return DeploySettings()
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{file} is not TOML: {error}") from error
    values = {**_section(document, "global"), **_section(document, "deploy")}
    return DeploySettings(
        stack_name=_text(values.get("stack_name")),
        template_file=_text(values.get("template_file", values.get("template"))),
        parameters=_overrides(values.get("parameter_overrides", {}), file),
    )


def _section(document: Mapping[str, Any], command: str) -> dict[str, Any]:
    section: Any = document
    for name in ("default", command, "parameters"):
        section = section.get(name, {}) if isinstance(section, Mapping) else {}
    return dict(section) if isinstance(section, Mapping) else {}


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _overrides(value: object, file: Path) -> dict[str, str]:
    """Parse text such as `A=1 B="x y"`, a list of such texts, or a table."""
    if isinstance(value, Mapping):
        return {str(name): _joined(each) for name, each in value.items()}
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise UsageError(f'{file}: write parameter_overrides as a list such as ["Name=value"]')
    return dict(_pair(item, file) for item in _items(texts))


def _items(texts: Iterable[str]) -> list[str]:
    try:
        return [item for text in texts for item in shlex.split(text)]
    except ValueError:  # a quotation mark that is part of a value
        return list(texts)


def _pair(item: str, file: Path) -> tuple[str, str]:
    if item.startswith(_PREFIX) and _SEPARATOR in item:
        name, _, value = item.removeprefix(_PREFIX).partition(_SEPARATOR)
    else:
        name, sign, value = item.partition("=")
        if not sign or not name:
            raise UsageError(f"{file}: {item!r} in parameter_overrides is not Name=value")
    return name, value


def _joined(value: object) -> str:
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)
