"""Functions deployed from local files run the code that the files have at the time of the invocation."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from stepline.core.source_trees import SourceTree, from_comment, to_comment
from stepline.deployment import template as templates
from stepline.localaws.functions import FunctionRunner
from tests.localaws.functions.conftest import version


class Packages:
    """A bucket that keeps what is uploaded."""

    def __init__(self) -> None:
        self.contents: list[bytes] = []

    def upload(self, _ending: str, content: bytes) -> dict[str, str]:
        self.contents.append(content)
        return {"Bucket": "b", "Key": "k"}

    def url(self, key: str) -> str:
        return f"https://b.example/{key}"


class Checkout:
    """A folder with a function `app.handler`, deployed once as `stepline up` does."""

    def __init__(self, folder: Path, runner: FunctionRunner) -> None:
        self.folder = folder
        self._runner = runner
        folder.mkdir()
        (folder / "settings.py").write_text("LIMIT = 1\n")
        self.write("import settings\n\ndef handler(event, context):\n    return settings.LIMIT\n")
        packages = Packages()
        function = {"Type": "AWS::Serverless::Function", "Properties": {"CodeUri": folder.name}}
        templates.package_template({"Resources": {"F": function}}, folder.parent, packages)
        (self.package,) = packages.contents

    def write(self, text: str, name: str = "app.py") -> None:
        """Write a file of the same size and time as another one, too: only its inode is certain to change."""
        new = self.folder / f".{name}.new"
        new.write_text(text)
        new.rename(self.folder / name)

    def invoke(self, **settings: object) -> object:
        function = version("app.handler", **settings)
        return json.loads(self._runner.invoke(function, lambda: self.package, b"{}", request_id="r").payload)


@pytest.fixture
def checkout(tmp_path: Path, runner: FunctionRunner) -> Checkout:
    return Checkout(tmp_path / "checkout", runner)


def test_changed_handler_is_live_with_the_next_invocation(checkout: Checkout) -> None:
    assert checkout.invoke() == 1
    checkout.write("def handler(event, context):\n    return 'changed'\n")
    assert checkout.invoke() == "changed"
    checkout.write("def handler(event, context):\n    return 'changes'\n")
    assert checkout.invoke() == "changes"


def test_changed_module_of_a_handler_is_live(checkout: Checkout) -> None:
    assert checkout.invoke() == 1
    checkout.write("LIMIT = 2\n", "settings.py")
    assert checkout.invoke() == 2


def test_change_before_the_first_invocation_is_live(checkout: Checkout) -> None:
    checkout.write("LIMIT = 2\n", "settings.py")
    assert checkout.invoke() == 2


def test_new_and_deleted_modules_are_live(checkout: Checkout) -> None:
    assert checkout.invoke() == 1
    (checkout.folder / "limits").mkdir()
    (checkout.folder / "limits" / "__init__.py").write_text("LIMIT = 3\n")
    (checkout.folder / "settings.py").unlink()
    assert isinstance(error := checkout.invoke(), dict)
    assert error["errorType"] == "Runtime.ImportModuleError"
    checkout.write("import limits\n\ndef handler(event, context):\n    return limits.LIMIT\n")
    assert checkout.invoke() == 3
    (checkout.folder / "limits" / "__init__.py").write_text("LIMIT = 44\n")
    assert checkout.invoke() == 44


def test_unchanged_files_keep_the_execution_environment(checkout: Checkout) -> None:
    checkout.write("import os\n\ndef handler(event, context):\n    return os.getpid()\n")
    process = checkout.invoke()
    os.utime(checkout.folder / "app.py")
    assert checkout.invoke() == process


def test_published_version_keeps_its_code(checkout: Checkout) -> None:
    arn = "arn:aws:lambda:eu-central-1:000000000000:function:function:1"
    assert checkout.invoke(arn=arn, is_latest=False) == 1
    checkout.write("LIMIT = 2\n", "settings.py")
    assert (checkout.invoke(), checkout.invoke(arn=arn, is_latest=False)) == (2, 1)


def test_deleted_checkout_leaves_the_last_code(checkout: Checkout) -> None:
    assert checkout.invoke() == 1
    for file in checkout.folder.iterdir():
        file.unlink()
    checkout.folder.rmdir()
    assert checkout.invoke() == 1


def test_renewed_code_is_removed(checkout: Checkout, runner: FunctionRunner, tmp_path: Path) -> None:
    for number in range(8):
        checkout.write(f"LIMIT = {number}\n", "settings.py")
        assert checkout.invoke() == number
    assert len([path for path in (tmp_path / "functions").iterdir() if (path / "app.py").exists()]) <= 4
    runner.close()
    assert not [path for path in (tmp_path / "functions").iterdir() if path.is_dir()]


@pytest.mark.parametrize("comment", [b"", b"zipped by hand", b"[]", b'{"sourceTrees": 5}', b"\xff"])
def test_comment_of_another_tool_names_no_files(comment: bytes) -> None:
    assert from_comment(comment) == ()


def test_comment_has_the_trees(tmp_path: Path) -> None:
    tree = SourceTree(tmp_path / "a", tmp_path, "*.py", (tmp_path / "a" / "b",), with_hidden=False)
    assert from_comment(to_comment([tree])) == (tree,)


def test_too_long_comment_is_left_out(tmp_path: Path) -> None:
    assert to_comment([SourceTree(tmp_path, tmp_path)] * 1000) == b""
