"""CodeCommit: its API, and its git repositories over smart HTTP, on bare repositories in one directory.

The directory holds `home` (configuration and hook of git), `repositories/<repository id>` (bare repositories,
each with its metadata in `stepline.json`), `connected/<repository id>` (those of other providers) and, while
the service runs, `work` (temporary files).

`git` runs git's plumbing commands, `smart_http` and `backend` serve git clients, `commits`, `references`,
`files`, `differences` and `commit_creation` implement the operations.
"""

from stepline.localaws.codecommit.connected import OnChange
from stepline.localaws.codecommit.models import ReferenceChange
from stepline.localaws.codecommit.service import CodeCommit

__all__ = ["CodeCommit", "OnChange", "ReferenceChange"]
