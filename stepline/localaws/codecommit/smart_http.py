"""The ASGI application for git clients: smart HTTP at CodeCommit's paths.

It serves three resources of a repository: `/v1/repos/<name>/info/refs?service=…`, `…/git-upload-pack` (fetch)
and `…/git-receive-pack` (push); those of other providers are at `/v1/repos/<owner>/<name>`.
https://git-scm.com/docs/http-protocol

Credentials are accepted and ignored: none are requested, and those that a client sends are not passed
to git or logged.
"""

from __future__ import annotations

import asyncio
import logging
import re
import uuid
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from urllib.parse import parse_qs

from stepline.core.errors import SteplineError
from stepline.core.local_aws import GIT_PATH
from stepline.localaws.codecommit.backend import Backend, BackendCommand, BackendError
from stepline.localaws.codecommit.connected import ConnectedRepositories
from stepline.localaws.codecommit.events import ChangePublisher
from stepline.localaws.codecommit.git import Git
from stepline.localaws.codecommit.git_home import MESSAGES_SUFFIX, PUSH_LOG_VARIABLE
from stepline.localaws.codecommit.processes import ProcessGroups
from stepline.localaws.codecommit.push_messages import PushMessages
from stepline.localaws.codecommit.references import parse_push_log
from stepline.localaws.codecommit.store import Repository, RepositoryStore
from stepline.localaws.http.asgi import Receive, Scope, Send, header, send_body, send_text

_log = logging.getLogger(__name__)

_ROUTE = re.compile(
    GIT_PATH + r"(?P<repository>(?!\.+/)[\w.-]{1,100}(?:/(?!\.+/)[\w.-]{1,100}){0,20})"
    r"/(?P<resource>info/refs|git-upload-pack|git-receive-pack)",
    re.ASCII,
)
_POLL_SECONDS = 0.01  # while git works on a push
_GIT_PROTOCOL = re.compile(r"[\w=:.-]{1,200}", re.ASCII)


class GitService(StrEnum):
    """The two sides of smart HTTP."""

    UPLOAD_PACK = "git-upload-pack"
    RECEIVE_PACK = "git-receive-pack"


@dataclass(frozen=True)
class GitRequest:
    """A request of a git client. `advertisement`: for the list of references, before the exchange itself."""

    repository_name: str
    service: GitService
    advertisement: bool

    @property
    def is_push(self) -> bool:
        return self.service is GitService.RECEIVE_PACK and not self.advertisement

    @property
    def is_connected(self) -> bool:
        """Whether the repository is one of another provider."""
        return "/" in self.repository_name


