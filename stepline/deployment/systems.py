"""Finds the systems to deploy beside the pipeline: folders of `statemachines/` that have a template.

`statemachines/s3_trigger/` is the system `s3-trigger`. Besides its `template.yaml` the folder may have

`image/`       a container image, which is pushed to the repository in an output of the stack
`sample.yaml`  the template of a sample stack that uses the system; its parameters get the values of the
               system's outputs of the same names
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from stepline.core.errors import UsageError
from stepline.core.suggestions import did_you_mean
from stepline.deployment import template as templates

_FOLDER = Path("statemachines")
IMAGE_REPOSITORY_OUTPUT = "ImageRepositoryUri"
"""The output of the stack with the URI of the repository for the image."""

_TEMPLATE = "template.yaml"
PART_OF_PIPELINE = "deploy"
"""The folder whose template the main template contains: it is no system beside the pipeline."""


@dataclass(frozen=True)
class System:
    name: str
    folder: Path

    @property
    def template(self) -> Path:
        return self.folder / _TEMPLATE

    @property
    def image(self) -> Path | None:
        return self._find("image")

    @property
    def sample(self) -> Path | None:
        return self._find("sample.yaml")

    @property
    def page(self) -> Path | None:
        """The documentation of the system."""
        page = self.folder.parent.parent / "docs" / f"{self.name}.md"
        return page if page.is_file() else None

    def _find(self, name: str) -> Path | None:
        path = self.folder / name
        return path if path.exists() else None


def list_systems(project: Path) -> list[System]:
    """Return all systems, in the order of their names."""
    folders = sorted(template.parent for template in (project / _FOLDER).glob(f"*/{_TEMPLATE}"))
    return [
        System(folder.name.replace("_", "-"), folder) for folder in folders if folder.name != PART_OF_PIPELINE
    ]


def find_systems(names: Iterable[str], project: Path) -> list[System]:
    """Return the systems of these names, each once. Raises UsageError with the known systems."""
    systems = {system.name: system for system in list_systems(project)}
    unique_names = dict.fromkeys(names)
    if unknown := [name for name in unique_names if name not in systems]:
        known = f"the systems are {', '.join(systems)}" if systems else f"{project / _FOLDER} has none"
        similar = did_you_mean(unknown[0], systems)
        raise UsageError(f"system {unknown[0]!r} does not exist{similar}: {known}")
    return [systems[name] for name in unique_names]


@dataclass(frozen=True)
class Deployment:
    """A template to deploy as a stack."""

    template: Path
    stack_name: str
    parameters: Mapping[str, str]


@dataclass(frozen=True)
class SystemDeployment:
    """A system to deploy beside the main stack."""

    system: System
    deployment: Deployment

    def sample(self, outputs: Mapping[str, str]) -> Deployment | None:
        """Return the deployment of the system's sample, if it has one; `outputs` are those of the system."""
        if self.system.sample is None:
            return None
        declared = templates.read_template(self.system.sample).get("Parameters", {})
        return Deployment(
            self.system.sample,
            f"{self.deployment.stack_name}-sample",
            {name: value for name, value in outputs.items() if name in declared},
        )


def system_deployments(
    name_lists: Sequence[str], *, main: Deployment, parameters: Mapping[str, str]
) -> list[SystemDeployment]:
    """Return the deployments for `--with` arguments such as `process,batch` and parameters `system.key`.

    Raises UsageError for an unknown system, or a parameter of a system that is not deployed.
    """
    names = [name.strip() for text in name_lists for name in text.split(",") if name.strip()]
    systems = find_systems(names, main.template.parent)
    by_system: dict[str, dict[str, str]] = {name: {} for name in names}
    for key, value in parameters.items():
        name, _, parameter = key.partition(".")
        if name not in by_system:
            raise UsageError(f"--parameter {key}: add --with {name}")
        by_system[name][parameter] = value
    return [
        SystemDeployment(
            system,
            Deployment(
                system.template, system_stack_name(main.stack_name, system.name), by_system[system.name]
            ),
        )
        for system in systems
    ]


def system_stack_name(main_stack_name: str, system_name: str) -> str:
    """Return the name of the stack of a system beside the main stack."""
    return f"{main_stack_name}-{system_name}"


def split_parameters(parameters: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Return the parameters of the main template, and those of systems, which have a dot in their name."""
    main = {key: value for key, value in parameters.items() if "." not in key}
    return main, {key: value for key, value in parameters.items() if "." in key}
