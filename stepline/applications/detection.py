"""Finds out how the application in a folder is deployed: as a template, with SAM or with the CDK."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from stepline.applications.sam_configuration import SAM_CONFIGURATION_FILE, read_deploy_settings
from stepline.applications.template_needs import SAM_TRANSFORM, names_local_files, needs_transform
from stepline.core.errors import UsageError
from stepline.core.suggestions import similar_name
from stepline.deployment.template import read_template
from stepline.deployment.template_check import TEMPLATE_ENDINGS, is_template

_CDK_FILE: Final = "cdk.json"
_SAM_TEMPLATES: Final = ("template.yaml", "template.yml", "template.json")
"""Where the SAM CLI looks for a template [sam build]."""

CDK_TEMPLATE: Final = "template.json"
"""What package_cdk.py writes in the Build stage."""

_CHOICES: Final = "--sam, --cdk or --template FILE"


class Kind(StrEnum):
    """How an application gets from its repository to CloudFormation."""

    TEMPLATE = "a CloudFormation template"
    PACKAGED = "a CloudFormation template with local files"
    SAM = "a SAM application"
    CDK = "a CDK application"


@dataclass(frozen=True)
class Application:
    """`template` is the path of the template in `folder`. That of a CDK application does not exist yet."""

    folder: Path
    kind: Kind
    template: str
    document: Mapping[str, Any] = field(default_factory=dict)


def find_application(folder: Path, *, sam: bool, cdk: bool, template: str | None) -> Application:
    """Return the application that the options choose; without options, the only one that the folder has.

    Raises UsageError, which names the choices.
    """
    if not folder.is_dir():
        raise UsageError(f"{folder} is not a folder: create it, with your template or application in it")
    if (sam and cdk) or (cdk and template):
        raise UsageError(f"choose one of {_CHOICES}")
    if cdk or (not (sam or template) and (folder / _CDK_FILE).is_file()):
        return _cdk_application(folder)
    if template:
        return _template(folder, _existing(folder, template), sam=sam)
    return _sam_application(folder) if sam else _only_template(folder)


def _cdk_application(folder: Path) -> Application:
    if not (folder / _CDK_FILE).is_file():
        raise UsageError(
            f"{_shown(folder)} has no {_CDK_FILE}: create the CDK application with `cdk init`, or choose "
            "--sam or --template FILE"
        )
    return Application(folder, Kind.CDK, CDK_TEMPLATE)


def _sam_application(folder: Path) -> Application:
    name = _default_template(folder)
    if name is None:
        raise UsageError(
            f"{_shown(folder)} has no template.yaml: create the application with `sam init`, or name its "
            "template with --sam --template FILE"
        )
    return _template(folder, name, sam=True)


def _only_template(folder: Path) -> Application:
    """Return the SAM application or the only template of the folder."""
    names = [
        path.name
        for path in sorted(folder.iterdir())
        if path.suffix in TEMPLATE_ENDINGS and is_template(path)
    ]
    default = _default_template(folder)
    if default in names and ((folder / SAM_CONFIGURATION_FILE).is_file() or _is_sam(folder / default)):
        return _template(folder, default, sam=True)
    if len(names) > 1:
        raise UsageError(
            f"{_shown(folder)} has several templates, {', '.join(names)}: choose one with --template FILE"
        )
    if not names:
        raise UsageError(
            f"{_shown(folder)} has no {_CDK_FILE} and no template: there is nothing to deploy yet. "
            f"Write a template, begin with `sam init` or `cdk init`, or choose {_CHOICES}"
        )
    return _template(folder, names[0], sam=False)


def _default_template(folder: Path) -> str | None:
    configured = read_deploy_settings(folder / SAM_CONFIGURATION_FILE).template_file
    names = (configured, *_SAM_TEMPLATES) if configured else _SAM_TEMPLATES
    return next((name for name in names if (folder / name).is_file()), None)


def _is_sam(path: Path) -> bool:
    return needs_transform(read_template(path))


def _shown(folder: Path) -> str:
    return "this folder" if folder == Path() else str(folder)


def _existing(folder: Path, name: str) -> str:
    """Return the path of the template from `folder`; `name` may also be one from the current folder."""
    for path in (folder / name, Path(name)):
        if path.is_file() and path.resolve().is_relative_to(folder.resolve()):
            return path.resolve().relative_to(folder.resolve()).as_posix()
    if Path(name).is_file():
        raise UsageError(
            f"{name} is not in {_shown(folder)}: a pipeline deploys only what is in its repository"
        )
    files = [path.name for path in folder.iterdir() if path.suffix in TEMPLATE_ENDINGS]
    similar = similar_name(name, files)
    raise UsageError(f"template {name} does not exist{f': did you mean {similar}?' if similar else ''}")


def _template(folder: Path, name: str, *, sam: bool) -> Application:
    document = read_template(folder / name)
    if sam and not needs_transform(document):
        raise UsageError(
            f"{folder / name} is not a template of SAM: it has no `Transform: {SAM_TRANSFORM}`; "
            "choose --template FILE for a template of CloudFormation"
        )
    if needs_transform(document):
        return Application(folder, Kind.SAM, name, document)
    kind = Kind.PACKAGED if names_local_files(document) else Kind.TEMPLATE
    return Application(folder, kind, name, document)
