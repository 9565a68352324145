"""Deploys the templates of all systems, with the functions that `sam build` would build."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stepline.deployment import function_package, template
from stepline.deployment.package_bucket import PackageBucket
from stepline.deployment.stack import deploy_template
from tests.acceptance.environment import PROJECT, Environment

MACRO_NAME = "WorkflowDefinition"
"""The macro in the updater's sample; a macro's name is unique in an account and region."""


class Deployer:
    """Packages the functions once, and uploads everything to a bucket of its own."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._bucket = PackageBucket(environment.client("s3"), _bucket_name(environment))
        self._package: bytes | None = None

    def deploy(self, file: Path, stack_name: str, parameters: Mapping[str, str]) -> dict[str, str]:
        """Create or update a stack from a template of the project, and return its outputs."""
        document = self._with_own_names(template.read_template(file))
        body = template.package_template(document, file.parent, self._bucket, self._function_zip)
        key = self._bucket.upload(".json", body.encode())["Key"]
        deployed = deploy_template(
            self._environment.client("cloudformation"),
            stack_name,
            self._bucket.url(key),
            {name: value for name, value in parameters.items() if name in document.get("Parameters", {})},
            report=lambda _line: None,
            poller=self._environment.poller(),
        )
        return dict(deployed.outputs)

    def _with_own_names(self, document: dict[str, Any]) -> dict[str, Any]:
        named = json.dumps(document, default=str).replace(
            f'"{MACRO_NAME}"', f'"{macro_name(self._environment)}"'
        )
        result: dict[str, Any] = json.loads(named)
        return result

    def _function_zip(self, _folder: Path, _location: str, _logical_id: str) -> bytes:
        if self._package is None:
            with tempfile.TemporaryDirectory() as folder:
                function_package.build(PROJECT, Path(folder))
                self._package = template.zip_folder(Path(folder))
        return self._package


def _bucket_name(environment: Environment) -> str:
    account = environment.client("sts").get_caller_identity()["Account"]
    return f"{environment.prefix}-packages-{account}-{environment.target.region}"


def macro_name(environment: Environment) -> str:
    return "".join(part.capitalize() for part in environment.prefix.split("-")) + MACRO_NAME
