"""An OCI image made without a container engine: the folder's files in one layer over nothing.

What it lacks is the base image: the local AWS runs its program with the Python of this machine. The same
files give the same image, byte for byte. https://github.com/opencontainers/image-spec
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
from stepline.images.context import files_of, is_executable
from stepline.images.dockerfile import Copy, Dockerfile
from stepline.oci.manifests import ImageConfig, config_document
from stepline.oci.registry_client import OCI_MANIFEST, Manifest, digest_of

_CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
_LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar+gzip"


@dataclass(frozen=True)
class OciImage:
    """`blobs`: the configuration and the layer."""

    manifest: Manifest
    blobs: tuple[bytes, ...]


def build(folder: Path, dockerfile: Dockerfile) -> OciImage:
    """Raises UsageError for a COPY of what is not there."""
    tar = _tar(_copied(files_of(folder), dockerfile.copies), dockerfile.working_directory)
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


def _copied(files: Mapping[str, Path], copies: tuple[Copy, ...]) -> dict[str, Path]:
    """Path in the image -> file."""
    result: dict[str, Path] = {}
    for copy in copies:
        for source in copy.sources:
            found = _found(files, source.removeprefix("./").rstrip("/") or ".")
            if not found:
                raise UsageError(f"COPY {source}: there is no such file in the folder of the Dockerfile")
            result |= {_place(copy, name): files[path] for path, name in found.items()}
    return result


def _found(files: Mapping[str, Path], source: str) -> dict[str, str]:
    """The files that a source means, each with its name below the destination; a folder means its content."""
    if source in files or "*" in source or "?" in source:
        return {path: PurePosixPath(path).name for path in files if fnmatchcase(path, source)}
    start = "" if source == "." else f"{source}/"
    return {path: path.removeprefix(start) for path in files if path.startswith(start)}


def _place(copy: Copy, name: str) -> str:
    """A destination without a slash at its end is the file itself, if there is one."""
    is_file = not copy.destination.endswith("/") and "/" not in name and len(copy.sources) == 1
    single = is_file and PurePosixPath(copy.sources[0]).name == name
    return (copy.destination if single else str(PurePosixPath(copy.destination) / name)).lstrip("/")


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
    """Without times and owners, which would make each image another one."""
    member = tarfile.TarInfo(name)
    member.type = kind
    member.mode = mode
    return member


def _descriptor(media_type: str, content: bytes) -> dict[str, object]:
    return {"mediaType": media_type, "digest": digest_of(content), "size": len(content)}


def _json(document: object) -> bytes:
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()
