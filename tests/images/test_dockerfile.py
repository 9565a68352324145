"""The instructions of a Dockerfile that need no container engine."""

from __future__ import annotations

import pytest

from stepline.core.errors import UsageError
from stepline.images.dockerfile import Copy, Dockerfile, parse_dockerfile
from tests.images.conftest import DOCKERFILE


def test_dockerfile_is_parsed() -> None:
    assert parse_dockerfile(DOCKERFILE) == Dockerfile(
        copies=(Copy(("program.py", "data/"), "/app/"),),
        entrypoint=("python", "program.py"),
        command=("--help",),
        environment={"COLOUR": "blue", "TEXT": "two words"},
        working_directory="/app",
    )


def test_last_instruction_wins_and_paths_are_relative() -> None:
    file = parse_dockerfile("from x\nWORKDIR /a\nWORKDIR b\nCOPY . .\nCMD one \\\n  two\nCMD three\n")
    assert file.working_directory == "/a/b"
    assert file.copies == (Copy((".",), "/a/b/"),)
    assert file.command == ("/bin/sh", "-c", "three")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "has no FROM"),
        ("FROM x\nCOPY a b\n", "neither ENTRYPOINT nor CMD"),
        ("COPY a b\n", "line 1 of the Dockerfile: COPY before FROM"),
        ("FROM x\n\nRUN pip install y\n", "line 3 of the Dockerfile: RUN is not supported"),
        ("FROM x\nFROM y\n", "line 2 of the Dockerfile: a second FROM is not supported"),
        ("FROM x\nCOPY --from=y a b\n", "COPY --from=y is not supported"),
        ("FROM x\nCOPY a\n", "COPY a is not supported"),
        ("FROM x\nWORKDIR $HOME\n", "WORKDIR \\$HOME is not supported"),
        ("FROM x\nCOPY a ../b\n", "\\.\\./b is not supported"),
        ("FROM x\nENV A b\n", "ENV A b is not supported"),
        ('FROM x\nCMD ["a"\n', "cannot be parsed"),
        ('FROM x\nCMD ["a", 1]\n', "is not supported"),
        ("FROM x\nENV A='b\n", "cannot be parsed"),
    ],
)
def test_unsupported_instruction_is_rejected(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        parse_dockerfile(text)
