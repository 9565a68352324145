"""The folder of an image with its Dockerfile."""

from __future__ import annotations

from pathlib import Path

import pytest

DOCKERFILE = """\
# A comment
FROM python:3.13-slim AS base
WORKDIR /app
COPY program.py data/ ./
ENV COLOUR=blue TEXT="two words"
USER nobody
ENTRYPOINT ["python", "program.py"]
CMD ["--help"]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Create a folder with two files to copy and one to ignore."""
    folder = tmp_path / "image"
    (folder / "data").mkdir(parents=True)
    (folder / "__pycache__").mkdir()
    (folder / "Dockerfile").write_text(DOCKERFILE)
    (folder / "program.py").write_text("print('hello')\n")
    (folder / "data/words.txt").write_text("one\ntwo\n")
    (folder / "__pycache__/program.pyc").write_bytes(b"x")
    return folder
