"""Reads a SAM template and replaces its local paths with S3 locations, as `sam package` does."""

from __future__ import annotations

import hashlib
import io
import json
import os
import zipfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final, Protocol

from stepline.aws.templates import parse_template
from stepline.core import source_trees
from stepline.core.errors import UsageError
from stepline.core.source_trees import SourceTree
from stepline.deployment import function_package

_FILE, _PROGRAM = 0o644 << 16, 0o755 << 16
"""Permissions in a zip file."""


class Bucket(Protocol):
    """Where packages are uploaded."""

    def upload(self, ending: str, content: bytes) -> Mapping[str, str]:
        """Upload an object whose name has this ending, and return {"Bucket": …, "Key": …}."""

    def url(self, key: str) -> str: ...


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
    template: Mapping[str, Any], folder: Path, bucket: Bucket, function_zip: FunctionZip | None = None
) -> str:
    """Upload what a template in `folder` names by local paths, and return the new template as JSON.

    These are the code of functions and layers, the definitions of state machines, and the templates of nested
    stacks, which are packaged, too. `function_zip` makes the packages of functions; by default they are for
    the local AWS. Raises UsageError for a path that does not exist.
    """
    return _Packager(bucket, function_zip or _local_function_zip).package(template, folder)


class _Packager:
    def __init__(self, bucket: Bucket, function_zip: FunctionZip) -> None:
        self._bucket = bucket
        self._function_zip = function_zip
        self._code: dict[Path, Mapping[str, str]] = {}  # most functions share their code

    def package(self, template: Mapping[str, Any], folder: Path) -> str:
        packaged: dict[str, Any] = json.loads(json.dumps(template, default=str))
        default_code = packaged.get("Globals", {}).get("Function", {}).pop("CodeUri", None)
        for logical_id, resource in packaged["Resources"].items():
            properties = resource.setdefault("Properties", {})
            resource_type = resource["Type"]
            if resource_type == "AWS::Serverless::Function" and "InlineCode" not in properties:
                properties.setdefault("CodeUri", default_code)
            if property_name := _LOCAL_PATHS.get(resource_type):
                location = properties.get(property_name)
                if is_local(location):
                    properties[property_name] = self._upload(resource, logical_id, folder, location)
                elif location is None:
                    properties.pop(property_name, None)
        return json.dumps(packaged)

    def _upload(self, resource: Mapping[str, Any], logical_id: str, folder: Path, location: str) -> Any:
        path, resource_type = folder / location, resource["Type"]
        if resource_type in _LAYERS:
            content = _layer_zip(folder, location, logical_id, _folder_of_runtime(resource))
            layer = self._bucket.upload(".zip", content)
            return layer if resource_type == _SAM_LAYER else _code_location(layer)
        if resource_type == "AWS::Serverless::Function":
            return self._upload_code(folder, location, logical_id)
        if resource_type == "AWS::Lambda::Function":
            return _code_location(self._upload_code(folder, location, logical_id))
        if resource_type == "AWS::Serverless::StateMachine":
            return self._bucket.upload(".json", _read_file(path, logical_id))
        nested = self.package(read_template(path), path.parent)
        return self._bucket.url(self._bucket.upload(".json", nested.encode())["Key"])

    def _upload_code(self, folder: Path, location: str, logical_id: str) -> Mapping[str, str]:
        path = (folder / location).resolve()
        if path not in self._code:
            content = self._function_zip(folder, location, logical_id)
            self._code[path] = self._bucket.upload(".zip", content)
        return self._code[path]


_SAM_LAYER: Final = "AWS::Serverless::LayerVersion"
_LAYERS: Final = {_SAM_LAYER: "ContentUri", "AWS::Lambda::LayerVersion": "Content"}
_LOCAL_PATHS: Final = {
    **_LAYERS,
    "AWS::Serverless::Function": "CodeUri",
    "AWS::Lambda::Function": "Code",
    "AWS::Serverless::StateMachine": "DefinitionUri",
    "AWS::Serverless::Application": "Location",
    "AWS::CloudFormation::Stack": "TemplateURL",
}
"""Properties that may be local paths, as for `sam package`."""


_FOLDERS_OF_RUNTIMES: Final = {"python": "python/", "nodejs": "nodejs/"}
"""Where `sam build` puts the content of a layer, by the beginning of its BuildMethod."""


def _folder_of_runtime(layer: Mapping[str, Any]) -> str:
    metadata = layer.get("Metadata")
    method = str(metadata.get("BuildMethod", "")) if isinstance(metadata, Mapping) else ""
    folders = (folder for name, folder in _FOLDERS_OF_RUNTIMES.items() if method.startswith(name))
    return next(folders, "")


def _code_location(uploaded: Mapping[str, str]) -> dict[str, str]:
    return {"S3Bucket": uploaded["Bucket"], "S3Key": uploaded["Key"]}


def is_local(location: object) -> bool:
    """Whether a property of a template names a file or folder, and not an object in S3."""
    return isinstance(location, str) and not location.startswith(("s3://", "https://", "http://"))


def object_key(ending: str, content: bytes) -> str:
    return hashlib.sha256(content).hexdigest() + ending


def _local_function_zip(folder: Path, location: str, logical_id: str) -> bytes:
    """Zip the Lambda code of the project, or any other folder as it is. A file is a zip already.

    Packages that are missing in AWS's runtime are left out: they are installed locally. The local AWS renews
    the package when the files change.
    """
    code = folder / location
    if code.is_file() and zipfile.is_zipfile(code):
        return code.read_bytes()
    if not code.is_dir():
        raise UsageError(f"{logical_id}: {location} is neither a folder nor a zip file below {folder}")
    is_project = function_package.is_project(code)
    trees = function_package.source_trees(code) if is_project else [SourceTree(code, code)]
    files = [file for tree in trees for file in tree.files()]
    return _zip(files, source_trees.to_comment(trees) if len(files) <= source_trees.MAX_FILES else b"")


def _layer_zip(folder: Path, location: str, logical_id: str, prefix: str) -> bytes:
    """Zip a layer, with its files below `prefix`. Without one, the local AWS renews it as it does code."""
    if not prefix or not (folder / location).is_dir():
        return _local_function_zip(folder, location, logical_id)
    files = SourceTree(folder / location, folder / location).files()
    return _zip((file, f"{prefix}{name}") for file, name in files)


def zip_folder(folder: Path) -> bytes:
    """Return a zip of all files below the folder, always the same for the same files."""
    return _zip(SourceTree(folder, folder).files())


def _zip(files: Iterable[tuple[Path, str]], comment: bytes = b"") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.comment = comment
        for file, name in files:
            entry = zipfile.ZipInfo(name, _FIXED_TIME)
            entry.external_attr = _PROGRAM if os.access(file, os.X_OK) else _FILE
            archive.writestr(entry, file.read_bytes(), zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def _read_file(path: Path, logical_id: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"{logical_id}: cannot read {path}: {error.strerror}") from error
