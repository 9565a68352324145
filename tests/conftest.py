"""What several folders of tests share."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from stepline.deployment.systems import FOLDER
from tests.end_to_end.local_aws import LocalAws, stepline
from tests.ports import free_port

PROJECT = Path(__file__).parents[1]


def system_names() -> list[str]:
    """As `--with` takes them."""
    templates = (PROJECT / FOLDER).glob("*/template.yaml")
    return sorted(template.parent.name.replace("_", "-") for template in templates)


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What the commands run with: nothing of the user's own AWS, git or running local AWS."""
    home = tmp_path_factory.mktemp("home")
    kept = {
        key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "GIT_", "STEPLINE_"))
    }
    return kept | {"HOME": str(home), "XDG_RUNTIME_DIR": str(home), "TMPDIR": str(home), "NO_COLOR": "1"}


@pytest.fixture(scope="session")
def systems(environment: dict[str, str]) -> Iterator[LocalAws]:
    """A local AWS with all systems, as `stepline up --with` deploys them.

    For tests of the group "systems" (`pytest.mark.xdist_group`), so that only one is started.
    """
    port = str(free_port())
    stepline(environment, "up", "--detach", "--port", port, "--with", ",".join(system_names()))
    try:
        yield LocalAws(port=int(port), environment=environment, project=PROJECT)
    finally:
        stepline(environment, "down", "--port", port)
