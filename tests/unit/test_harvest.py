# SPDX-License-Identifier: Apache-2.0
"""Tests of what gathers on a host: limits, counts, units, and configuration without secrets."""

import importlib
import json
import re
import sys
import tarfile
import time
from pathlib import Path

import pytest

from osci_jobs import data
from osci_jobs.results import harvested, metrics

ROLES = data.directory() / "playbooks" / "roles"


def _load(role, name):
    directory = str(ROLES / role / "files")
    sys.path.insert(0, directory)
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove(directory)


configuration = _load("harvest", "configuration")
counters = _load("harvest", "counters")
gathering = _load("harvest", "harvest")
limited = _load("harvest", "limited")
units = _load("harvest", "units")
sampler = _load("host", "sampler")


class _Said:
    """Stands for a host's commands: what each would say, by its name."""

    def __init__(self, **said):
        self._said = said

    def output(self, command):
        return b"".join(self.stream(command)).decode()

    def stream(self, command):
        if command[0] not in self._said:
            raise limited.FailedError(f"'{command[0]}' is not here")
        yield self._said[command[0]].encode()


def commands():
    return limited.Commands(5)


def test_a_short_stream_is_kept_whole():
    ends = limited.Ends(10)
    ends.add(b"a\nb\n")
    ends.add(b"c\nd\ne\n")
    assert ends.text() == b"a\nb\nc\nd\ne\n"


def test_of_a_long_stream_head_and_tail_are_kept_and_the_rest_is_counted():
    ends = limited.Ends(100)
    for number in range(1000):
        ends.add(b"line %04d\n" % number)
    text = ends.text().decode()
    assert text.startswith("line 0000\n")
    assert text.endswith("line 0999\n")
    (note,) = [line for line in text.splitlines() if line.startswith("[")]
    kept = text.count("line 0")
    assert note == f"[{1000 - kept} lines, {10000 - 10 * kept} bytes are left out here]"
    assert len(text) < 200


def test_a_stream_without_lines_is_cut_too():
    ends = limited.Ends(100)
    ends.add(b"x" * 1000)
    assert ends.text() == b"[0 lines, 950 bytes are left out here]\n" + b"x" * 50


def test_a_command_that_hangs_is_ended_with_what_it_said(tmp_path, monkeypatch):
    monkeypatch.setattr(limited, "COMMAND_SECONDS", 0.3)
    started = time.monotonic()
    commands().write(tmp_path / "x", [["sh", "-c", "echo begun; sleep 60"]], 1000)
    assert (tmp_path / "x").read_text() == "begun\n['sh' was stopped, for it took too long]\n"
    assert time.monotonic() - started < 30


def test_a_command_that_never_stops_talking_is_ended(tmp_path, monkeypatch):
    monkeypatch.setattr(limited, "COMMAND_SECONDS", 0.3)
    commands().write(tmp_path / "x", [["yes"]], 1000)
    assert "lines, " in (tmp_path / "x").read_text()
    assert (tmp_path / "x").stat().st_size < 1200


def test_all_commands_together_have_a_limit():
    over = limited.Commands(0)
    with pytest.raises(limited.FailedError, match="too long"):
        over.output(["sleep", "60"])


@pytest.mark.parametrize(
    ("command", "why"),
    [
        (["false"], "'false' ended with exit code 1"),
        (["/no/such/program"], "'/no/such/program' did not start: No such file or directory"),
    ],
)
def test_a_file_says_why_its_command_failed(tmp_path, command, why):
    commands().write(tmp_path / "x", [command, ["echo", "next"]], 1000)
    assert (tmp_path / "x").read_text() == f"[{why}]\nnext\n"


def test_lines_of_log_are_counted_by_level(tmp_path):
    journal = (
        "2026-11-23 16:34:00.146 430 INFO alembic [-] Will assume\n"
        "2026-11-23 16:34:00.147 430 ERROR nova Traceback\n"
        "GET /v3 200 1ms INFO \n"
        "2026-11-23 16:34:00.146 430 BOGUS nova\n"
        "2026-11-23 16:34:00.148 430 INFO nova the end\n"
    )
    counters.write(tmp_path / "x", _Said(journalctl=journal), [])
    assert json.loads((tmp_path / "x").read_text()) == {
        "format": harvested.FORMAT,
        "failed": {},
        "log": {"DEBUG": 0, "INFO": 2, "WARNING": 0, "ERROR": 1, "CRITICAL": 0},
    }


def test_what_is_counted_is_read_back_and_what_failed_is_named(tmp_path):
    said = _Said(mariadb="glance\t272\nnova-api\t353\n", rabbitmqctl='[{<<"neutron">>,12}]\n')
    path = tmp_path / "logs" / "a" / harvested.COUNTERS
    path.parent.mkdir(parents=True)
    counters.write(path, said, ["mariadb", "rabbitmq-server"])
    assert json.loads(path.read_text())["failed"] == {"log": "'journalctl' is not here"}
    (found,) = harvested.read(tmp_path, ("a",))
    assert found.counts == {
        "statements": {"glance": 272, "nova-api": 353},
        "messages": {"neutron": 12},
        "log": {},
    }


