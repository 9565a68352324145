"""Builds and pushes images with a container engine; all engines have docker's command line."""

from __future__ import annotations

import base64
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from stepline.core.errors import UsageError
from stepline.oci.names import ImageName

if TYPE_CHECKING:
    from mypy_boto3_ecr import ECRClient

ENGINES = ("docker", "podman", "finch")
"""The engines, in the order of preference."""

PLATFORM = "linux/amd64"
"""The platform of the batch template's job definition; an ARM computer would build for another."""


Run = Callable[..., "subprocess.CompletedProcess[str]"]
"""`subprocess.run`."""


@dataclass(frozen=True)
class Engine:
    """A container engine by its program name. Its output goes to the terminal: a build takes minutes."""

    name: str
    run: Run = subprocess.run

    def build(self, folder: Path, images: Sequence[ImageName]) -> None:
        tags = [option for image in images for option in ("--tag", str(image))]
        self._call("build", "--platform", PLATFORM, *tags, str(folder))

    def login(self, ecr: ECRClient, host: str) -> None:
        """Log in, with the password in standard input: other users can see command lines."""
        token = ecr.get_authorization_token()["authorizationData"][0]["authorizationToken"]
        user, _, password = base64.b64decode(token).decode().partition(":")
        self._call("login", "--username", user, "--password-stdin", host, text=password)

    def push(self, image: ImageName) -> None:
        self._call("push", str(image))

    def _call(self, *arguments: str, text: str | None = None) -> None:
        try:
            code = self.run([self.name, *arguments], input=text, check=False, text=True).returncode
        except OSError as error:
            raise UsageError(f"cannot run {self.name}: {error.strerror}") from error
        if code:
            raise UsageError(
                f"`{self.name} {arguments[0]}` failed with exit code {code}: see its output above"
            )


def find_engine(which: Callable[[str], str | None] = shutil.which) -> Engine:
    """Return the first engine that is installed. Raises UsageError if none is."""
    for name in ENGINES:
        if which(name):
            return Engine(name)
    raise UsageError(
        f"an image for AWS needs a container engine, and none of {', '.join(ENGINES)} is installed: "
        "install one, or push from a machine or a CodeBuild project that has one"
    )
