"""Local CodeCommit: its API, and its git repositories over smart HTTP, on bare repositories in one directory.

The directory holds `home` (configuration and hook of git), `repositories/<repository id>`
(bare repositories, each with its metadata in `stepline.json`) and, while the service runs, `work`.

The parts: `git` runs git's plumbing, `store` knows the repositories, `smart_http` and
`backend` serve the git client, `changes` turns changed references into events, and the
`*_operations` modules are the API.
"""

from stepline.localaws.codecommit.service import CodeCommit

__all__ = ["CodeCommit"]
