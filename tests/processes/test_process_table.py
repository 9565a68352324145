"""The processes of this machine."""

from __future__ import annotations

import os
import shutil
import socket

import pytest

from stepline.processes import process_table, server_process
from tests.ports import free_port


def test_listener_on_a_port_is_found() -> None:
    port = free_port()
    assert server_process.port_is_free(port)
    assert process_table.find_listener(port) is None
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", port))
        listener.listen()
        assert not server_process.port_is_free(port)
        found = process_table.find_listener(port)
    assert found is not None
    assert found.pid == os.getpid()


@pytest.mark.skipif(shutil.which("ps") is None, reason="ps is not installed")
def test_ps_and_proc_agree() -> None:
    ours = next(each for each in process_table._from_ps() if each.pid == os.getpid())
    assert (ours.pid, ours.group) == (os.getpid(), os.getpgid(0))
    assert ours.command.split() == (process_table.find_process(os.getpid()) or ours).command.split()
