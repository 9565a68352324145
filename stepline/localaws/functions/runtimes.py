"""Lambda's runtimes that this machine can run: Python, and Node.js if it is installed."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from stepline.localaws.functions import launcher
from stepline.localaws.functions.models import FunctionVersion

_NODE_RUNTIME: Final = Path(__file__).with_name("node_runtime.mjs")
_INLINE_MODULES: Final = Path(__file__).with_name("inline_modules")
_NODE_PATH: Final = "NODE_PATH"
_PYTHON, _NODE = "python", "nodejs"


def why_not(runtime: str) -> str:
    """Return why functions of the runtime, such as `java21`, cannot run here, or an empty text."""
    if runtime.startswith(_PYTHON):
        return ""
    if runtime.startswith(_NODE):
        return "" if _node() else "this machine has no node on its PATH: install Node.js to run it"
    return "the local AWS runs functions of Python and Node.js runtimes"


def is_python(function: FunctionVersion) -> bool:
    return not _is_node(function)


def command(function: FunctionVersion) -> list[str]:
    """Return the command of the runtime client."""
    if _is_node(function):
        return [_node(), str(_NODE_RUNTIME), function.handler]
    return [sys.executable, "-P", "-s", launcher.__file__, function.handler]


def search_path(function: FunctionVersion, code: Path, layers: Sequence[Path] = ()) -> dict[str, str]:
    """Return the variable with the folders of modules.

    They are those of the package and of the layers, those that Lambda has for code in a template, and for
    Node.js those of NODE_PATH and those that are installed globally, such as the AWS SDK.
    """
    if not _is_node(function):
        modules = [folder for layer in layers for folder in _python_modules(layer / _PYTHON)]
        return {"PYTHONPATH": ":".join(map(str, (code, *modules, _INLINE_MODULES)))}
    installed = Path(_node()).resolve().parents[1] / "lib" / "node_modules"
    own = os.environ.get(_NODE_PATH, "").split(":")
    modules = [
        folder for layer in layers for folder in sorted((layer / _NODE).glob("node[0-9]*/node_modules"))
    ]
    modules += [layer / _NODE / "node_modules" for layer in layers]
    folders = [code / "node_modules", *modules, _INLINE_MODULES / "node_modules", *own, installed]
    return {_NODE_PATH: ":".join(str(folder) for folder in folders if folder)}


def _python_modules(folder: Path) -> list[Path]:
    """Return the folders of a layer in the order of Lambda's runtime, of any version of Python."""
    return [*sorted(folder.glob("lib/python3.*/site-packages"), reverse=True), folder]


def execution_environment(function: FunctionVersion) -> str:
    """Return the value of AWS_EXECUTION_ENV."""
    if _is_node(function):
        return f"AWS_Lambda_{function.runtime}"
    return f"AWS_Lambda_python{sys.version_info.major}.{sys.version_info.minor}"


def _is_node(function: FunctionVersion) -> bool:
    return function.runtime.startswith(_NODE)


def _node() -> str:
    return shutil.which("node") or ""
