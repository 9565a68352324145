"""The console's web application: every page as HTML, as JSON, and as a stream of its changes."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Final

from botocore.exceptions import BotoCoreError, ClientError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from stepline.aws.error_messages import explain
from stepline.aws.redaction import redact_json, redact_text
from stepline.console.acts import ACTS
from stepline.console.acts.act import Act, require_actions
from stepline.console.aws_calls import Pace
from stepline.console.forms import FormError, read_form
from stepline.console.pages import Console, Document, NotAllowedError, Page, PageNotFoundError, Query
from stepline.console.protection import TOKEN_FIELD, Protection, is_token
from stepline.console.rendering import Renderer
from stepline.console.views import PAGES
from stepline.console.watches import Reading, Watch, Watches
from stepline.core.errors import SteplineError, UsageError
from stepline.core.local_aws import HEALTH_PATH

_JSON: Final = ".json"
_CHANGES: Final = ".changes"
_VERSION: Final = "version"
_LINE_ENDS: Final = re.compile(r"\r\n|\n|\r")
"""Those of server-sent events; `splitlines` knows more, which are parts of a text."""

_STATIC: Final = Path(__file__).parent / "static"

Handler = Callable[[Request], Awaitable[Response]]


def create_application(console: Console, port: int) -> Starlette:
    """Return the application that serves the pages on that port of the loopback interface."""
    served = _Served(console)
    return Starlette(
        routes=[
            Route(HEALTH_PATH, _send_health),
            *served.routes(PAGES),
            *served.act_routes(ACTS),
            Mount("/static", StaticFiles(directory=_STATIC)),
        ],
        middleware=[Middleware(Protection, port=port)],
        exception_handlers={HTTPException: served.show_error, Exception: served.show_error},
    )


async def _send_health(_request: Request) -> Response:
    return JSONResponse({"status": "ready", "pid": os.getpid()})


class _Served:
    """The handlers of all pages."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._renderer = Renderer(console)
        self._watches = Watches()
        self._pace = Pace.of(console.target)

    def routes(self, pages: Sequence[Page]) -> list[BaseRoute]:
        """Return the routes of each page; those with an ending come first, as names may contain dots."""
        routes: list[BaseRoute] = []
        for page in pages:
            path = page.path if page.path != "/" else "/index"
            routes += [
                Route(path + _JSON, self._guarded(partial(self._send_json, page))),
                Route(path + _CHANGES, self._guarded(partial(self._send_changes, page))),
                Route(page.path, self._guarded(partial(self._send_page, page))),
            ]
        return routes

    def act_routes(self, acts: Sequence[Act]) -> list[BaseRoute]:
        """Return the routes of the acts' pages, and those to which their forms are sent."""
        pages = [act.page for act in acts if act.has_page]
        forms = [Route(act.path, self._guarded(partial(self._act, act)), methods=["POST"]) for act in acts]
        return [*self.routes(pages), *forms]

    async def _act(self, act: Act, request: Request) -> Response:
        """Act, and show the effect; or show the page of the act again, with the reason why it was refused."""
        require_actions(self._console)
        fields = await read_form(request)
        if not is_token(fields.pop(TOKEN_FIELD, None), self._console.act_token):
            raise NotAllowedError(
                "this form is not of this console, or of an earlier one: open its page again"
            )
        query = Query({}, fields)
        document = await asyncio.to_thread(_read_once, act.page, self._console, query)
        if document["obstacle"]:
            return self._refused(act, document, document["obstacle"], query)
        try:
            address = await asyncio.to_thread(act.perform, self._console, query)
        except (SteplineError, ClientError, BotoCoreError) as error:
            return self._refused(act, document, _explain(error), query)
        self._watches.refresh()
        return RedirectResponse(address, status_code=303)

    def _refused(self, act: Act, document: Document, message: str, query: Query) -> Response:
        document = {**document, "isLive": False, "error": message}
        html = self._renderer.page(
            act.page.template, document, reading=None, address="", changes="", form=query.arguments
        )
        return HTMLResponse(html, status_code=409)

    async def _send_page(self, page: Page, request: Request) -> Response:
        reading = await self._watch(page, request).latest()
        html = self._renderer.page(
            page.template, reading.document, reading=reading, form={}, **_addresses(request, reading)
        )
        return HTMLResponse(html)

    async def _send_json(self, page: Page, request: Request) -> Response:
        return JSONResponse((await self._watch(page, request).latest()).document)

    async def _send_changes(self, page: Page, request: Request) -> Response:
        watch = self._watch(page, request)
        await watch.latest()
        return StreamingResponse(
            self._changes(page, watch, request.query_params.get(_VERSION, "")), media_type="text/event-stream"
        )

    async def _changes(self, page: Page, watch: Watch, version: str) -> AsyncIterator[str]:
        """Yield the content when it has changed, and after each reading what it cost, which shows life."""
        async for reading in watch.readings():
            if reading.version != version:
                version = reading.version
                yield _event("content", self._renderer.content(page.template, reading.document, form={}))
            yield _event("reading", self._renderer.content("reading.html", reading.document, reading=reading))

    def _watch(self, page: Page, request: Request) -> Watch:
        arguments = {name: text for name, text in request.query_params.items() if name != _VERSION}
        query = Query(dict(request.path_params), arguments)
        key = (page.path, *sorted(query.path.items()), *sorted(arguments.items()))
        return self._watches.find(
            key, lambda: Watch(partial(page.open, self._console, query), self._pace, _explain)
        )

    def _guarded(self, handler: Handler) -> Handler:
        """Return a handler that shows errors: Starlette prints a traceback for some."""

        async def guarded(request: Request) -> Response:
            try:
                return await handler(request)
            except Exception as error:
                return await self.show_error(request, error)

        return guarded

    async def show_error(self, request: Request, error: Exception) -> Response:
        """Show an error as a page of one sentence, or as JSON; an error of AWS has status 502."""
        match error:
            case HTTPException():
                status, message = error.status_code, "this page does not exist"
            case NotAllowedError():
                status, message = 403, _explain(error)
            case FormError():
                status, message = error.status, _explain(error)
            case PageNotFoundError():
                status, message = 404, _explain(error)
            case UsageError():
                status, message = 400, _explain(error)
            case _:
                status, message = 502, _explain(error)
        if request.url.path.endswith((_JSON, _CHANGES)):
            return JSONResponse({"error": message}, status_code=status)
        document = {"title": "Not found" if status == 404 else "Error", "isLive": False, "message": message}
        return HTMLResponse(
            self._renderer.page("error.html", document, reading=None, address="", changes=""),
            status_code=status,
        )


def _read_once(page: Page, console: Console, query: Query) -> Document:
    document: Document = redact_json(page.open(console, query)())
    return document


def _explain(error: Exception) -> str:
    return redact_text(explain(error))


def _addresses(request: Request, reading: Reading) -> dict[str, str]:
    path = request.url.path if request.url.path != "/" else "/index"
    query = f"?{request.url.query}" if request.url.query else ""
    joined = f"{query}&" if query else "?"
    return {
        "json_address": f"{path}{_JSON}{query}",
        "changes": f"{path}{_CHANGES}{joined}{_VERSION}={reading.version}",
    }


def _event(name: str, text: str) -> str:
    """Format a server-sent event: each line of the text needs its own field."""
    lines = "".join(f"data: {line}\n" for line in _LINE_ENDS.split(text))
    return f"event: {name}\n{lines}\n"
