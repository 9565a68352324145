"""The local files that a function's package was made of, from which the local AWS renews the package.

A package has them as JSON in the comment of its zip file.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

MAX_FILES: Final = 5_000
"""A package of more files has no source trees: they are checked at each invocation [ours]."""

MAX_COMMENT_BYTES: Final = 65_535
"""Comment of a zip file [APPNOTE.TXT 4.4.12]."""

_BYTECODE: Final = "__pycache__"


@dataclass(frozen=True)
class SourceTree:
    """The files of the folder `path` that match `pattern`, or the file `path` itself.

    In the package they have their paths relative to `base`. Bytecode and the folders in `excluded` are left
    out, and, unless `with_hidden` is set, names that begin with a dot.
    """

    path: Path
    base: Path
    pattern: str = "*"
    excluded: tuple[Path, ...] = ()
    with_hidden: bool = True

    def files(self) -> Iterator[tuple[Path, str]]:
        """Yield the files, with their names in the package, in sorted order."""
        for file in sorted(self.path.rglob(self.pattern)) if self.path.is_dir() else [self.path]:
            name = file.relative_to(self.base)
            is_hidden = any(part.startswith(".") for part in name.parts)
            is_excluded = any(file.is_relative_to(folder) for folder in self.excluded)
            is_excluded = is_excluded or _BYTECODE in name.parts
            if file.is_file() and not is_excluded and (self.with_hidden or not is_hidden):
                yield file, name.as_posix()


def to_comment(trees: Iterable[SourceTree]) -> bytes:
    """Return the comment for a package that was made of the trees; empty if it would be too long."""
    documents = [
        {
            "path": str(tree.path.resolve()),
            "base": str(tree.base.resolve()),
            "pattern": tree.pattern,
            "excluded": [str(folder.resolve()) for folder in tree.excluded],
            "withHidden": tree.with_hidden,
        }
        for tree in trees
    ]
    comment = json.dumps({"sourceTrees": documents}).encode()
    return comment if len(comment) <= MAX_COMMENT_BYTES else b""


def from_comment(comment: bytes) -> tuple[SourceTree, ...]:
    """Return the trees of a package with this comment; none if it is the comment of any other zip file."""
    try:
        return tuple(
            SourceTree(
                Path(tree["path"]),
                Path(tree["base"]),
                str(tree["pattern"]),
                tuple(map(Path, tree["excluded"])),
                bool(tree["withHidden"]),
            )
            for tree in json.loads(comment)["sourceTrees"]
        )
    except (ValueError, KeyError, TypeError):
        return ()
