# SPDX-License-Identifier: Apache-2.0
"""What a unit said last, and what a request left, in the journals of the hosts."""

import pytest

from osci_jobs.results import journal

REQUEST = "req-0a1b2c3d-0000-4000-8000-0123456789ab"
TRACEBACK = [
    "Traceback (most recent call last):",
    '  File "x.py", line 1, in <module>',
    "oslo_db.exception.DBError: (1045, \"Access denied for user 'placement'\")",
    "(Background on this error at: https://sqlalche.me/e/20/e3q8)",
]


def write(run_directory, host, unit, lines):
    path = run_directory / journal.unit_file(host, unit)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines))


def entries(lines, who="placement[7]", start=0):
    return [
        f"2026-11-23T09:00:{start + number:02}.000000+0000 host1 {who}: {line}"
        for number, line in enumerate(lines)
    ]


def test_the_last_line_of_a_traceback_is_what_a_unit_complained_of(tmp_path):
    lines = entries(["starting", *TRACEBACK])
    ended = entries(["placement.service: Main process exited, status=1/FAILURE"], "systemd[1]", 9)
    write(tmp_path, "host1", "placement", [*lines, *ended])
    found = journal.failing_passage(tmp_path, "host1", "placement")
    assert found.line == TRACEBACK[2]
    assert found.file == "logs/host1/journal/placement.log"
    assert found.context == (*lines, *ended)


@pytest.mark.parametrize(
    "line",
    [
        "2026-11-23 09:00:01 7 ERROR nova.api it went wrong",
        "bind(): Address already in use [core/socket.c line 769]",
        "2026-11-23 9:00:01 0 [ERROR] InnoDB: preallocating failed",
        "Waiting: http://10.77.0.11:5000 for the account 'nova': HTTP Error 401: Unauthorized",
    ],
)
def test_other_programs_complain_in_their_own_words(tmp_path, line):
    write(tmp_path, "host1", "x", entries(["all is well", line, "and so it ends"]))
    assert journal.failing_passage(tmp_path, "host1", "x").line == line


def test_the_context_ends_soon_after_the_line(tmp_path):
    lines = entries([f"line {number}" for number in range(20)])
    lines[12] = lines[12].replace("line 12", "ERROR here")
    write(tmp_path, "host1", "x", lines)
    assert journal.failing_passage(tmp_path, "host1", "x").context == tuple(lines[4:16])


def test_a_unit_without_a_complaint_or_a_journal_has_none(tmp_path):
    write(tmp_path, "host1", "x", entries(["all is well"]))
    assert journal.failing_passage(tmp_path, "host1", "x") is None
    assert journal.failing_passage(tmp_path, "host1", "y") is None


def test_a_failure_is_first_seen_by_systemd(tmp_path):
    write(
        tmp_path,
        "host1",
        "x",
        [
            *entries(["Started x.service", "x.service: Main process exited"], "systemd[1]"),
            *entries(["x.service: Failed with result 'exit-code'."], "systemd[1]", 5),
        ],
    )
    assert journal.first_failure(tmp_path, "host1", "x") == "2026-11-23T09:00:01.000000+0000"
    assert journal.first_failure(tmp_path, "host1", "y") == ""


def test_a_request_is_followed_over_hosts_by_time(tmp_path):
    first, second = entries([f"[{REQUEST}] POST /servers", f"[{REQUEST}] ERROR no valid host"])
    write(tmp_path, "host2", "nova-scheduler", [second])
    write(tmp_path, "host1", "nova-api", [first, *entries(["[req-other] GET"])])
    found = journal.request_passages(tmp_path, ["host1", "host2"], [REQUEST])
    assert found[REQUEST] == [
        ("logs/host1/journal/nova-api.log", first),
        ("logs/host2/journal/nova-scheduler.log", second),
    ]


def test_of_a_long_request_both_ends_are_kept(tmp_path):
    lines = entries([f"[{REQUEST}] step {number}" for number in range(59)])
    write(tmp_path, "host1", "nova-api", lines)
    found = journal.request_passages(tmp_path, ["host1"], [REQUEST])[REQUEST]
    assert [line for _, line in found] == [*lines[:15], *lines[-15:]]


def test_a_place_is_around_the_last_such_line_or_at_the_end(tmp_path):
    (tmp_path / "log").write_text("".join(f"{number}\n" for number in range(30)))
    assert journal.place(tmp_path, "log", "20")[-1] == "23"
    assert journal.place(tmp_path, "log", "")[-1] == "29"
    assert journal.place(tmp_path, "missing", "x") == ()


@pytest.mark.parametrize("file", ["../secret", "/etc/passwd", "link", "a/../../secret"])
def test_no_file_outside_the_run_is_read(tmp_path, file):
    (tmp_path / "secret").write_text("secret\n")
    run_directory = tmp_path / "run"
    run_directory.mkdir()
    (run_directory / "link").symlink_to(tmp_path / "secret")
    assert journal.read_lines(run_directory, file) == []


def test_lines_are_made_visible(tmp_path):
    (tmp_path / "log").write_bytes(b"\x1b[31mred \xff\n")
    assert journal.read_lines(tmp_path, "log") == [r"\x1b[31mred \xff"]
