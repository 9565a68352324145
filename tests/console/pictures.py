"""Makes the pictures of the console for the README and docs/console.md, from a local AWS: `make pictures`.

Each view is pictured in light and dark.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal
from urllib.parse import quote

from playwright.sync_api import Browser, ViewportSize, expect, sync_playwright

from tests.chromium import find_chromium, sandbox_options
from tests.console.browser.console_world import ConsoleWorld, Run
from tests.end_to_end.local_aws import PROJECT, LocalAws, set_input, stepline
from tests.end_to_end.test_deploy import edit
from tests.ports import free_port
from tests.waiting import wait_for

FOLDER = PROJECT / "docs/pictures"
_MAX_BYTES = 150_000
_WIDE = ViewportSize(width=1100, height=700)
_TALL = ViewportSize(width=1100, height=1000)
_PHONE = ViewportSize(width=390, height=700)
_TIMEOUT = "      VisibilityTimeout: !Ref VisibilityTimeoutSeconds\n"
_RENAMED = "      QueueName: orders\n" + _TIMEOUT
_MILLISECONDS = 60_000

_TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "states.amazonaws.com"}, "Action": "sts:AssumeRole"}
    ],
}
_IMPORT = {
    "StartAt": "Read Orders",
    "States": {
        "Read Orders": {"Type": "Pass", "Next": "New Orders?"},
        "New Orders?": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.orders[0]", "IsPresent": True, "Next": "Import Orders"}],
            "Default": "Nothing New",
        },
        "Nothing New": {"Type": "Succeed"},
        "Import Orders": {
            "Type": "Map",
            "ItemsPath": "$.orders",
            "ItemProcessor": {
                "StartAt": "Reserve Stock",
                "States": {
                    "Reserve Stock": {
                        "Type": "Wait",
                        "SecondsPath": "$.seconds",
                        "Next": "Charge Customer",
                    },
                    "Charge Customer": {"Type": "Pass", "End": True},
                },
            },
            "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Notify Operators"}],
            "Next": "Publish",
        },
        "Publish": {
            "Type": "Parallel",
            "Branches": [
                {"StartAt": name, "States": {name: {"Type": "Pass", "End": True}}}
                for name in ("Send Invoices", "Update Report")
            ],
            "End": True,
        },
        "Notify Operators": {"Type": "Pass", "Next": "Import Failed"},
        "Import Failed": {"Type": "Fail", "Error": "ImportError", "Cause": "an order could not be imported"},
    },
}
"""A workflow of somebody else: the graph of the Deploy state machine is larger than a picture."""


class Studio:
    """Takes pictures of the pages of one console."""

    def __init__(self, browser: Browser, world: ConsoleWorld) -> None:
        self._browser = browser
        self.world = world

    def push(self, message: str) -> Run:
        application = str(self.world.application)
        shown = self.world.local_aws.stepline("push", application, "--message", message, "--allow-empty")
        found = re.search(r"commit (\w{40})", shown.stdout)
        assert found, shown.stdout + shown.stderr
        return self.world.find(found[1])

    def take(
        self,
        name: str,
        path: str,
        *,
        viewport: ViewportSize = _WIDE,
    ) -> None:
        """Picture the page in both schemes."""
        schemes: tuple[Literal["light", "dark"], ...] = ("light", "dark")
        for scheme in schemes:
            page = self._browser.new_page(
                base_url=self.world.address,
                viewport=viewport,
                color_scheme=scheme,
                reduced_motion="reduce",
                bypass_csp=True,
            )
            page.goto(path)
            page.add_style_tag(content="html { scrollbar-gutter: auto }")  # a picture has no scroll bar
            page.wait_for_timeout(300)  # until the graph is drawn
            file = FOLDER / f"{name}-{scheme}.png"
            page.screenshot(path=file)
            page.close()
            size = file.stat().st_size
            assert size < _MAX_BYTES, f"{file.name} has {size:,} bytes"
            sys.stdout.write(f"{file.relative_to(PROJECT)}  {size:,} bytes\n")


def execution_path(arn: str) -> str:
    return f"/executions/{quote(arn, safe=':-_.~')}"


def start_import(local_aws: LocalAws) -> str:
    """Start a workflow with a Map, a Parallel and a Catch; return its path when two of six items are done."""
    iam, states = local_aws.client("iam"), local_aws.client("stepfunctions")
    role = iam.create_role(RoleName="import-orders", AssumeRolePolicyDocument=json.dumps(_TRUST))["Role"]
    machine = states.create_state_machine(
        name="import-orders", definition=json.dumps(_IMPORT), roleArn=role["Arn"]
    )
    orders = [{"order": number, "seconds": seconds} for number, seconds in enumerate((1, 1, 30, 30, 30, 30))]
    arn = states.start_execution(
        stateMachineArn=machine["stateMachineArn"], name="2026-11-22", input=json.dumps({"orders": orders})
    )["executionArn"]
    wait_for(lambda: local_aws.states(arn).count("Charge Customer") == 2)
    return execution_path(arn)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.console.pictures", description=__doc__)
    parser.parse_args()
    FOLDER.mkdir(parents=True, exist_ok=True)
    with _studio() as studio:
        world = studio.world
        first = studio.push("Create the queue of the orders")
        world.wait_for_end(first)
        studio.take(
            "workflow-running", f"{start_import(world.local_aws)}?state=Import%20Orders", viewport=_TALL
        )

        edit(world.application, _TIMEOUT, _RENAMED)
        refused = studio.push("Rename the queue")
        world.wait_for_end(refused)
        refused = world.with_arn(refused)
        studio.take("pipeline-execution", refused.path)
        studio.take("failure", execution_path(refused.arn))
        studio.take("phone", refused.path, viewport=_PHONE)

        set_input(world.application, approval={"timeoutMinutes": 30})
        waiting = studio.push("Rename the queue, if somebody approves")
        overview = "/"
        approval = _wait_for_approval(studio, overview)
        studio.take("approval", approval)
        studio.take("overview", overview)
        world.local_aws.stepline("reject", approval.rpartition("/")[2], "--reason", "the picture is made")
        world.wait_for_end(waiting)


def _wait_for_approval(studio: Studio, overview: str) -> str:
    """Return the address of the request that waits."""
    page = studio._browser.new_page(base_url=studio.world.address)
    page.goto(overview)
    link = page.get_by_role("link", name=re.compile("^Approve or reject"))
    expect(link).to_be_visible(timeout=_MILLISECONDS)
    address = link.get_attribute("href") or ""
    page.close()
    return address


@contextmanager
def _studio() -> Iterator[Studio]:
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        (Path(folder) / ".gitconfig").write_text("[user]\nname = Mary Major\nemail = mary@example.com\n")
        own = {"HOME": folder, "XDG_RUNTIME_DIR": folder, "TMPDIR": folder, "NO_COLOR": "1"}
        environment = os.environ | own
        port, console_port = free_port(), free_port()
        stepline(environment, "up", "--detach", "--port", str(port), "--console-port", str(console_port))
        try:
            application = Path(shutil.copytree(PROJECT / "app", Path(folder) / "app"))
            local_aws = LocalAws(port=port, environment=environment, project=PROJECT)
            world = ConsoleWorld(local_aws, f"http://127.0.0.1:{console_port}", application)
            browser = playwright.chromium.launch(executable_path=find_chromium(), args=sandbox_options())
            yield Studio(browser, world)
            browser.close()
        finally:
            stepline(environment, "down", "--port", str(port))


if __name__ == "__main__":
    main()
