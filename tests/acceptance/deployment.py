"""Deploys the templates of all systems, with the functions that `sam build` would build."""

from __future__ import annotations

import contextlib
import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from stepline.deployment import function_package, template
from stepline.deployment.stack import deploy_template
from tests.acceptance.environment import PROJECT, Environment

_URL_SECONDS = 60
_DEFAULT_REGION = "us-east-1"
MACRO_NAME = "WorkflowDefinition"
"""The macro in the updater's sample; a macro's name is unique in an account and region."""


class Deployer:
    """Packages the functions once, and uploads everything to a bucket of its own."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._s3 = environment.client("s3")
        self.bucket = packages_bucket(environment)
        self._package: bytes | None = None

    def deploy(self, file: Path, stack_name: str, parameters: Mapping[str, str]) -> dict[str, str]:
        """Create or update a stack from a template of the project, and return its outputs."""
        document = self._with_own_names(template.read_template(file))
        body = template.package_template(document, file.parent, self._upload, self._function_zip)
        key = self._upload(".json", body.encode())["Key"]
        return deploy_template(
            self._environment.client("cloudformation"),
            stack_name,
            self._url(key),
            {name: value for name, value in parameters.items() if name in document.get("Parameters", {})},
            report=lambda _line: None,
            poller=self._environment.poller(),
        )

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

    def _upload(self, ending: str, content: bytes) -> dict[str, str]:
        self._create_bucket()
        key = template.object_key(ending, content)
        self._s3.put_object(Bucket=self.bucket, Key=key, Body=content)
        return {"Bucket": self.bucket, "Key": key}

    def _create_bucket(self) -> None:
        region = self._environment.target.region
        location: Any = {"CreateBucketConfiguration": {"LocationConstraint": region}}
        with contextlib.suppress(self._s3.exceptions.BucketAlreadyOwnedByYou):
            self._s3.create_bucket(Bucket=self.bucket, **({} if region == _DEFAULT_REGION else location))

    def _url(self, key: str) -> str:
        """Return the object's URL from the client, which knows the region and a local endpoint."""
        parameters = {"Bucket": self.bucket, "Key": key}
        signed: str = self._s3.generate_presigned_url("get_object", Params=parameters, ExpiresIn=_URL_SECONDS)
        return urlsplit(signed)._replace(query="").geturl()


def packages_bucket(environment: Environment) -> str:
    account = environment.client("sts").get_caller_identity()["Account"]
    return f"{environment.prefix}-packages-{account}-{environment.target.region}"


def macro_name(environment: Environment) -> str:
    return "".join(part.capitalize() for part in environment.prefix.split("-")) + MACRO_NAME
