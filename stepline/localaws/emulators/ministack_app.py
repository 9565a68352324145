"""Loads ministack into this process, with the settings that stepline needs."""

from __future__ import annotations

import importlib
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from stepline.core.errors import UsageError

VERSION = "1.5.33"


def load(*, port: int, directory: Path, region: str, account_id: str) -> Any:
    """Import ministack and return its ASGI application.

    ministack reads its settings from the environment while it is imported, so this must come
    before any other import of it. All its temporary files go below `directory`.
    """
    from importlib.metadata import version  # noqa: PLC0415  -- costs 20 ms, which only this process needs

    if (installed := version("ministack")) != VERSION:
        raise UsageError(f"ministack {VERSION} is needed, {installed} is installed: run 'make setup'")
    temporary = directory / "tmp"
    temporary.mkdir(parents=True, exist_ok=True)
    os.environ.update(
        {
            "BIND_HOST": "127.0.0.1",
            "DOCKER_HOST": f"unix://{directory}/no-docker.sock",  # never look for containers
            "GATEWAY_PORT": str(port),
            "IOT_MTLS_ENABLED": "0",
            "LOG_LEVEL": "ERROR",
            "MINISTACK_ACCOUNT_ID": account_id,
            "MINISTACK_HOST": "127.0.0.1",
            "MINISTACK_REGION": region,
            "S3_DATA_DIR": str(directory / "s3"),
            "SFTP_ENABLED": "0",
            "STATE_DIR": str(directory / "state"),
            "TMPDIR": str(temporary),
        }
    )
    tempfile.tempdir = str(temporary)
    application = importlib.import_module("ministack.app").app
    from stepline.localaws.emulators import ministack_speed  # noqa: PLC0415  -- imports ministack

    ministack_speed.parse_templates_with_libyaml()
    return application


def close() -> None:
    """End what ministack started itself: its own Lambda workers and their folders."""
    importlib.import_module("ministack.core.lambda_runtime").reset()
    shutil.rmtree(tempfile.gettempdir(), ignore_errors=True)