class HttpError(SteplineError):
    """The request is rejected with a status; the message is the response."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class SmartHttp:
    """Serves the repositories of CodeCommit and of connections. Its requests may run on any event loop."""

    def __init__(
        self,
        git: Git,
        store: RepositoryStore,
        publisher: ChangePublisher,
        connected: ConnectedRepositories,
        groups: ProcessGroups,
    ) -> None:
        self._git = git
        self._store = store
        self._publisher = publisher
        self._connected = connected
        self._groups = groups
        self.messages: PushMessages | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        try:
            request = parse_request(scope)
            await self._serve(request, self._repository(request), scope, receive, send)
        except HttpError as error:
            await send_text(send, error.status, error.message)
        except BackendError as error:
            await self._send_failure(error, send)

    async def _send_failure(self, error: BackendError, send: Send) -> None:
        if self._groups.closed:
            await send_text(send, 503, "the local AWS is stopping")
            return
        _log.error("git http-backend failed: %s", error.message)
        await send_text(send, 500, "git failed to serve the request; see the log of the local AWS")

    def _repository(self, request: GitRequest) -> Repository:
        name = request.repository_name
        if not request.is_connected:
            repository = self._store.find(name)
        elif request.service is GitService.RECEIVE_PACK:
            repository = self._connected.find_or_create(name)
        else:
            repository = self._connected.find(name)
        if repository is None:
            hint = ": the first push to it creates it" if request.is_connected else ""
            raise HttpError(404, f"{name} does not exist{hint}")
        return repository

    async def _serve(
        self, request: GitRequest, repository: Repository, scope: Scope, receive: Receive, send: Send
    ) -> None:
        push_log = self._git.work / f"push-{uuid.uuid4()}"
        environment = self._environment(request, repository, scope, push_log)
        command = BackendCommand(self._git.http_backend, environment, repository.path, request.is_push)
        backend = Backend(command, self._groups)
        answer = None
        if request.is_push:
            repository.begin_push()
            answer = asyncio.create_task(self._answer(repository, push_log))
        try:
            served = await backend.serve(receive, send)
        finally:
            if answer is not None:
                answer.cancel()
                await asyncio.gather(answer, return_exceptions=True)
                await asyncio.shield(asyncio.to_thread(self._finish_push, request, repository, push_log))
            self._groups.discard(backend.process_group)
            _log.debug("served git: %s %s", request, backend.traffic)
        if served:
            await send_body(send, b"", more=False)

    async def _answer(self, repository: Repository, push_log: Path) -> None:
        """Write the lines that the client of a push shows, when the hook has written the changes."""
        while not push_log.exists():  # never, if the push is refused: the task is cancelled then
            await asyncio.sleep(_POLL_SECONDS)
        await asyncio.shield(asyncio.to_thread(self._write_messages, repository, push_log))

    def _write_messages(self, repository: Repository, push_log: Path) -> None:
        try:
            changes = parse_push_log(push_log.read_text(encoding="utf-8", errors="replace"))
        except FileNotFoundError:
            return  # the client has disconnected
        lines: list[str] = []
        if self.messages is not None:
            name = repository.record.name
            lines = self.messages.of(name, changes, lambda change: self._publisher.event(repository, change))
        part = push_log.with_name(f"{push_log.name}.lines")
        part.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        part.rename(_messages_file(push_log))

    def _finish_push(self, request: GitRequest, repository: Repository, push_log: Path) -> None:
        """Publish the changes of a push before the response ends, and so before `git push` returns."""
        try:
            if push_log.exists():
                changes = parse_push_log(push_log.read_text(encoding="utf-8", errors="replace"))
                push_log.unlink()
                _messages_file(push_log).unlink(missing_ok=True)
                publisher = self._connected if request.is_connected else self._publisher
                publisher.publish(repository, changes)
        finally:
            repository.end_push()

    def _environment(
        self, request: GitRequest, repository: Repository, scope: Scope, push_log: Path
    ) -> dict[str, str]:
        """Return git's environment with the CGI variables of the request (RFC 3875)."""
        resource = "info/refs" if request.advertisement else request.service.value
        variables = {
            "GIT_PROJECT_ROOT": str(repository.path.parent),
            "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": f"/{repository.path.name}/{resource}",
            "QUERY_STRING": f"service={request.service}" if request.advertisement else "",
            "REQUEST_METHOD": scope["method"],
            "CONTENT_TYPE": header(scope, "content-type") or "",
            PUSH_LOG_VARIABLE: str(push_log),
        }
        length, encoding = header(scope, "content-length"), header(scope, "content-encoding")
        if length is not None and length.isdecimal():
            variables["CONTENT_LENGTH"] = length
        if encoding is not None:
            variables["HTTP_CONTENT_ENCODING"] = encoding
        protocol = header(scope, "git-protocol")
        if protocol is not None and _GIT_PROTOCOL.fullmatch(protocol):
            variables["GIT_PROTOCOL"] = protocol
        return {**self._git.environment, **variables}


def _messages_file(push_log: Path) -> Path:
    return push_log.with_name(f"{push_log.name}{MESSAGES_SUFFIX}")


def parse_request(scope: Scope) -> GitRequest:
    """Parse a request for one of the three resources. Raises HttpError for any other."""
    route = _ROUTE.fullmatch(scope["path"])
    if route is None:
        raise HttpError(404, f"not found; the address of a repository is {GIT_PATH}<name>")
    name, resource = route["repository"], route["resource"]
    if "/" in name:
        name = name.removesuffix(".git")
    advertisement = resource == "info/refs"
    if scope["method"] != ("GET" if advertisement else "POST"):
        raise HttpError(405, f"{scope['method']} is not allowed")
    if not advertisement:
        return GitRequest(name, GitService(resource), advertisement=False)
    query = parse_qs(scope["query_string"].decode("latin-1"))
    service = query.get("service", [""])[0]
    if service not in set(GitService):
        raise HttpError(403, "only smart HTTP is served; use git 1.6.6 or newer")
    return GitRequest(name, GitService(service), advertisement=True)
