"""Writes the files with which a pipeline deploys an application: what `stepline init` creates."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from stepline.applications.detection import Application, Kind
from stepline.applications.sam_configuration import SAM_CONFIGURATION_FILE, read_deploy_settings
from stepline.applications.settings import SETTINGS_FILE
from stepline.applications.template_needs import (
    AUTO_EXPAND,
    IAM,
    NAMED_IAM,
    Parameter,
    capabilities,
    function_runtimes,
    parameters_without_default,
)
from stepline.core.errors import UsageError
from stepline.deployment.input_check import CONFIGURATION_FILE, INPUT_FILE

BUILD_SCRIPT: Final = "build.sh"
CDK_SCRIPT: Final = "package_cdk.py"
BUILDSPEC: Final = "buildspec.yml"

_SOURCES = Path(__file__).parent / "files"
_BUILD_SCRIPTS: Final = {
    Kind.PACKAGED: "package_build.sh",
    Kind.SAM: "sam_build.sh",
    Kind.CDK: "cdk_build.sh",
}
_MAX_PROJECT_CHARACTERS = 22
"""The stack `<project>-pipeline` may have 31 characters [template.yaml: names of functions]."""

_RUNTIMES: Final = ("python", "nodejs", "java", "ruby", "dotnet")
"""How CodeBuild names runtimes; Lambda's names begin with them."""
_VERSION = re.compile(r"[0-9]+(\.[0-9]+)?")
_CDK_RUNTIMES: Final = {"nodejs": "22", "python": "3.13"}


@dataclass(frozen=True)
class File:
    """A file to create, what it is for, and what an existing one of its name must do in its place."""

    name: str
    content: str
    purpose: str
    advice: str = ""


def project_name(folder: Path) -> str:
    """Return the name of the folder as a name for a repository, a pipeline and a stack."""
    name = re.sub(r"[^a-z0-9]+", "-", folder.resolve().name.lower()).strip("-")
    name = name if re.match(r"[a-z]", name) else f"app-{name}".strip("-")
    return name[:_MAX_PROJECT_CHARACTERS].strip("-")


def _application_name(folder: Path) -> str:
    """Return the name of the stack, which by default must end with -app [template.yaml]."""
    name = project_name(folder)
    return name if name == "app" or name.endswith("-app") else f"{name}-app"


def files_of(application: Application, *, build: str) -> list[File]:
    """Return the files that the pipeline needs; `build` is Commands or CodeBuild, if something is built."""
    files = [_settings_file(application, build), _input_file(application)]
    if parameters_without_default(application.document):
        files.append(_configuration_file(application))
    if application.kind in _BUILD_SCRIPTS:
        files += _build_files(application, build)
    return files


def missing_parameters(application: Application) -> list[Parameter]:
    """Return the parameters that need a value, and have none in the template configuration in the folder.

    Raises UsageError if that is not JSON.
    """
    values = _configured(application.folder / CONFIGURATION_FILE)
    declared = parameters_without_default(application.document)
    return [parameter for parameter in declared if values.get(parameter.name) is None]


def missing_pythons(application: Application) -> list[str]:
    """Return the versions of Python that `sam build` needs for functions and this machine does not have."""
    if application.kind is not Kind.SAM:
        return []
    runtimes = set(function_runtimes(application.document))
    versions = sorted(runtime.removeprefix("python") for runtime in runtimes if runtime.startswith("python"))
    return [version for version in versions if shutil.which(f"python{version}") is None]


def _settings_file(application: Application, build: str) -> File:
    line = f'  "Build={build}",\n' if application.kind in _BUILD_SCRIPTS else ""
    content = (
        _source("stepline.toml").replace("PROJECT", project_name(application.folder)).replace("BUILD", line)
    )
    advice = f'parameter_overrides must have "Build={build}"' if line else ""
    return File(SETTINGS_FILE, content, "the pipeline that `stepline up` deploys in this folder", advice)


def _input_file(application: Application) -> File:
    document: dict[str, Any] = {
        "environmentName": "dev",
        "stackName": _application_name(application.folder),
        "templatePath": application.template,
    }
    has_configuration = (application.folder / CONFIGURATION_FILE).is_file()
    if has_configuration or parameters_without_default(application.document):
        document["templateConfigurationPath"] = CONFIGURATION_FILE
    if names := needed_capabilities(application):
        document["capabilities"] = names
    purpose = f"what the pipeline deploys: {application.template} as the stack dev-{document['stackName']}"
    return File(INPUT_FILE, _json(document), purpose, f"templatePath must be {application.template}")


def needed_capabilities(application: Application) -> list[str]:
    """Return the capabilities of the template; for an application of the CDK, those of `cdk deploy`."""
    if application.kind is Kind.CDK:
        return [IAM, NAMED_IAM, AUTO_EXPAND]
    return capabilities(application.document, application.folder)


def _configuration_file(application: Application) -> File:
    """Return a template configuration with the values that samconfig.toml has; null is a value to fill in."""
    given = read_deploy_settings(application.folder / SAM_CONFIGURATION_FILE).parameters
    declared = application.document.get("Parameters", {})
    wanted = {parameter.name: None for parameter in parameters_without_default(application.document)}
    values = {**wanted, **{name: value for name, value in given.items() if name in declared}}
    content = _json({"Parameters": values})
    return File(CONFIGURATION_FILE, content, "the values of the template's parameters")


def _build_files(application: Application, build: str) -> Iterator[File]:
    script = _source(_BUILD_SCRIPTS[application.kind]).replace("TEMPLATE", application.template)
    advice = (
        f"the pipeline runs it, and it must upload packages to PACKAGE_BUCKET; or name another script in "
        f"{SETTINGS_FILE} with BuildCommands"
    )
    yield File(BUILD_SCRIPT, script, "what the pipeline's Build stage runs", advice)
    if application.kind is Kind.CDK:
        yield File(CDK_SCRIPT, _source(CDK_SCRIPT), "uploads the assets of the synthesized application")
    if build == "CodeBuild":
        content = _source(BUILDSPEC).replace("RUNTIMES", _runtimes(application))
        advice = f"it must run `sh {BUILD_SCRIPT}`, and its artifacts must be the files that this leaves"
        yield File(BUILDSPEC, content, "what the project of CodeBuild runs", advice)
    yield File(".gitignore", _source("gitignore"), "what is not pushed")


def _runtimes(application: Application) -> str:
    """Return `runtime-versions` for the functions of a template, in the newest version of each runtime."""
    found = dict(_CDK_RUNTIMES) if application.kind is Kind.CDK else {}
    for runtime in function_runtimes(application.document):
        for name in _RUNTIMES:
            version = _VERSION.search(runtime)
            if runtime.startswith(name) and version:
                found[name] = max(found.get(name, version[0]), version[0], key=_version_key)
    found = found or {"python": _CDK_RUNTIMES["python"]}
    return "{ " + ", ".join(f"{name}: {version}" for name, version in found.items()) + " }"


def _version_key(version: str) -> list[int]:
    return [int(part) for part in version.split(".")]


def _configured(file: Path) -> Mapping[str, Any]:
    if not file.is_file():
        return {}
    try:
        parameters = json.loads(file.read_bytes()).get("Parameters", {})
    except (AttributeError, ValueError) as error:
        raise UsageError(f"{file} is not a template configuration in JSON: {error}") from error
    return parameters if isinstance(parameters, Mapping) else {}


def _source(name: str) -> str:
    return (_SOURCES / name).read_text()


def _json(document: object) -> str:
    return json.dumps(document, indent=2) + "\n"
