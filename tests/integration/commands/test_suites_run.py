# SPDX-License-Identifier: Apache-2.0
"""Tests of run_suite.py as a process, with programs that behave badly."""

import json
import signal
import subprocess
import sys
import tarfile
import time
from pathlib import Path

import pytest

from osci_jobs import suites
from osci_jobs.suites import fetched, plan

RUNNER = plan.role_file("run_suite.py")
MIB = 1024 * 1024


def _settings(directory, command, **changes):
    settings = {
        "archive_bytes": fetched.ARCHIVE_BYTES,
        "archive_members": fetched.MEMBERS,
        "collect": [],
        "command": command,
        "grace_seconds": 1,
        "output_bytes": plan.OUTPUT_BYTES,
        "seconds": 30,
        "silence_seconds": 30,
    }
    (directory / "suite.json").write_text(json.dumps(settings | changes), "utf-8")


def _run(directory, command, **changes):
    """Run `command` as a suite; return its outcome, and the directory of what came back."""
    _settings(directory, command, **changes)
    subprocess.run([sys.executable, RUNNER, directory], check=True, timeout=60)
    came = directory / "came"
    assert fetched.unpack(directory / "output.tar", came) == []
    return suites.outcome(came), came


def _python(text):
    return [sys.executable, "-c", text]


def _is_alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize("code", [0, 1, 5, 255])
def test_the_exit_code_is_told_and_is_no_failure_of_the_runner(tmp_path, code):
    found, _ = _run(tmp_path, _python(f"raise SystemExit({code})"))
    assert (found.ended, found.exit_code) == ("exit", code)


def test_a_command_that_a_signal_ends_is_told_so(tmp_path):
    found, _ = _run(tmp_path, _python("import os; os.kill(os.getpid(), 11)"))
    assert (found.ended, found.exit_code) == ("signal", 128 + 11)


@pytest.mark.parametrize("command", [["/no/such/program"], ["/"], ["no-such-program", "x"]])
def test_a_command_that_cannot_be_run_says_so_in_its_log(tmp_path, command):
    found, came = _run(tmp_path, command)
    assert (found.ended, found.exit_code) == ("exit", 127)
    assert command[0] in (came / "output.log").read_text("utf-8")


def test_the_command_runs_in_its_directory_without_input(tmp_path):
    text = "import os, sys; print(os.getcwd(), repr(sys.stdin.read()), os.getsid(0) == os.getpid())"
    _, came = _run(tmp_path, _python(text))
    assert (came / "output.log").read_text("utf-8") == f"{tmp_path} '' True\n"


def test_silence_ends_a_command_that_hangs(tmp_path):
    found, came = _run(
        tmp_path, _python("print('so far'); import time; time.sleep(60)"), silence_seconds=1
    )
    assert found.ended == "silence"
    assert 1 <= found.seconds < 30
    assert (came / "output.log").read_text("utf-8") == "so far\n"


def test_a_command_that_closed_its_output_is_silent(tmp_path):
    text = "import os, time; os.close(1); os.close(2); time.sleep(60)"
    found, _ = _run(tmp_path, _python(text), silence_seconds=1)
    assert found.ended == "silence"


def test_endless_output_ends_at_the_limit_of_time_and_is_capped(tmp_path):
    found, came = _run(tmp_path, ["yes"], seconds=1, silence_seconds=1)
    assert found.ended == "time"
    assert 1 <= found.seconds < 30
    assert (came / "output.log").stat().st_size < plan.OUTPUT_BYTES + 100


def test_a_command_that_ignores_the_signals_is_ended_too(tmp_path):
    text = "import signal, time\nfor n in (1, 2, 15): signal.signal(n, 1)\ntime.sleep(60)"
    found, _ = _run(tmp_path, _python(text), silence_seconds=1)
    assert (found.ended, found.exit_code) == ("silence", 128 + signal.SIGKILL)


def test_a_command_may_clean_up_at_its_limit(tmp_path):
    text = """
import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: (print("x" * 10**6, "clean"), sys.exit(3)))
time.sleep(60)
"""
    found, came = _run(tmp_path, _python(text), silence_seconds=1)
    assert (found.ended, found.exit_code) == ("silence", 3)
    assert (came / "output.log").read_text("utf-8").endswith("x clean\n")


DAEMON = """
import os, sys, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        open("pid", "w").write(str(os.getpid()))
        while True:
            print("still here" * 1000)
    os._exit(0)
while not os.path.exists("pid") or not open("pid").read():
    time.sleep(0.01)
"""


@pytest.mark.parametrize("end", ["", "time.sleep(60)"])
def test_what_daemonised_is_gone(tmp_path, end):
    found, _ = _run(tmp_path, _python(DAEMON + end), seconds=2, silence_seconds=2)
    assert found.ended == ("time" if end else "exit")
    assert not _is_alive(int((tmp_path / "pid").read_text()))


