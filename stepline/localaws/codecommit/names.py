"""The ARNs and clone addresses of repositories."""

from __future__ import annotations

import re
from dataclasses import dataclass

from stepline.core.local_aws import GIT_PATH
from stepline.localaws.codecommit.errors import InvalidResourceArnException

_ARN = re.compile(r"arn:aws[\w-]*:codecommit:(?P<region>[\w-]+):(?P<account>\d{12}):(?P<name>[\w.-]{1,100})")


@dataclass(frozen=True)
class Names:
    """`base_url` is the address at which git's requests are served."""

    account_id: str
    region: str
    base_url: str

    def arn(self, repository_name: str) -> str:
        return f"arn:aws:codecommit:{self.region}:{self.account_id}:{repository_name}"

    def repository_name(self, arn: str) -> str:
        """Return the name in a repository's ARN. Raises InvalidResourceArnException."""
        match = _ARN.fullmatch(arn)
        if match is None or (match["region"], match["account"]) != (self.region, self.account_id):
            message = f"{arn} is not the ARN of a repository of this account and region"
            raise InvalidResourceArnException(message)
        return match["name"]

    def http_url(self, repository_name: str) -> str:
        return f"{self.base_url}{GIT_PATH}{repository_name}"

    def ssh_url(self, repository_name: str) -> str:
        return f"ssh://git-codecommit.{self.region}.amazonaws.com{GIT_PATH}{repository_name}"
