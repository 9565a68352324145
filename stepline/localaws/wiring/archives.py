"""CodePipeline's access to CodeCommit's archives."""

from __future__ import annotations

from typing import BinaryIO

from stepline.localaws.codecommit import CodeCommit
from stepline.localaws.iam import Need, current_actor
from stepline.localaws.wiring.platform import Platform


class RepositoryArchives:
    """Checks the permissions for operations that IAM has and the API of CodeCommit does not.

    https://docs.aws.amazon.com/codecommit/latest/userguide/auth-and-access-control-permissions-reference.html
    """

    def __init__(self, codecommit: CodeCommit, platform: Platform) -> None:
        self._codecommit = codecommit
        self._roles = platform.roles
        self._prefix = f"arn:aws:codecommit:{platform.settings.region}:{platform.settings.account_id}"

    def upload(self, repository: str, commit: str, target: BinaryIO) -> None:
        """Write an archive of the commit to `target`. Raises botocore's ClientError without permission."""
        self._authorize(repository, "UploadArchive", "GetUploadArchiveStatus")
        self._codecommit.archive(repository, commit, target)

    def cancel(self, repository: str) -> None:
        """Raise botocore's ClientError without permission to cancel an upload; there is nothing to cancel."""
        self._authorize(repository, "CancelUploadArchive")

    def _authorize(self, repository: str, *operations: str) -> None:
        if actor := current_actor():
            resource = f"{self._prefix}:{repository}"
            self._roles.authorize(actor, (Need(f"codecommit:{name}", resource) for name in operations))
