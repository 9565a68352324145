"""The environment, configuration and hook of git processes, without those of the machine and its user.

GIT_CONFIG_GLOBAL needs git 2.32; an older git reads the same file in its HOME.
"""

from __future__ import annotations

import os
from pathlib import Path

PUSH_LOG_VARIABLE = "STEPLINE_PUSH_LOG"
"""The post-receive hook writes the changes of a push to the file that this environment variable names."""

MESSAGES_SUFFIX = ".messages"
"""Ending of the file with the lines that the client shows, beside the file with the changes."""

_HOOK = f"""#!/bin/sh
# Standard input: a line "<old object id> <new object id> <reference>" for each reference that was changed.
# Then the server writes lines for the client, which are waited for at most a few seconds.
log="${PUSH_LOG_VARIABLE}"
cat >"$log.part" && mv "$log.part" "$log" || exit 1
tries=0
until [ -e "$log{MESSAGES_SUFFIX}" ]; do
    tries=$((tries + 1))
    [ "$tries" -gt 300 ] && exit 0
    sleep 0.01
done
cat "$log{MESSAGES_SUFFIX}"
"""

ATTRIBUTES = "* -export-ignore -export-subst -text -ident -filter -working-tree-encoding\n"
"""Overrides .gitattributes in `git archive`: an archive has every file of the commit, byte for byte."""


def git_environment(home: Path) -> dict[str, str]:
    """Return the whole environment of a git process."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home / "xdg"),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": str(home / ".gitconfig"),
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "false",
        "LC_ALL": "C",
        "TZ": "UTC",
    }


def prepare_home(home: Path) -> None:
    """Write the configuration and the hook of all repositories."""
    hooks = home / "hooks"
    hooks.mkdir(parents=True, exist_ok=True)
    hook = hooks / "post-receive"
    hook.write_text(_HOOK, encoding="utf-8")
    hook.chmod(0o755)
    (home / ".gitconfig").write_text(_configuration(hooks), encoding="utf-8")


def _configuration(hooks: Path) -> str:
    quoted = str(hooks).replace("\\", "\\\\").replace('"', '\\"')
    return f"""\
[core]
	hooksPath = "{quoted}"
	; files are never checked out here, so names that other file systems reject are harmless
	protectNTFS = false
	protectHFS = false
[safe]
	directory = *
[http]
	receivepack = true
[receive]
	; CodeCommit accepts a force push, and rejects the deletion of the default branch
	denyNonFastForwards = false
	denyDeletes = false
	denyDeleteCurrent = refuse
	autogc = false
	; keep packs as they are received: nothing is unpacked in memory, nor compressed again for the next clone
	unpackLimit = 1
[gc]
	; no process may outlive a request
	auto = 0
	autoDetach = false
[maintenance]
	auto = false
"""
