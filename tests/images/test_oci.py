"""Images that are built without a container engine, their layers, manifests and names."""

from __future__ import annotations

import io
import json
import os
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from stepline.core.errors import UsageError
from stepline.images.context import content_tag
from stepline.images.dockerfile import parse_dockerfile
from stepline.images.local_build import OciImage, build
from stepline.localaws.batch.image_store import apply_layer
from stepline.oci.manifests import read_config, read_manifest
from stepline.oci.names import parse_image_name, parse_repository_uri
from stepline.oci.registry_client import RegistryError


def build_image(folder: Path) -> OciImage:
    return build(folder, parse_dockerfile((folder / "Dockerfile").read_text()))


def unpack(image: OciImage, root: Path) -> dict[str, str]:
    root.mkdir()
    apply_layer(image.blobs[1], root)
    return {str(path.relative_to(root)): path.read_text() for path in root.rglob("*") if path.is_file()}


def test_image_contains_the_copied_files(folder: Path, tmp_path: Path) -> None:
    image = build_image(folder)
    assert unpack(image, tmp_path / "root") == {
        "app/program.py": "print('hello')\n",
        "app/words.txt": "one\ntwo\n",
    }
    config = read_config(image.blobs[0])
    assert config.arguments(()) == ("python", "program.py", "--help")
    assert config.arguments(("x",)) == ("python", "program.py", "x")
    assert config.environment == {"COLOUR": "blue", "TEXT": "two words"}
    assert config.working_directory == "/app"


def test_image_and_tag_depend_on_the_files_and_modes_but_not_on_times(folder: Path) -> None:
    image, tag = build_image(folder), content_tag(folder)
    os.utime(folder / "program.py", (0, 0))
    assert build_image(folder) == image
    assert content_tag(folder) == tag
    (folder / "program.py").chmod(0o755)
    assert build_image(folder) != image
    assert content_tag(folder) != tag


@pytest.mark.parametrize(
    ("copy", "files"),
    [
        ("program.py /x", {"x"}),
        ("program.py /x/", {"x/program.py"}),
        ("./program.py .", {"app/program.py"}),
        ("data /d", {"d/words.txt"}),
        ("*.py /p/", {"p/program.py"}),
        ("data/words.txt words", {"app/words"}),
        (". .", {"app/program.py", "app/data/words.txt", "app/Dockerfile"}),
    ],
)
def test_copy_writes_the_same_paths_as_docker(
    folder: Path, tmp_path: Path, copy: str, files: set[str]
) -> None:
    (folder / "Dockerfile").write_text(f'FROM x\nWORKDIR /app\nCOPY {copy}\nCMD ["x"]\n')
    assert set(unpack(build_image(folder), tmp_path / "root")) == files


def test_ignored_files_are_not_copied(folder: Path, tmp_path: Path) -> None:
    (folder / ".dockerignore").write_text("# secrets\ndata\nDockerfile\n.dockerignore\n")
    (folder / "Dockerfile").write_text('FROM x\nCOPY . /a/\nCMD ["x"]\n')
    assert set(unpack(build_image(folder), tmp_path / "root")) == {"a/program.py"}


def test_missing_file_is_rejected(folder: Path) -> None:
    (folder / "Dockerfile").write_text('FROM x\nCOPY missing.py .\nCMD ["x"]\n')
    with pytest.raises(UsageError, match=r"COPY missing\.py: the folder of the Dockerfile has no such file"):
        build_image(folder)


def layer(*members: tuple[str, dict[str, object]], content: bytes = b"x") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, attributes in members:
            member = tarfile.TarInfo(name)
            for key, value in attributes.items():
                setattr(member, key, value)
            is_file = member.type == tarfile.REGTYPE
            member.size = len(content) if is_file else 0
            archive.addfile(member, io.BytesIO(content) if is_file else None)
    return buffer.getvalue()


LINK = {"type": tarfile.SYMTYPE}


@pytest.mark.parametrize(
    "members",
    [
        [("../evil", {})],
        [("a/../../evil", {})],
        [("/../evil", {})],
        [("copy", {"type": tarfile.LNKTYPE, "linkname": "../secret"})],
    ],
    ids=str,
)
def test_layer_with_a_path_outside_the_image_is_rejected(
    tmp_path: Path, members: list[tuple[str, dict[str, object]]]
) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (tmp_path / "secret").write_text("secret")
    with pytest.raises(RegistryError, match="leads out of the image"):
        apply_layer(layer(*members), root)
    assert not (tmp_path / "evil").exists()


