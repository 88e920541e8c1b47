# SPDX-License-Identifier: Apache-2.0
"""`osci create hudson`: what it leaves, however it ends."""

import json
import os
import signal
import stat
from pathlib import Path

import pytest

# Before there is an agent, and when there is one.
MOMENTS = ["Wait until Hudson answers", "Making the jobs"]


@pytest.mark.full
@pytest.mark.parametrize("moment", MOMENTS)
def test_kill_9_leaves_nothing_after_the_next_command(osci, moment):
    command = osci.start("create", "hudson")
    command.wait_for(moment)
    command.signal(signal.SIGKILL)
    assert command.finish().code == -signal.SIGKILL
    assert "whose command has died" in osci("groups").err


@pytest.mark.full
@pytest.mark.parametrize("moment", MOMENTS)
def test_ctrl_c_leaves_a_partial_result_only(osci, interrupt, moment):
    command = osci.start("create", "hudson", "--json")
    command.wait_for(moment)
    command.signal(interrupt)
    done = command.finish()
    assert (done.code, done.json["cause"]["phase"]) == (130, "deploy"), done.err


@pytest.mark.full
def test_its_password_is_in_no_result_and_no_process_list(osci):
    made = osci("create", "hudson", "--json")
    assert made.code == 0, made.err
    conf = Path(made.json["access"]["conf"])
    assert stat.S_IMODE(conf.stat().st_mode) == stat.S_IRUSR | stat.S_IWUSR
    password = conf.read_text().partition("password = ")[2].split()[0]
    results = [path.read_bytes() for path in osci.runs[0].rglob("*") if path.is_file()]
    assert not any(password.encode() in content for content in results)
    assert password not in made.out + made.err
    assert password not in "".join(words_of_processes())
    assert osci("delete", "hudson").code == 0


def words_of_processes() -> list[str]:
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            found.append(Path("/proc", name, "cmdline").read_text(errors="replace"))
        except OSError:
            continue
    return found


def test_a_faulty_neighbour_stops_it_before_anything_is_made(osci, tmp_path, monkeypatch):
    hudson = {"host": [{"name": "hudson"}], "hudson": {"host": "hudson"}}
    (tmp_path / "mine").mkdir()
    for name, document in {"hudson": hudson, "wrong": {"hots": []}}.items():
        (tmp_path / "mine" / f"{name}.json").write_text(json.dumps(document))
    monkeypatch.setenv("OSCI_DEPLOYMENT_CONFIG_DIR", str(tmp_path / "mine"))
    done = osci("create", "hudson", "--json")
    assert (done.code, done.json["cause"]["phase"]) == (2, "check")
    assert "Did you mean 'host'?" in done.json["cause"]["message"]
