"""Copies the scripts of the console from npm's packages, with their licences and checksums: `make assets`.

Usage: `copy.py NODE_MODULES DESTINATION`.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
from pathlib import Path

_FILES = {
    "@dagrejs/dagre": {
        "dist/dagre.min.js": "dagre.min.js",
        "dist/dagre.min.js.LEGAL.txt": "dagre.min.js.LEGAL.txt",
        "LICENSE": "dagre.LICENSE.txt",
    },
    "@dagrejs/graphlib": {"LICENSE": "graphlib.LICENSE.txt"},  # it is part of dagre.min.js
    "idiomorph": {"dist/idiomorph.min.js": "idiomorph.min.js", "LICENSE": "idiomorph.LICENSE.txt"},
}
_README = """# Scripts of others

From npm's packages of `requirements/web/package-lock.json`, unchanged. `make assets` downloads them again; a
test compares these checksums and versions. docs/decisions.md says why they are here.

| file | package | version | licence | SHA-256 |
|---|---|---|---|---|
"""


def main() -> None:
    modules, destination = Path(sys.argv[1]), Path(sys.argv[2])
    shutil.rmtree(destination, ignore_errors=True)
    destination.mkdir()
    rows = []
    for package, files in _FILES.items():
        about = json.loads((modules / package / "package.json").read_text())
        for source, name in files.items():
            content = (modules / package / source).read_bytes()
            (destination / name).write_bytes(content)
            digest = hashlib.sha256(content).hexdigest()
            rows.append(f"| `{name}` | {package} | {about['version']} | {about['license']} | `{digest}` |\n")
    (destination / "README.md").write_text(_README + "".join(rows))


if __name__ == "__main__":
    main()
