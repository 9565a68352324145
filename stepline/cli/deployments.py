"""What `stepline up` deploys: the template, and the systems that `--with` names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from stepline.core.errors import UsageError
from stepline.deployment import systems, template
from stepline.deployment.systems import System


@dataclass(frozen=True)
class Deployment:
    """One template as one stack."""

    template: Path
    stack_name: str
    parameters: Mapping[str, str]


@dataclass(frozen=True)
class SystemDeployment:
    """A system as a stack beside the main one."""

    system: System
    deployment: Deployment

    def sample(self, outputs: Mapping[str, str]) -> Deployment | None:
        """Of the stack that uses this one; outputs of this one are its parameters of the same name."""
        if self.system.sample is None:
            return None
        declared = template.read(self.system.sample).get("Parameters", {})
        return Deployment(
            self.system.sample,
            f"{self.deployment.stack_name}-sample",
            {name: value for name, value in outputs.items() if name in declared},
        )


def of_systems(
    words: Sequence[str], *, main: Deployment, parameters: Mapping[str, str]
) -> list[SystemDeployment]:
    """For `--with` words such as `process,batch`; `parameters` by `system.key`.

    Raises UsageError for a system that there is not, or a parameter of one that is not deployed.
    """
    names = [name.strip() for word in words for name in word.split(",") if name.strip()]
    found = systems.find(names, main.template.parent)
    for key in parameters:
        if key.partition(".")[0] not in names:
            raise UsageError(f"--parameter {key}: add --with {key.partition('.')[0]}")
    return [
        SystemDeployment(
            system,
            Deployment(
                system.template, system.stack_name(main.stack_name), _own(parameters, f"{system.name}.")
            ),
        )
        for system in found
    ]


def split(parameters: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Those of the main template, and those of systems, which have a dot in their name."""
    main = {key: value for key, value in parameters.items() if "." not in key}
    return main, {key: value for key, value in parameters.items() if "." in key}


def _own(parameters: Mapping[str, str], prefix: str) -> dict[str, str]:
    return {key.removeprefix(prefix): value for key, value in parameters.items() if key.startswith(prefix)}
