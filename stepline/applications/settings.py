"""The pipeline of an application: the template, stack and parameters that `stepline up` deploys."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from stepline.applications.sam_configuration import DeploySettings, read_deploy_settings
from stepline.deployment.input_check import INPUT_FILE

SETTINGS_FILE: Final = "stepline.toml"
_PIPELINE_PARAMETER = "PipelineName"


def is_application(folder: Path) -> bool:
    """Whether the folder is the root of what a pipeline deploys."""
    return (folder / INPUT_FILE).is_file()


def pipeline_settings(folder: Path) -> DeploySettings:
    """Return the settings of the pipeline of the application in `folder`; empty without stepline.toml.

    Raises UsageError if the file is wrong.
    """
    return read_deploy_settings(folder / SETTINGS_FILE)


def pipeline_name(folder: Path) -> str | None:
    """Return the name of the application's pipeline, if stepline.toml sets one."""
    return pipeline_settings(folder).parameters.get(_PIPELINE_PARAMETER)
