"""Builds an OCI image without a container engine: one layer with the files of the folder.

The image has no base image: the local AWS runs its program with the Python of this machine. The same files
make the same image, byte for byte. https://github.com/opencontainers/image-spec
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from stepline.core.errors import UsageError
from stepline.images.context import is_executable, list_files
from stepline.images.dockerfile import Copy, Dockerfile
from stepline.oci.manifests import ImageConfig, config_document
from stepline.oci.registry_client import OCI_MANIFEST, Manifest, digest_of

_CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
_LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar+gzip"


@dataclass(frozen=True)
class OciImage:
    """An image; `blobs` are its configuration and its layer."""

    manifest: Manifest
    blobs: tuple[bytes, ...]


def build(folder: Path, dockerfile: Dockerfile) -> OciImage:
    """Build the image. Raises UsageError if a file to COPY does not exist."""
    tar = _tar(_copy_files(list_files(folder), dockerfile.copies), dockerfile.working_directory)
    layer = gzip.compress(tar, mtime=0)
    config = ImageConfig(
        entrypoint=dockerfile.entrypoint,
        command=dockerfile.command,
        environment=dockerfile.environment,
        working_directory=dockerfile.working_directory,
    )
    layer_digest = f"sha256:{hashlib.sha256(tar).hexdigest()}"
    config_blob = _json(config_document(config, layer_digest=layer_digest))
    manifest = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": _descriptor(_CONFIG_TYPE, config_blob),
        "layers": [_descriptor(_LAYER_TYPE, layer)],
    }
    return OciImage(Manifest(_json(manifest), OCI_MANIFEST), (config_blob, layer))


def _copy_files(files: Mapping[str, Path], copies: tuple[Copy, ...]) -> dict[str, Path]:
    """Return the copied files by their paths in the image."""
    result: dict[str, Path] = {}
    for copy in copies:
        for source in copy.sources:
            found = _find_files(files, source.removeprefix("./").rstrip("/") or ".")
            if not found:
                raise UsageError(f"COPY {source}: the folder of the Dockerfile has no such file")
            result |= {_image_path(copy, name): files[path] for path, name in found.items()}
    return result


def _find_files(files: Mapping[str, Path], source: str) -> dict[str, str]:
    """Return the files of a source, or of a folder, with their paths below the destination."""
    if source in files or "*" in source or "?" in source:
        return {path: PurePosixPath(path).name for path in files if fnmatchcase(path, source)}
    prefix = "" if source == "." else f"{source}/"
    return {path: path.removeprefix(prefix) for path in files if path.startswith(prefix)}


def _image_path(copy: Copy, name: str) -> str:
    """Return the path in the image. A destination without a final slash is the path of a single file."""
    is_file = not copy.destination.endswith("/") and "/" not in name and len(copy.sources) == 1
    is_single = is_file and PurePosixPath(copy.sources[0]).name == name
    return (copy.destination if is_single else str(PurePosixPath(copy.destination) / name)).lstrip("/")


def _tar(files: Mapping[str, Path], working_directory: str) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name in sorted(_folders([*files, f"{working_directory.strip('/')}/x"])):
            archive.addfile(_member(name, tarfile.DIRTYPE, mode=0o755))
        for name in sorted(files):
            content = files[name].read_bytes()
            member = _member(name, tarfile.REGTYPE, mode=0o755 if is_executable(files[name]) else 0o644)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def _folders(names: list[str]) -> set[str]:
    return {str(parent) for name in names for parent in PurePosixPath(name).parents} - {".", "/"}


def _member(name: str, kind: bytes, *, mode: int) -> tarfile.TarInfo:
    """Create a member without times and owners, which would make each image different."""
    member = tarfile.TarInfo(name)
    member.type = kind
    member.mode = mode
    return member


def _descriptor(media_type: str, content: bytes) -> dict[str, object]:
    return {"mediaType": media_type, "digest": digest_of(content), "size": len(content)}


def _json(document: object) -> bytes:
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()
