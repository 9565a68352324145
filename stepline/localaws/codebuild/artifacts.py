"""Selects the files of artifacts.

https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html, "artifacts"
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from stepline.localaws.codebuild.buildspec import ArtifactSpec
from stepline.localaws.codebuild.errors import PhaseError

_WILDCARDS = re.compile(r"[*?\[{]")

Files = list[tuple[Path, str]]
"""The files of an artifact, each with its name in it."""


@dataclass(frozen=True)
class Selection:
    """Selects files below `folder`. `say` writes a line to the log."""

    folder: Path
    variables: Mapping[str, str]
    say: Callable[[str], None]

    def files(self, spec: ArtifactSpec) -> Files:
        """Return the files of an artifact. Raises PhaseError, CLIENT_ERROR, if there is none."""
        found: dict[str, Path] = {}
        for base in self._bases(spec.base_directory):
            excluded = {
                path for pattern in spec.exclude_paths for path in _matches(base, self._expand(pattern))
            }
            self.say(f"Expanding file paths for base directory {spec.base_directory or '.'}")
            self.say("Assembling file list")
            for pattern in spec.files:
                paths = [path for path in self._expanded(base, pattern) if path not in excluded]
                found |= {_name(path, base, flat=spec.discard_paths): path for path in paths}
        if not found:
            raise PhaseError("CLIENT_ERROR", "no matching artifact paths found")
        return [(path, name) for name, path in sorted(found.items())]

    def _bases(self, pattern: str) -> list[Path]:
        self.say(f"Expanding base directory path: {pattern or '.'}")
        text = self._expand(pattern) or "."
        path = self.folder / text
        bases = sorted(self.folder.glob(text)) if _WILDCARDS.search(text) else [path]
        if not (found := [base for base in bases if base.is_dir()]):
            raise PhaseError("CLIENT_ERROR", f"no matching base directory path found for {pattern}")
        return found

    def _expanded(self, base: Path, pattern: str) -> list[Path]:
        self.say(f"Expanding {pattern}")
        paths = sorted(_matches(base, self._expand(pattern)))
        self.say(f"Found {len(paths)} file(s)" if paths else f"Skipping invalid file path {pattern}")
        return paths

    def _expand(self, text: str) -> str:
        """Replace `$NAME` and `${NAME}` by the variables that the commands left."""
        return re.sub(
            r"\$(?:\{(\w+)\}|(\w+))", lambda match: self.variables.get(match[1] or match[2], ""), text
        )


def _name(path: Path, base: Path, *, flat: bool) -> str:
    if flat:
        return path.name
    return str(path.relative_to(base) if path.is_relative_to(base) else path.relative_to(path.anchor))


def _matches(base: Path, pattern: str) -> set[Path]:
    """Return the files that match a path or a pattern below `base`. A folder's own name matches none."""
    plain = pattern.removeprefix("./")
    if not _WILDCARDS.search(plain):
        path = base / plain
        return {path} if path.is_file() or (path.is_symlink() and not path.is_dir()) else set()
    if plain.startswith("/"):
        base, plain = Path("/"), plain.lstrip("/")
    expression = re.compile(_regular_expression(plain))
    start = base / _fixed_part(plain)
    return {path for path in _walk(start) if expression.fullmatch(path.relative_to(base).as_posix())}


def _fixed_part(pattern: str) -> str:
    """Return the folders before the first wildcard, which need not be searched."""
    parts: list[str] = []
    for part in pattern.split("/")[:-1]:
        if _WILDCARDS.search(part):
            break
        parts.append(part)
    return "/".join(parts)


def _walk(folder: Path) -> Iterator[Path]:
    """Yield all files below a folder, hidden ones too, without following links to folders."""
    for parent, names, files in os.walk(folder):
        yield from (Path(parent, name) for name in files)
        yield from (Path(parent, name) for name in names if Path(parent, name).is_symlink())


def _regular_expression(pattern: str) -> str:
    r"""Return the expression of a pattern: `*` and `?` stay within a folder, `**` does not."""
    result = ""
    index = 0
    while index < len(pattern):
        rest = pattern[index:]
        if rest.startswith("**/"):
            result, index = result + r"(?:.*/)?", index + 3
        elif rest.startswith("**"):
            result, index = result + ".*", index + 2
        elif rest[0] in "*?":
            result, index = result + ("[^/]*" if rest[0] == "*" else "[^/]"), index + 1
        elif rest[0] == "{" and "}" in rest:
            choices = rest[1 : rest.index("}")].split(",")
            result += f"(?:{'|'.join(map(_regular_expression, choices))})"
            index += rest.index("}") + 1
        elif rest[0] == "[" and "]" in rest[2:]:
            end = rest.index("]", 2)
            characters = rest[1:end].replace("\\", "\\\\")
            result += f"[{'^' + characters[1:] if characters[0] in '!^' else characters}]"
            index += end + 1
        else:
            result, index = result + re.escape(rest[0]), index + 1
    return result