@pytest.mark.parametrize("target", ["..", "/", "../../..", "inside/../../.."])
def test_files_are_not_written_through_a_link_outside_the_image(tmp_path: Path, target: str) -> None:
    """A link to a path outside is skipped, so later members are written to a folder of its name."""
    root = tmp_path / "root"
    root.mkdir()
    apply_layer(layer(("out", {**LINK, "linkname": target}), ("out/evil", {})), root)
    assert not (tmp_path / "evil").exists()
    assert [path.name for path in root.rglob("evil")] == ["evil"]


def test_links_inside_the_image_are_kept(tmp_path: Path) -> None:
    content = layer(
        ("usr/bin/tool", {"mode": 0o755}),
        ("bin", {**LINK, "linkname": "usr/bin"}),
        ("alias", {**LINK, "linkname": "/usr/bin/tool"}),
        ("hard", {"type": tarfile.LNKTYPE, "linkname": "usr/bin/tool"}),
    )
    apply_layer(content, tmp_path)
    assert (tmp_path / "bin/tool").read_text() == "x"
    assert (tmp_path / "alias").read_text() == "x"
    assert (tmp_path / "hard").read_text() == "x"
    assert os.access(tmp_path / "usr/bin/tool", os.X_OK)


def test_layer_deletes_files_of_lower_layers(tmp_path: Path) -> None:
    apply_layer(layer(("a/one", {}), ("a/two", {}), ("b/three", {})), tmp_path)
    apply_layer(layer(("a/.wh.one", {}), ("b/.wh..wh..opq", {}), ("a/two", {}), content=b"new"), tmp_path)
    found = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert found == {"a/two"}
    assert (tmp_path / "a/two").read_text() == "new"


@pytest.mark.parametrize("content", [b"", b"text", layer(("a", {}))[:40]], ids=["empty", "text", "truncated"])
def test_malformed_layer_is_rejected(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(RegistryError, match="cannot be unpacked"):
        apply_layer(content, tmp_path)


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ("[]", "not a JSON object"),
        ("{", "not JSON"),
        ("{}", "lacks 'layers'"),
        ('{"manifests": []}', "index of images"),
        ('{"layers": [{"mediaType": "x/zstd", "digest": "d"}], "config": {"digest": "d"}}', "x/zstd is not"),
        ('{"layers": []}', "lacks 'config'"),
    ],
)
def test_malformed_manifest_is_rejected(document: str, message: str) -> None:
    with pytest.raises(RegistryError, match=message):
        read_manifest(document.encode())


def test_manifest_lists_layer_and_configuration(folder: Path) -> None:
    image = build_image(folder)
    contents = read_manifest(image.manifest.content)
    assert len(contents.layers) == 1
    assert json.loads(image.manifest.content)["config"]["digest"] == contents.config


HOST = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"


@pytest.mark.parametrize(
    ("text", "repository", "reference"),
    [
        (f"{HOST}/a", "a", "latest"),
        (f"{HOST}/team/a-b:v1.2", "team/a-b", "v1.2"),
        (f"{HOST}/a@sha256:{'0' * 64}", "a", f"sha256:{'0' * 64}"),
    ],
)
def test_image_name_is_parsed(text: str, repository: str, reference: str) -> None:
    name = parse_image_name(text)
    assert (name.host, name.repository, name.reference) == (HOST, repository, reference)
    assert parse_image_name(str(name)) == name


@pytest.mark.parametrize(
    ("parse", "text"),
    [
        (parse_image_name, "python"),
        (parse_image_name, "python:3.13"),
        (parse_image_name, f"{HOST}/"),
        (parse_image_name, f"{HOST}/A"),
        (parse_image_name, f"{HOST}/a:"),
        (parse_image_name, f"{HOST}/a@sha256:1"),
        (parse_repository_uri, f"{HOST}/a:latest"),
        (parse_repository_uri, "registry.example.com/a"),
    ],
)
def test_malformed_image_name_is_rejected(parse: Callable[[str], object], text: str) -> None:
    with pytest.raises(UsageError, match=r"123456789012\.dkr"):
        parse(text)
