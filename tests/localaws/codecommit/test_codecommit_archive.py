"""The zip of a commit's tree, as CodePipeline's source action receives it."""

from __future__ import annotations

import io
import stat
import zipfile

import pytest

from stepline.localaws.codecommit import CodeCommit
from stepline.localaws.protocol import AwsError
from tests.localaws.codecommit.git_client import WorkingCopy
from tests.localaws.codecommit.served import Repo


def archive(service: CodeCommit, repo: Repo, commit_id: str) -> bytes:
    target = io.BytesIO()
    service.archive(repo.name, commit_id, target)
    return target.getvalue()


def test_files_are_at_the_root_with_modes_and_links(
    service: CodeCommit, repo: Repo, work: WorkingCopy
) -> None:
    (work.path / "link").symlink_to("deep/er/file")
    script = work.path / "run.sh"
    script.write_text("#!/bin/sh\n")
    script.chmod(0o755)
    commit_id = work.commit({"deep/er/file": "content", "umlaut-ä": b"\r\n"})
    work.push("main")

    with zipfile.ZipFile(io.BytesIO(archive(service, repo, commit_id))) as zip_file:
        files = {info.filename: info for info in zip_file.infolist() if not info.is_dir()}
        assert set(files) == {"deep/er/file", "link", "run.sh", "umlaut-ä"}
        assert zip_file.read("deep/er/file") == b"content"
        assert zip_file.read("link") == b"deep/er/file"
        assert stat.S_ISLNK(files["link"].external_attr >> 16)
        assert (files["run.sh"].external_attr >> 16) & 0o111
        assert not (files["deep/er/file"].external_attr >> 16) & 0o111
        assert files["run.sh"].date_time == (2023, 11, 14, 22, 13, 20)


def test_same_commit_gives_the_same_bytes(service: CodeCommit, repo: Repo, work: WorkingCopy) -> None:
    commit_id = work.commit({"a": "1" * 1000})
    work.push("main")
    assert archive(service, repo, commit_id) == archive(service, repo, commit_id)


def test_gitattributes_are_ignored(service: CodeCommit, repo: Repo, work: WorkingCopy) -> None:
    attributes = "secret export-ignore\nversion export-subst\nversion text eol=crlf\n"
    commit_id = work.commit({".gitattributes": attributes, "secret": "s", "version": "$Format:%H$\n"})
    work.push("main")
    with zipfile.ZipFile(io.BytesIO(archive(service, repo, commit_id))) as zip_file:
        assert zip_file.namelist() == [".gitattributes", "secret", "version"]
        assert zip_file.read("version") == b"$Format:%H$\n"


def test_submodules_are_left_out(service: CodeCommit, repo: Repo, work: WorkingCopy) -> None:
    first = work.commit({"a": "1"})
    work.run("update-index", "--add", "--cacheinfo", f"160000,{first},lib/module")
    work.run("commit", "--quiet", "--message", "submodule")
    work.push("main")
    with zipfile.ZipFile(io.BytesIO(archive(service, repo, work.run("rev-parse", "HEAD")))) as zip_file:
        assert "lib/module/" not in zip_file.namelist()
        assert "a" in zip_file.namelist()


@pytest.mark.parametrize(
    ("repository", "commit_id", "code"),
    [
        ("{}", "0123456789" * 4, "CommitIdDoesNotExistException"),
        ("{}", "main", "InvalidCommitIdException"),
        ("{}", "--output=x", "InvalidCommitIdException"),
        ("other", "0123456789" * 4, "RepositoryDoesNotExistException"),
    ],
)
def test_unknown_repository_or_commit_is_an_aws_error(
    service: CodeCommit, repo: Repo, repository: str, commit_id: str, code: str
) -> None:
    with pytest.raises(AwsError) as caught:
        service.archive(repository.format(repo.name), commit_id, io.BytesIO())
    assert caught.value.code == code
