"""The API's operations on branches."""

from __future__ import annotations

from stepline.localaws.codecommit.parts import Parts
from stepline.localaws.protocol import Params


class BranchOperations:
    """GetBranch and its family."""

    _parts: Parts

    def get_branch(self, params: Params) -> Params:
        repository = self._parts.store.get(params["repositoryName"])
        name = params["branchName"]
        return {"branch": {"branchName": name, "commitId": self._parts.branch_tip(repository, name)}}