def test_a_unit_is_read_back_with_its_needs_and_ports(tmp_path, monkeypatch):
    file = tmp_path / "nova-compute.service"
    file.write_text(
        "[Unit]\nX-Needs=10.77.0.11:5000 10.77.0.11:8778 10.77.0.11:5672\n"
        "[Service]\nExecStartPre=/usr/local/lib/osci/wait 10.77.0.11:5672\n"
    )
    shown = (
        "Result=exit-code\nExecMainStartTimestampMonotonic=2000000\nNRestarts=3\n"
        "ExecMainExitTimestampMonotonic=0\nExecMainStatus=1\nId=nova-compute.service\n"
        f"FragmentPath={file}\nActiveState=activating\nInactiveExitTimestampMonotonic=1500000\n"
    )
    listening = 'LISTEN 0 100 0.0.0.0:8774 0.0.0.0:* users:(("a",pid=7,fd=4),("a",pid=8,fd=4))\n'
    processes = "      7 nova-compute.service\n      9 ssh.service\n"
    monkeypatch.setattr(units, "enabled", lambda: ["nova-compute"])
    path = tmp_path / "logs" / "a" / harvested.UNITS
    path.parent.mkdir(parents=True)
    units.write(path, _Said(systemctl=shown, ps=processes, ss=listening))
    ((unit,),) = [host.units for host in harvested.read(tmp_path, ("a",))]
    assert (unit.name, unit.active, unit.result) == ("nova-compute", "activating", "exit-code")
    assert (unit.exit_status, unit.restarts, unit.ended_at) == (1, 3, None)
    assert unit.needs == ("10.77.0.11:5000", "10.77.0.11:8778", "10.77.0.11:5672")
    assert unit.listens == (8774,)
    assert (unit.started_at - unit.waited_at).total_seconds() == pytest.approx(0.5, abs=0.01)


def test_units_look_for_what_the_template_writes():
    template = (data.directory() / "playbooks" / "templates" / "service.j2").read_text()
    assert "\nX-Needs={{" in template
    assert "\nExecStartPre={{ wait }} " in template
    shared = (data.directory() / "playbooks" / "group_vars" / "all.yml").read_text()
    assert "wait: /usr/local/lib/osci/wait\n" in shared


@pytest.mark.parametrize(
    ("text", "blanked"),
    [
        ("password = geheim\n", "password = ***\n"),
        ("admin_password=a b c", "admin_password=***"),
        ("default_pass = x", "default_pass = ***"),
        ('  "password": "ge\\"heim",', '  "password": "***",'),
        ("{name: nova, password: geheim, tags: ''}", "{name: nova, password: ***"),
        ("metadata_proxy_shared_secret: 'geheim'", "metadata_proxy_shared_secret: '***'"),
        ("memcache_secret_key=geheim", "memcache_secret_key=***"),
        ("[x]\nkey = geheim\nother = 1", "[x]\nkey = ***\nother = 1"),
        ("OS_BOOTSTRAP_PASSWORD=geheim", "OS_BOOTSTRAP_PASSWORD=***"),
        ("Environment=OS_PASSWORD=geheim", "Environment=OS_PASSWORD=***"),
        ("credentials = geheim", "credentials = ***"),
        ("mysql+pymysql://nova:ge%40heim@10.0.0.1/nova", "mysql+pymysql://nova:***@10.0.0.1/nova"),
        ("rabbit://a:b@c@h:5672/", "rabbit://a:***@h:5672/"),
        ("alter user 'a'@'%' identified by 'x;''y';", "alter user 'a'@'%' identified by ***;"),
    ],
)
def test_secrets_are_blanked(text, blanked):
    assert configuration.blank(text).startswith(blanked)
    assert "geheim" not in configuration.blank(text)


@pytest.mark.parametrize(
    "text",
    [
        "password_hash_rounds = 4",
        '"keystone_url": "http://10.77.0.11:5000/v3"',
        "auth_strategy = keystone",
        "DATABASE = {scheme}://{username}@{hostname}:{port}/{path}",
        "monkey = business",
    ],
)
def test_what_is_no_secret_stays(text):
    assert configuration.blank(text) == text


def test_keys_links_and_large_files_do_not_leave_the_host(tmp_path, monkeypatch):
    etc = tmp_path / "etc"
    (etc / "fernet-keys").mkdir(parents=True)
    (etc / "fernet-keys" / "0").write_text("geheim")
    (etc / "host.pem").write_text("-----BEGIN PRIVATE KEY-----\ngeheim\n")
    (etc / "large").write_text("x" * (configuration.FILE_BYTES + 1))
    (etc / "link").symlink_to(etc / "host.pem")
    (etc / "nova.conf").write_text("debug = true\n")
    monkeypatch.setattr(configuration, "PLACES", (str(etc), str(tmp_path / "missing")))
    configuration.write(tmp_path / "out")
    found = {path.name: path.read_text() for path in (tmp_path / "out").rglob("*.*")}
    everything = "".join(
        path.read_text() for path in (tmp_path / "out").rglob("*") if path.is_file()
    )
    assert "geheim" not in everything
    assert found["nova.conf"] == "debug = true\n"
    names = {path.name for path in (tmp_path / "out").rglob("*") if path.is_file()}
    assert names == {"host.pem", "large", "nova.conf"}


