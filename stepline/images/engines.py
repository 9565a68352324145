"""Container engines: programs that build and push images, all with docker's command line."""

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
"""Looked for in this order."""

PLATFORM = "linux/amd64"
"""What the batch template's job definition runs on. A computer with an ARM processor would build another."""


Run = Callable[..., "subprocess.CompletedProcess[str]"]
"""`subprocess.run`."""


@dataclass(frozen=True)
class Engine:
    """The program's name. Its own output goes to the terminal: a build takes minutes."""

    name: str
    run: Run = subprocess.run

    def build(self, folder: Path, images: Sequence[ImageName]) -> None:
        tags = [word for image in images for word in ("--tag", str(image))]
        self._call("build", "--platform", PLATFORM, *tags, str(folder))

    def login(self, ecr: ECRClient, host: str) -> None:
        """The password goes through a pipe: a command line is for everybody to see."""
        token = ecr.get_authorization_token()["authorizationData"][0]["authorizationToken"]
        user, _, password = base64.b64decode(token).decode().partition(":")
        self._call("login", "--username", user, "--password-stdin", host, text=password)

    def push(self, image: ImageName) -> None:
        self._call("push", str(image))

    def _call(self, *arguments: str, text: str | None = None) -> None:
        try:
            code = self.run([self.name, *arguments], input=text, check=False, text=True).returncode
        except OSError as error:
            raise UsageError(f"{self.name} cannot be run: {error.strerror}") from error
        if code:
            raise UsageError(
                f"`{self.name} {arguments[0]}` failed (exit code {code}): see what it said above"
            )


def find_engine(which: Callable[[str], str | None] = shutil.which) -> Engine:
    """The first engine that is installed. Raises UsageError if none is."""
    for name in ENGINES:
        if which(name):
            return Engine(name)
    raise UsageError(
        f"an image for AWS is built by a container engine, and none of {', '.join(ENGINES)} is installed: "
        "install one, or push from a machine (or a CodeBuild project) that has one"
    )
