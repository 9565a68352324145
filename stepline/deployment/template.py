"""Reads a SAM template and replaces its local paths with S3 locations, as `sam package` does."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from stepline.aws.templates import parse_template
from stepline.core import source_trees
from stepline.core.errors import UsageError
from stepline.core.source_trees import SourceTree
from stepline.deployment import function_package

Upload = Callable[[str, bytes], Mapping[str, str]]
"""Uploads bytes as an object with a file name ending, and returns {"Bucket": …, "Key": …}."""

FunctionZip = Callable[[Path, str, str], bytes]
"""Makes the package of a function: the template's folder, the function's CodeUri and its logical id."""

_FIXED_TIME = (1980, 1, 1, 0, 0, 0)
"""The earliest time in a zip file: the same content makes the same package."""


def read_template(path: Path) -> dict[str, Any]:
    """Return the template with its short tags (`!Ref`) in their long form.

    Raises UsageError if the file does not exist or is not a template.
    """
    try:
        text = path.read_text()
    except FileNotFoundError as error:
        raise UsageError(f"template {path} does not exist: name the template with --template") from error
    return parse_template(text, str(path))


def package_template(
    template: Mapping[str, Any], folder: Path, upload: Upload, function_zip: FunctionZip | None = None
) -> str:
    """Upload the functions and definitions of a template in `folder`, and return the new template as JSON.

    `function_zip` makes the packages of functions; by default they are for the local AWS.
    """
    function_zip = function_zip or _local_function_zip
    packaged: dict[str, Any] = json.loads(json.dumps(template, default=str))
    function_defaults = packaged.get("Globals", {}).get("Function", {})
    default_code = function_defaults.pop("CodeUri", None)
    uploaded: dict[str, Mapping[str, str]] = {}  # most functions share their code
    for logical_id, resource in packaged["Resources"].items():
        properties = resource.setdefault("Properties", {})
        if resource["Type"] == "AWS::Serverless::Function" and "InlineCode" not in properties:
            location = properties.get("CodeUri", default_code)
            if isinstance(location, str):
                if location not in uploaded:
                    uploaded[location] = upload(".zip", function_zip(folder, location, logical_id))
                properties["CodeUri"] = uploaded[location]
        elif resource["Type"] == "AWS::Serverless::StateMachine":
            location = properties.get("DefinitionUri")
            if isinstance(location, str):
                properties["DefinitionUri"] = upload(".json", _read_file(folder / location, logical_id))
    return json.dumps(packaged)


def object_key(ending: str, content: bytes) -> str:
    return hashlib.sha256(content).hexdigest() + ending


def _local_function_zip(folder: Path, location: str, logical_id: str) -> bytes:
    """Zip the Lambda code of the project, or any other folder as it is.

    Packages that are missing in AWS's runtime are left out: they are installed locally. The local AWS renews
    the package when the files change.
    """
    code = folder / location
    if not code.is_dir():
        raise UsageError(f"{logical_id}: CodeUri {location} is not a folder below {folder}")
    is_project = function_package.is_project(code)
    trees = function_package.source_trees(code) if is_project else [SourceTree(code, code)]
    files = [file for tree in trees for file in tree.files()]
    return _zip(files, source_trees.to_comment(trees) if len(files) <= source_trees.MAX_FILES else b"")


def zip_folder(folder: Path) -> bytes:
    """Return a zip of all files below the folder, always the same for the same files."""
    return _zip(SourceTree(folder, folder).files())


def _zip(files: Iterable[tuple[Path, str]], comment: bytes = b"") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.comment = comment
        for file, name in files:
            archive.writestr(zipfile.ZipInfo(name, _FIXED_TIME), file.read_bytes(), zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def _read_file(path: Path, logical_id: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"{logical_id}: cannot read {path}: {error.strerror}") from error