def test_a_piece_that_fails_says_so_and_spoils_no_other(tmp_path):
    def broken(path):
        raise ValueError("no such luck")

    gathering._gather(tmp_path, {"a/b.txt": broken, "c.json": gathering._state})
    assert (tmp_path / "a/b.txt").read_text() == (
        "[this could not be gathered: ValueError('no such luck')]\n"
    )
    assert json.loads((tmp_path / "c.json").read_text())["disk_bytes"] > 0


def test_the_pieces_bear_the_names_that_are_read():
    pieces = gathering._pieces(commands(), ["mariadb"])
    names = {harvested.UNITS, harvested.STATE, harvested.COUNTERS}
    assert {*names, harvested.SERVICE_USAGE, harvested.HOST_USAGE} <= pieces.keys()
    assert counters.LEVELS == metrics.LEVELS


def test_the_page_lists_every_piece():
    page = (Path(__file__).parents[2] / "docs" / "results.md").read_text("utf-8")
    section = page.split("\n## logs/\\<host\\>/\n", 1)[1].split("\n#", 1)[0]
    pieces = gathering._pieces(commands(), ["mariadb", "rabbitmq-server"])
    names = {re.sub(r"^journal/.*", "journal/<unit>.log", name) for name in pieces}
    assert set(re.findall(r"^\| `([^`]+)` \|", section, re.MULTILINE)) == names


def test_the_tar_is_made_beside_its_files(tmp_path):
    gathering.main(tmp_path / "harvest.tar")
    assert [path.name for path in tmp_path.iterdir()] == ["harvest.tar"]
    with tarfile.open(tmp_path / "harvest.tar") as archive:
        assert {"./host.json", "./units.json", "./journal.log"} <= set(archive.getnames())


def test_the_sampler_writes_the_columns_that_are_read():
    assert sampler.SERVICE_HEADER == ",".join(harvested.SERVICE_COLUMNS)
    assert sampler.HOST_HEADER == ",".join(harvested.HOST_COLUMNS)
    assert sampler.NOT_OURS == units.NOT_OURS


def test_a_sample_of_this_machine_is_read_back(tmp_path):
    table = sampler.Table(str(tmp_path / "host.csv"), sampler.HOST_HEADER)
    taken = sampler.Sampler()
    for with_memory in (True, False):
        table.append([taken.sample(with_memory)[1]])
    target = tmp_path / "logs" / "a" / harvested.HOST_USAGE
    target.parent.mkdir(parents=True)
    target.write_bytes((tmp_path / "host.csv").read_bytes())
    (found,) = harvested.read(tmp_path, ("a",))
    first, second = found.usage
    assert first.cpu_seconds == 0 <= second.cpu_seconds
    assert first.memory_bytes > 1 << 20
    assert second.memory_bytes is None


def test_seconds_grow_from_the_first_sample_on():
    meter = sampler.Meter({(1, "0"): (0, 100.0)})
    meter.update({(1, "0"): (0, 101.5)})
    assert meter.seconds == 1.5


def test_seconds_never_shrink_when_processes_end_and_start_again():
    meter = sampler.Meter({(1, "0"): (0, 100.0)})
    meter.update({})
    meter.update({(1, "9"): (0, 2.0)})
    assert meter.seconds == 2.0


def test_what_a_child_had_used_counts_once_when_its_parent_inherits_it():
    meter = sampler.Meter({})
    meter.update({(1, "0"): (0, 1.0), (2, "1"): (1, 5.0)})
    meter.update({(1, "0"): (0, 6.5)})
    assert meter.seconds == pytest.approx(6.5)


def test_a_table_holds_whole_rows_only(tmp_path, monkeypatch):
    table = sampler.Table(str(tmp_path / "x.csv"), "a,b")
    table.append(["1,2"])
    write = sampler.os.write
    monkeypatch.setattr(sampler.os, "write", lambda file, data: write(file, data[:2]))
    table.append(["3,4"])
    monkeypatch.setattr(sampler.os, "write", write)
    table.append(["5,6"])
    assert (tmp_path / "x.csv").read_text() == "a,b\n1,2\n5,6\n"


def test_a_table_is_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr(sampler, "TABLE_BYTES", 10)
    table = sampler.Table(str(tmp_path / "x.csv"), "a,b")
    for _ in range(100):
        table.append(["1,2"])
    assert (tmp_path / "x.csv").stat().st_size < 20
