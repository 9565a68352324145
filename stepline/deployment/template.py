"""Reads a SAM template and makes its local paths S3 locations, as `sam package` does."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from stepline.aws.templates import parse_template
from stepline.core.errors import UsageError
from stepline.deployment import function_package

Upload = Callable[[str, bytes], Mapping[str, str]]
"""Stores bytes under a file name ending and tells where: {"Bucket": …, "Key": …}."""

_FIXED_TIME = (1980, 1, 1, 0, 0, 0)
"""The earliest time that a zip file can tell; the same content makes the same package."""


def read(path: Path) -> dict[str, Any]:
    """The template with its short tags (`!Ref`) in their long form.

    Raises UsageError for a file that is missing or is no template.
    """
    try:
        text = path.read_text()
    except FileNotFoundError as error:
        raise UsageError(f"there is no template {path}: name it with --template") from error
    return parse_template(text, str(path))


def package(template: Mapping[str, Any], folder: Path, upload: Upload) -> str:
    """The template, which lies in `folder`, as JSON text, with functions and definitions uploaded."""
    packaged: dict[str, Any] = json.loads(json.dumps(template, default=str))
    function_defaults = packaged.get("Globals", {}).get("Function", {})
    default_code = function_defaults.pop("CodeUri", None)
    uploaded: dict[str, Mapping[str, str]] = {}  # most functions have the same code
    for logical_id, resource in packaged["Resources"].items():
        properties = resource.setdefault("Properties", {})
        if resource["Type"] == "AWS::Serverless::Function" and "InlineCode" not in properties:
            location = properties.get("CodeUri", default_code)
            if isinstance(location, str):
                if location not in uploaded:
                    uploaded[location] = upload(".zip", _function_zip(folder, location, logical_id))
                properties["CodeUri"] = uploaded[location]
        elif resource["Type"] == "AWS::Serverless::StateMachine":
            location = properties.get("DefinitionUri")
            if isinstance(location, str):
                properties["DefinitionUri"] = upload(".json", _read(folder / location, logical_id))
    return json.dumps(packaged)


def object_key(ending: str, content: bytes) -> str:
    return hashlib.sha256(content).hexdigest() + ending


def _function_zip(folder: Path, location: str, logical_id: str) -> bytes:
    """The project's own Lambda code, or any other folder as it is.

    The packages that AWS's runtime lacks are left out: locally they are installed already.
    """
    code = folder / location
    if not code.is_dir():
        raise UsageError(f"{logical_id}: CodeUri {location} is not a folder, seen from {folder}")
    if function_package.is_project(code):
        return _zip(function_package.source_files(code))
    return _zip(
        (file, file.relative_to(code).as_posix()) for file in sorted(code.rglob("*")) if file.is_file()
    )


def _zip(files: Iterable[tuple[Path, str]]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for file, name in files:
            archive.writestr(zipfile.ZipInfo(name, _FIXED_TIME), file.read_bytes(), zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def _read(path: Path, logical_id: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"{logical_id}: cannot read {path}: {error.strerror}") from error
