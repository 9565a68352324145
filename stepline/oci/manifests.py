"""Reads and writes image manifests and configurations: https://github.com/opencontainers/image-spec"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from stepline.oci.registry_client import RegistryError

_LAYERS = {
    "application/vnd.oci.image.layer.v1.tar",
    "application/vnd.oci.image.layer.v1.tar+gzip",
    "application/vnd.docker.image.rootfs.diff.tar.gzip",
}


@dataclass(frozen=True)
class ImageConfig:
    """How to run an image's program. `environment` holds ENV's variables; `working_directory` is absolute."""

    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    working_directory: str = "/"

    def arguments(self, command: tuple[str, ...]) -> tuple[str, ...]:
        """Return the entrypoint and `command`, which replaces CMD unless it is empty."""
        return (*self.entrypoint, *(command or self.command))


@dataclass(frozen=True)
class Contents:
    """The digests in a manifest: of the configuration, and of the layers, lowest first."""

    config: str
    layers: tuple[str, ...]


def read_manifest(content: bytes) -> Contents:
    """Parse the manifest of one image. Raises RegistryError for anything else."""
    document = _object(content, "the manifest")
    if "manifests" in document:
        raise RegistryError(
            "the manifest is an index of images for several platforms, which is not supported"
        )
    try:
        for layer in document["layers"]:
            if layer["mediaType"] not in _LAYERS:
                raise RegistryError(f"the layer type {layer['mediaType']} is not supported")
        digests = tuple(str(layer["digest"]) for layer in document["layers"])
        return Contents(str(document["config"]["digest"]), digests)
    except (KeyError, TypeError) as error:
        raise RegistryError(f"the manifest lacks {error}") from error


def read_config(content: bytes) -> ImageConfig:
    """Parse an image's configuration. Raises RegistryError."""
    config = _object(content, "the configuration").get("config") or {}
    pairs = [text.partition("=") for text in config.get("Env") or []]
    return ImageConfig(
        entrypoint=tuple(config.get("Entrypoint") or ()),
        command=tuple(config.get("Cmd") or ()),
        environment={name: value for name, _, value in pairs},
        working_directory=config.get("WorkingDir") or "/",
    )


def config_document(config: ImageConfig, *, layer_digest: str) -> dict[str, Any]:
    """Return the configuration of an image with one layer; `layer_digest` is that of the uncompressed tar."""
    return {
        "architecture": "amd64",
        "os": "linux",
        "config": {
            "Entrypoint": list(config.entrypoint),
            "Cmd": list(config.command),
            "Env": [f"{name}={value}" for name, value in config.environment.items()],
            "WorkingDir": config.working_directory,
        },
        "rootfs": {"type": "layers", "diff_ids": [layer_digest]},
    }


def _object(content: bytes, name: str) -> dict[str, Any]:
    try:
        document = json.loads(content)
    except ValueError as error:
        raise RegistryError(f"{name} is not JSON") from error
    if not isinstance(document, dict):
        raise RegistryError(f"{name} is not a JSON object")
    return document
