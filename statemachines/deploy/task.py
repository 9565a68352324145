"""The decorator of Deploy's task handlers."""

from __future__ import annotations

from typing import Final

from statemachines.deploy.aws_errors import explain
from statemachines.task import task as any_task

task: Final = any_task("deploy", explain)
