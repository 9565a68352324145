"""Saves an execution of a pipeline, and of the state machines behind its actions, as one file for a browser.

The file needs no console and no network: its styles and scripts are in it, and its security policy allows
nothing else. Links to pages of the console are left out, except those to what is in the file.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
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


@dataclass(frozen=True)
class _Section:
    """A page of the console that is part of the file; `id` is that of its element."""

    id: str
    content: str


def save_execution(target: Target, pipeline: str, execution_id: str, file: Path) -> None:
    """Write the file, and ignore its folder in git, as tools do with what they write.

    Raises OSError if it cannot be written, and botocore's errors.
    """
    console = Console(target, allows_actions=False, act_token="")
    renderer = Renderer(console)
    page = _page(_PIPELINE_EXECUTION)
    document = page.open(console, Query({"name": pipeline, "id": execution_id}, {}))()
    sections = [_Section("pipeline", renderer.content(page.template, document))]
    links = {}
    for number, address in enumerate(_workflow_addresses(document), start=1):
        page = _page(_EXECUTION)
        arn = unquote(address.rpartition("/")[2])
        workflow = page.open(console, Query({"arn": arn}, {}))()
        sections.append(_Section(f"workflow-{number}", renderer.content(page.template, workflow)))
        links[address] = f"#workflow-{number}"
    html = renderer.page(
        "saved.html", document, sections=[_relinked(each, links) for each in sections], **_assets()
    )
    file.parent.mkdir(exist_ok=True)
    (file.parent / ".gitignore").write_text("*\n")
    file.write_text(html, encoding="utf-8")


def _page(path: str) -> Page:
    return next(each for each in PAGES if each.path == path)


def _workflow_addresses(document: Document) -> Iterator[str]:
    for stage in document["stages"]:
        for action in stage["actions"]:
            address = action["address"] or ""
            if address.startswith("/executions/"):
                yield address


def _relinked(section: _Section, links: Mapping[str, str]) -> _Section:
    def link(match: re.Match[str]) -> str:
        address = links.get(match[1].partition("?")[0])
        return f' href="{address}"' if address else ""

    return _Section(section.id, _LINK.sub(link, section.content))


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
