"""Loads ministack into this process, with the settings that the local AWS needs."""

from __future__ import annotations

import importlib
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from stepline.core.errors import UsageError
from stepline.core.local_aws import HOST

VERSION = "1.5.33"


def load(*, port: int, directory: Path, region: str, account_id: str) -> Any:
    """Import ministack and return its ASGI application. Its temporary files are below `directory`.

    ministack reads its settings from the environment while it is imported, so this must come before any
    other import of it. Raises UsageError for another version of ministack.
    """
    from importlib.metadata import version  # noqa: PLC0415  -- takes 20 ms, which only this process needs

    if (installed := version("ministack")) != VERSION:
        raise UsageError(f"ministack {VERSION} is needed, {installed} is installed: run 'make setup'")
    temporary = directory / "tmp"
    temporary.mkdir(parents=True, exist_ok=True)
    os.environ.update(
        {
            "BIND_HOST": HOST,
            "DOCKER_HOST": f"unix://{directory}/no-docker.sock",  # never look for containers
            "GATEWAY_PORT": str(port),
            "IOT_MTLS_ENABLED": "0",
            "LOG_LEVEL": "ERROR",
            "MINISTACK_ACCOUNT_ID": account_id,
            "MINISTACK_HOST": HOST,
            "MINISTACK_REGION": region,
            "S3_DATA_DIR": str(directory / "s3"),
            "SFTP_ENABLED": "0",
            "STATE_DIR": str(directory / "state"),
            "TMPDIR": str(temporary),
        }
    )
    tempfile.tempdir = str(temporary)
    return importlib.import_module("ministack.app").app


def close() -> None:
    """Stop ministack's own Lambda workers and remove its temporary files."""
    importlib.import_module("ministack.core.lambda_runtime").reset()
    shutil.rmtree(tempfile.gettempdir(), ignore_errors=True)
