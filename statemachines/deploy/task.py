"""The decorator of Deploy's task handlers."""

from __future__ import annotations

from typing import Final

from statemachines.deploy.aws_errors import translate_for_deploy
from statemachines.task import task as any_task

task: Final = any_task("deploy", translate_for_deploy)
