"""The service object: the API, the git client's side and archives, over one set of repositories."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any, BinaryIO, ClassVar

from botocore.model import OperationModel

from stepline.localaws.clock import Clock
from stepline.localaws.codecommit.announcer import Announcer
from stepline.localaws.codecommit.asgi import Receive, Scope, Send
from stepline.localaws.codecommit.backend import GRACE_SECONDS
from stepline.localaws.codecommit.branch_operations import BranchOperations
from stepline.localaws.codecommit.commit_creation import CommitCreationOperations
from stepline.localaws.codecommit.commit_operations import CommitOperations
from stepline.localaws.codecommit.difference_operations import DifferenceOperations
from stepline.localaws.codecommit.file_operations import FileOperations
from stepline.localaws.codecommit.git import Git, GitError
from stepline.localaws.codecommit.parts import Parts
from stepline.localaws.codecommit.repository_operations import RepositoryOperations
from stepline.localaws.codecommit.requests import check_request
from stepline.localaws.codecommit.smart_http import SmartHttp
from stepline.localaws.codecommit.store import RepositoryStore
from stepline.localaws.codecommit.tag_operations import TagOperations
from stepline.localaws.events import EventSink
from stepline.localaws.protocol import JsonService, Params

LOCAL_ACCOUNT_ID = "000000000000"
DEFAULT_REGION = "us-east-1"


class CodeCommit(
    RepositoryOperations,
    TagOperations,
    BranchOperations,
    CommitOperations,
    FileOperations,
    DifferenceOperations,
    CommitCreationOperations,
    JsonService,
):
    """Local CodeCommit on bare git repositories in `directory`.

    `base_url` (`http://127.0.0.1:4566`) is where `git_app` is served; it becomes part
    of `cloneUrlHttp`. Repositories that `directory` holds from an earlier run are served
    again. Raises `stepline.core.errors.UsageError` when git is not installed.
    """

    service_name: ClassVar[str] = "codecommit"

    def __init__(
        self,
        directory: Path,
        *,
        clock: Clock,
        events: EventSink,
        base_url: str,
        account_id: str = LOCAL_ACCOUNT_ID,
        region: str = DEFAULT_REGION,
    ) -> None:
        directory = directory.resolve()
        git = Git(directory / "home")
        work = directory / "work"
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir()
        store = RepositoryStore(directory / "repositories", git, trash=work)
        announcer = Announcer(git, clock, events, account_id=account_id, region=region)
        self._parts = Parts(git, store, announcer, clock, base_url.rstrip("/"), account_id, region, work)
        self._smart_http = SmartHttp(work, git, store, announcer)

    def call(self, operation: OperationModel, document: Any) -> Params | None:
        """CodeCommit has errors of its own for wrong parameters, instead of ValidationException."""
        check_request(operation, document)
        return super().call(operation, document)

    def archive(self, repository_name: str, commit_id: str, target: BinaryIO) -> None:
        """Write a zip of the commit's tree to `target`, as CodePipeline's CodeCommit source action makes it.

        The files are at the root, with their executable bits and symbolic links, without
        submodules and history; the same commit always gives the same bytes. Raises
        `AwsError`: RepositoryDoesNotExistException, CommitIdDoesNotExistException,
        InvalidCommitIdException.
        """
        repository = self._parts.store.get(repository_name)
        commit = self._parts.commit(repository, commit_id)
        with self._parts.git.archive(repository.path, commit) as process:
            self._smart_http.groups.add(process.pid)
            try:
                assert process.stdout is not None
                shutil.copyfileobj(process.stdout, target)
                status = process.wait()
            finally:
                self._smart_http.groups.discard(process.pid)
        if status:
            raise GitError("archive", status, "the zip is incomplete")

    async def git_app(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI application for the paths `/v1/repos/<name>/…`."""
        await self._smart_http(scope, receive, send)

    @property
    def running_processes(self) -> frozenset[int]:
        """The git processes that serve clients at this moment."""
        return self._smart_http.groups.running

    def close(self) -> None:
        """End the git processes that serve clients. The repositories stay where they are."""
        self._smart_http.groups.close(grace_seconds=GRACE_SECONDS)
        shutil.rmtree(self._parts.work, ignore_errors=True)
