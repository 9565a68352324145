"""Saves an execution of a pipeline, and of the state machine behind an action, as one file for a browser.

The file needs no console and no network: its styles and scripts are in it, and its security policy allows
nothing else. Links to other pages of the console are left out.
"""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

from stepline.aws.target import Target
from stepline.console.pages import Console, Document, Page, Query
from stepline.console.rendering import Renderer
from stepline.console.views import PAGES

_PIPELINE_EXECUTION: Final = "/pipelines/{name}/executions/{id}"
_EXECUTION: Final = "/executions/{arn}"
_STATIC: Final = Path(__file__).parent / "static"
_SCRIPTS: Final = ("vendor/dagre.min.js", "graph.js")
_LINK: Final = re.compile(r' href="(/[^"]*)"')
_GRAPH_ADDRESS: Final = re.compile(r' data-address="[^"]*"')
_WORKFLOW: Final = "workflow"
"""The id of its section in `saved.html`."""


def save_execution(target: Target, pipeline: str, execution_id: str, file: Path) -> None:
    """Write the file, and ignore its folder in git, as tools do with what they write.

    Raises OSError if it cannot be written, and botocore's errors.
    """
    console = Console(target, allows_actions=False, act_token="")
    renderer = Renderer(console)
    page = _page(_PIPELINE_EXECUTION)
    document = page.open(console, Query({"name": pipeline, "id": execution_id}, {}))()
    address = _workflow_address(document)
    sections = [_relinked(renderer.content(page.template, document), address)]
    if address is not None:
        page = _page(_EXECUTION)
        workflow = page.open(console, Query({"arn": unquote(address.rpartition("/")[2])}, {}))()
        sections.append(_relinked(renderer.content(page.template, workflow), None))
    html = renderer.page("saved.html", document, sections=sections, **_assets())
    file.parent.mkdir(exist_ok=True)
    (file.parent / ".gitignore").write_text("*\n")
    file.write_text(html, encoding="utf-8")


def _page(path: str) -> Page:
    return next(each for each in PAGES if each.path == path)


def _workflow_address(document: Document) -> str | None:
    """Return the address of the execution that failed, or else of the last one: the file shows one graph."""
    actions = [action for stage in document["stages"] for action in stage["actions"]]
    found = [each for each in actions if (each["address"] or "").startswith("/executions/")]
    failed = [each for each in found if each["error"]]
    return next((str(each["address"]) for each in reversed(failed or found)), None)


def _relinked(section: str, workflow: str | None) -> str:
    """Leave out links to the console, except those to the execution that is in the file."""

    def link(match: re.Match[str]) -> str:
        return f' href="#{_WORKFLOW}"' if workflow and match[1].startswith(workflow) else ""

    return _GRAPH_ADDRESS.sub("", _LINK.sub(link, section))


def _assets() -> dict[str, Any]:
    """Return the styles and scripts, and the security policy that allows only these."""
    style = "\n".join(each.read_text(encoding="utf-8") for each in sorted(_STATIC.glob("*.css")))
    scripts = [(_STATIC / name).read_text(encoding="utf-8") for name in _SCRIPTS]
    policy = (
        f"default-src 'none'; style-src {_source(style)}; script-src {' '.join(map(_source, scripts))}; "
        "base-uri 'none'; form-action 'none'"
    )
    return {"style": style, "scripts": scripts, "policy": policy}


def _source(text: str) -> str:
    """Return the source of an inline style or script: https://www.w3.org/TR/CSP3/#match-element-to-source-list."""
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return f"'sha256-{digest}'"
