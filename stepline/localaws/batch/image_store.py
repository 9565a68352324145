"""Downloads images from the local ECR and unpacks them, once for each digest."""

from __future__ import annotations

import io
import shutil
import tarfile
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from stepline.oci.manifests import ImageConfig, read_config, read_manifest
from stepline.oci.names import ImageName
from stepline.oci.registry_client import RegistryClient, RegistryError

_WHITEOUT = ".wh."
_OPAQUE = ".wh..wh..opq"
"""Files that delete a file, or a folder's content, of the layers below [image-spec, "layer.md"]."""

_PERMISSIONS = 0o755 | 0o200
"""The bits of a file's mode that are kept. The owner can always write, or the file could not be removed."""


@dataclass(frozen=True)
class UnpackedImage:
    """An image's file system at `root`, which is shared and must not be changed."""

    root: Path
    config: ImageConfig


class ImageStore:
    """Keeps unpacked images in `directory`. `registry_url` is the address of the local ECR."""

    def __init__(self, directory: Path, registry_url: str) -> None:
        self._directory = directory
        self._registry_url = registry_url
        self._lock = threading.Lock()
        self._images: dict[str, UnpackedImage] = {}

    def fetch(self, name: ImageName) -> UnpackedImage:
        """Return the image that the name refers to now: a tag may move. Raises RegistryError."""
        registry = RegistryClient(self._registry_url, name.repository)
        manifest = registry.manifest(name.reference)
        with self._lock:
            image = self._images.get(manifest.digest)
            if image is None:
                image = self._unpack(registry, manifest.content, manifest.digest)
                self._images[manifest.digest] = image
            return image

    def _unpack(self, registry: RegistryClient, manifest: bytes, digest: str) -> UnpackedImage:
        contents = read_manifest(manifest)
        config = read_config(registry.blob(contents.config))
        self._directory.mkdir(parents=True, exist_ok=True)
        new = Path(tempfile.mkdtemp(dir=self._directory, prefix="unpacking-"))
        try:
            for layer in contents.layers:
                apply_layer(registry.blob(layer), new)
            root = self._directory / digest.removeprefix("sha256:")
            new.rename(root)
        except BaseException:
            shutil.rmtree(new, ignore_errors=True)
            raise
        return UnpackedImage(root, config)


def apply_layer(content: bytes, root: Path) -> None:
    """Unpack a layer over `root`: files, folders, and links to paths inside it. Raises RegistryError."""
    try:
        with tarfile.open(fileobj=io.BytesIO(content), mode="r:*") as archive:
            for member in archive:
                _apply(archive, member, root.resolve())
    except (tarfile.TarError, OSError, EOFError) as error:
        raise RegistryError(f"a layer cannot be unpacked: {error}") from error


def _apply(archive: tarfile.TarFile, member: tarfile.TarInfo, root: Path) -> None:
    path = _inside(root, PurePosixPath(member.name))
    if path.name == _OPAQUE:
        _empty(path.parent)
    elif path.name.startswith(_WHITEOUT):
        _remove(path.with_name(path.name.removeprefix(_WHITEOUT)))
    elif member.isdir():
        path.mkdir(parents=True, exist_ok=True)
    elif member.isfile():
        _write(archive, member, path)
    elif member.issym():
        _link(member, path, root)
    elif member.islnk():
        target = _inside(root, PurePosixPath(member.linkname))
        _replace(path)
        shutil.copyfile(target, path)
    # Devices and pipes are left out: a program uses those of the host.


def _inside(root: Path, name: PurePosixPath) -> Path:
    """Return the path of a member. Raises RegistryError if the path, or a link in it, leads out of `root`."""
    path = root / str(name).lstrip("/")
    if ".." in name.parts or not path.parent.resolve().is_relative_to(root):
        raise RegistryError(f"a layer cannot be unpacked: {str(name)!r} leads out of the image")
    return path


def _write(archive: tarfile.TarFile, member: tarfile.TarInfo, path: Path) -> None:
    source = archive.extractfile(member)
    assert source is not None  # it is a file
    _replace(path)
    with path.open("wb") as target:
        shutil.copyfileobj(source, target)
    path.chmod(member.mode & _PERMISSIONS | 0o600)


def _link(member: tarfile.TarInfo, path: Path, root: Path) -> None:
    """Create a symbolic link; an absolute target is below `root`. Links that lead out are left out."""
    target = PurePosixPath(member.linkname)
    inside = root / str(target).lstrip("/") if target.is_absolute() else path.parent / target
    if not Path(inside).resolve().is_relative_to(root):
        return
    _replace(path)
    path.symlink_to(inside.resolve() if target.is_absolute() else member.linkname)


def _replace(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    _remove(path)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _empty(folder: Path) -> None:
    for path in list(folder.iterdir()) if folder.is_dir() else []:
        _remove(path)
