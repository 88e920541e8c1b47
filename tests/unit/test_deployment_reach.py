# SPDX-License-Identifier: Apache-2.0
"""The suite `reach` of the sample `hosts`, against real sockets."""

import runpy
import socket
import threading
from pathlib import Path
from xml.etree import ElementTree

import pytest

REACH = runpy.run_path(str(Path(__file__).parents[2] / "config" / "suites" / "reach.py"))
HOSTS = """\
127.0.0.1 localhost
127.0.1.1 tester
::1 localhost ip6-localhost  # a comment
ff02::1 ip6-allnodes
fe00::0 ip6-localnet

10.77.0.10 tester
10.77.0.11 host1 host1.osci
10.77.0.12\thost2
"""


@pytest.fixture
def server():
    """A function that starts a server with the given greeting and returns its port."""
    listeners = []

    def serve(greeting):
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)
        threading.Thread(target=greet, args=(listener, greeting), daemon=True).start()
        return listener.getsockname()[1]

    yield serve
    for listener in listeners:
        listener.close()


def greet(listener, greeting):
    connection, _ = listener.accept()
    with connection:
        connection.sendall(greeting)


def test_the_other_hosts_are_those_that_are_neither_this_nor_localhost():
    assert REACH["others"](HOSTS, "tester") == {"host1": "10.77.0.11", "host2": "10.77.0.12"}


def test_a_host_that_speaks_ssh_answers(server):
    assert REACH["check"]("127.0.0.1", server(b"SSH-2.0-test\r\n"))[1] == ""


def test_a_host_that_speaks_something_else_fails(server):
    port = server(b"220 mail\r\n")
    assert REACH["check"]("127.0.0.1", port)[1] == f"127.0.0.1 on port {port} does not speak ssh"


def test_a_host_that_refuses_fails():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    failure = REACH["check"]("127.0.0.1", port)[1]
    assert failure.startswith(f"no answer from 127.0.0.1 on port {port}: ")


def test_junit_has_a_case_for_each_host():
    suite = ElementTree.fromstring(
        REACH["junit"]([("host1", 0.5, ""), ("host2", 10, "no <answer>")])
    )
    assert (suite.get("tests"), suite.get("failures")) == ("2", "1")
    assert [case.get("name") for case in suite] == ["host1", "host2"]
    assert [failure.get("message") for failure in suite.iter("failure")] == ["no <answer>"]