def test_a_gigabyte_of_output_keeps_head_and_tail(tmp_path):
    start = time.monotonic()
    script = "echo first; head -c 1G /dev/zero; echo last"
    found, came = _run(tmp_path, ["sh", "-c", script])
    assert time.monotonic() - start < 120
    assert found.exit_code == 0
    log = (came / "output.log").read_bytes()
    assert log.startswith(b"first\n\0") and log.endswith(b"\0last\n")
    left_out = 1024 * MIB + len("first\nlast\n") - plan.OUTPUT_BYTES
    assert b"\n[... %d bytes left out ...]\n" % left_out in log
    assert len(log) < plan.OUTPUT_BYTES + 100


def test_output_of_just_the_limit_is_whole(tmp_path):
    _, came = _run(tmp_path, ["head", "-c", "2000", "/dev/zero"], output_bytes=2000)
    assert (came / "output.log").read_bytes() == bytes(2000)


def test_bytes_that_are_no_text_are_kept(tmp_path):
    _, came = _run(tmp_path, ["printf", r"\377\376\033[2J\0"])
    assert (came / "output.log").read_bytes() == b"\xff\xfe\x1b[2J\0"


def test_what_was_collected_and_attached_comes_back(tmp_path):
    script = """
mkdir -p attachments/deep reports/sub
echo 1 >cases.jsonl; echo 2 >samples.csv; echo 3 >attachments/deep/a
echo 4 >reports/sub/TEST-ü.xml; echo 5 >reports/.hidden.xml; echo 6 >reports/other.txt
"""
    patterns = ["reports/**/*.xml", "no/such", "x" * 300]
    _, came = _run(tmp_path, ["sh", "-c", script], collect=patterns)
    found = {str(path.relative_to(came)) for path in came.rglob("*") if path.is_file()}
    assert found == {
        "outcome.json",
        "output.log",
        "cases.jsonl",
        "samples.csv",
        "attachments/deep/a",
        "collected/reports/sub/TEST-ü.xml",
        "collected/reports/.hidden.xml",
    }


def test_links_pipes_and_loops_stay_where_they_are(tmp_path):
    script = """
mkdir -p attachments; ln -s /etc/passwd cases.jsonl; mkfifo samples.csv
ln -s . attachments/a; ln -s . attachments/b; mkfifo attachments/pipe
echo 1 >attachments/one; ln attachments/one attachments/two
rm -f output.log; ln -s /etc/passwd output.log; mkdir -p outcome.json/x output.tar/x
"""
    found, came = _run(tmp_path, ["sh", "-c", script], collect=["**/*.xml"])
    assert found.exit_code == 0
    names = {str(path.relative_to(came)) for path in came.rglob("*") if path.is_file()}
    assert names == {"outcome.json", "attachments/one", "attachments/two"}


def test_what_would_make_the_archive_too_big_stays_out(tmp_path):
    script = "mkdir attachments; cd attachments; truncate -s 1T huge; head -c 2M /dev/zero >small"
    _, came = _run(tmp_path, ["sh", "-c", script], archive_bytes=3 * MIB)
    assert [path.name for path in (came / "attachments").iterdir()] == ["small"]
    assert (tmp_path / "output.tar").stat().st_size <= 3 * MIB


def test_the_archive_is_never_too_big_for_osci(tmp_path):
    names = [f"attachments/{'n' * 150}{number}" for number in range(100)]
    text = f"import os; os.mkdir('attachments')\nfor n in {names}: open(n, 'w').write(' ' * 513)"
    _run(tmp_path, _python(text), archive_bytes=100_000, archive_members=30)
    assert (tmp_path / "output.tar").stat().st_size <= 100_000
    with tarfile.open(tmp_path / "output.tar") as tar:
        assert len(tar.getnames()) == 30


def test_a_runner_that_is_stopped_ends_the_command_and_still_packs(tmp_path):
    _settings(tmp_path, _python(DAEMON + "time.sleep(60)"))
    runner = subprocess.Popen([sys.executable, RUNNER, tmp_path])
    while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():
        time.sleep(0.01)
    runner.send_signal(signal.SIGTERM)
    assert runner.wait(20) == 0
    fetched.unpack(tmp_path / "output.tar", tmp_path / "came")
    assert suites.outcome(tmp_path / "came").ended == "signal"
    assert not _is_alive(int((tmp_path / "pid").read_text()))


def test_the_runner_needs_the_standard_library_alone():
    lines = RUNNER.read_text("utf-8").splitlines()
    imports = {line.split()[1] for line in lines if line.startswith(("import ", "from "))}
    assert imports <= sys.stdlib_module_names
