"""Checks templates with cfn-lint before they are pushed or deployed.

cfn-lint runs as a process of its own: importing it takes longer than most commands do.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from stepline.core.errors import UsageError
from stepline.core.text import one_line
from stepline.deployment import project
from stepline.deployment.input_check import INPUT_FILE
from stepline.git.ignored_files import GENERATED_FOLDERS

_TEMPLATE_PATH = "templatePath"
TEMPLATE_ENDINGS: Final = frozenset({".json", ".template", ".yaml", ".yml"})
_MAX_BYTES = 1_000_000  # a template of CloudFormation in S3 has at most 1 MB [doc: CloudFormation quotas]
_RESOURCES = re.compile(r"""(?m)(?:^|[{,])\s*["']?Resources["']?\s*:""")
_RESOURCE_TYPE = re.compile(r"""["']?Type["']?\s*:\s*["']?(AWS|Custom|Alexa)::""")
_PROGRAM = "import sys; from cfnlint.runner import main; sys.exit(main())"
_ERROR = "Error"
SAMPLE_DIGEST: Final = "659f5b892c528f73f80b1924c960b884925a31ca49d740ae43d242eca22f7c7c"
"""SHA-256 of the sample application's template, which needs no check: `make lint` has checked it."""


@dataclass(frozen=True)
class Finding:
    """What cfn-lint found at a place of a template."""

    file: str
    line: int
    column: int
    rule: str
    message: str
    is_error: bool

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.rule} {self.message}"


def is_available() -> bool:
    return importlib.util.find_spec("cfnlint") is not None


def templates_of(source: Path) -> list[Path]:
    """Return the templates that a push of the folder contains.

    They are the files with Resources, and the file that state_machine_input.json names. Files and folders
    whose name begins with a dot are not searched, nor those that builds create.
    """
    found = {path for path in _visible_files(source) if is_template(path)}
    if (named := _named_template(source)) is not None:
        found.add(named)
    return sorted(path for path in found if not _is_sample(path))


def check_templates(templates: Sequence[Path], *, region: str | None) -> list[Finding]:
    """Return the findings of cfn-lint, errors first. Raises UsageError if cfn-lint itself fails.

    It obeys a `.cfnlintrc` in the current folder, and `Metadata` in the templates.
    """
    if not templates:
        return []
    options = ["--format", "json", *(["--regions", region] if region else [])]
    command = [sys.executable, "-c", _PROGRAM, *options, "--", *map(str, templates)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - no shell
    try:
        matches = json.loads(result.stdout or "[]")
    except ValueError as error:
        output = one_line(result.stderr or result.stdout)
        raise UsageError(f"cfn-lint failed: {output}: go on with --no-check") from error
    return sorted(map(_finding, matches), key=lambda finding: not finding.is_error)


def needs_check(template: Path) -> bool:
    """Return False for a template without resources, and for those of stepline itself.

    `make lint` checks these.
    """
    path = template.resolve()
    folders = [project.installed(name) for name in ("pipeline", "statemachines")]
    is_own = path == project.installed(project.TEMPLATE) or any(map(path.is_relative_to, folders))
    return not is_own and _has_resources(path)


def _finding(match: dict[str, Any]) -> Finding:
    start = match["Location"]["Start"]
    return Finding(
        file=match["Filename"],
        line=start["LineNumber"],
        column=start["ColumnNumber"],
        rule=match["Rule"]["Id"],
        message=one_line(match["Message"]),
        is_error=match["Level"] == _ERROR,
    )


def _visible_files(source: Path) -> Iterator[Path]:
    for folder, folders, files in os.walk(source):
        folders[:] = filter(_is_searched, folders)  # a folder of packages may have 100,000 files
        for path in (Path(folder, name) for name in files if _is_searched(name)):
            if path.suffix in TEMPLATE_ENDINGS and path.is_file():
                yield path


def _is_searched(name: str) -> bool:
    return not name.startswith(".") and name not in GENERATED_FOLDERS


def is_template(path: Path) -> bool:
    """Whether the file looks like a template of CloudFormation."""
    text = _read(path)
    return bool(_RESOURCES.search(text) and _RESOURCE_TYPE.search(text))


def _named_template(source: Path) -> Path | None:
    """Return the template of the application's input; the pipeline reports an invalid input."""
    try:
        name = json.loads(_read(source / INPUT_FILE) or "{}").get(_TEMPLATE_PATH)
    except (AttributeError, ValueError):
        return None
    path = source / name if isinstance(name, str) else None
    return path if path is not None and path.is_file() and _has_resources(path) else None


def _has_resources(path: Path) -> bool:
    return bool(_RESOURCE_TYPE.search(_read(path)))


def _read(path: Path) -> str:
    try:
        return path.read_text() if path.stat().st_size <= _MAX_BYTES else ""
    except (OSError, UnicodeDecodeError):
        return ""


def _is_sample(path: Path) -> bool:
    return hashlib.sha256(path.read_bytes()).hexdigest() == SAMPLE_DIGEST
