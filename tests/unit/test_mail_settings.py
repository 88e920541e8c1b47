# SPDX-License-Identifier: Apache-2.0
"""The settings of mail: from a file, from the environment, and what is wrong with them."""

import json
import time

import pytest

from osci_jobs.errors import ConfigurationError
from osci_jobs.mail import password, settings
from osci_jobs.mail.settings import KEYS, Limits

PASSWORD = "s3cret-of-bob"
WHOLE = {
    "host": "mail.example.org",
    "port": 2525,
    "tls": "tls",
    "ca_file": "/etc/ca.pem",
    "user": "bob",
    "password_helper": ["pass", "show", "mail"],
    "from": "osci@Example.org",
    "domains": ["example.org", "Example.NET"],
    "limits": {"address_hour": 3, "hour": 7},
    "seconds": 2.5,
}


@pytest.fixture
def write(tmp_path):
    def write(**values):
        path = tmp_path / "mail.json"
        path.write_text(json.dumps(values))
        return path

    return write


def find(path, tmp_path, **environment):
    return settings.find(path, environment, tmp_path / "home")


def faults(path, tmp_path, **environment):
    with pytest.raises(ConfigurationError) as raised:
        find(path, tmp_path, **environment)
    return str(raised.value).splitlines()


def test_all_keys_are_read(write, tmp_path):
    found = find(write(**WHOLE), tmp_path)
    assert (found.host, found.port, found.tls, found.ca_file) == (
        *("mail.example.org", 2525, "tls", "/etc/ca.pem"),
    )
    assert (found.user, found.password_helper) == ("bob", ("pass", "show", "mail"))
    assert (found.sender, found.domains) == (
        "osci@example.org",
        frozenset({"example.org", "example.net"}),
    )
    assert (found.limits, found.seconds) == (Limits(3, 7), 2.5)


@pytest.mark.parametrize(("tls", "port"), [("none", 25), ("starttls", 587), ("tls", 465)])
def test_the_port_follows_from_tls(write, tmp_path, tls, port):
    assert find(write(host="a", **{"from": "a@b"}, tls=tls), tmp_path).port == port


def test_two_keys_are_enough(write, tmp_path):
    found = find(write(host="::1", **{"from": "a@b"}), tmp_path)
    assert (found.tls, found.port, found.user, found.seconds) == ("starttls", 587, "", 30)
    assert (found.limits, found.domains) == (Limits(10, 100), frozenset())


def test_a_variable_takes_the_place_of_each_key(write, tmp_path):
    given = {
        **{"OSCI_MAIL_HOST": "127.0.0.1", "OSCI_MAIL_PORT": "26", "OSCI_MAIL_TLS": "none"},
        **{"OSCI_MAIL_CA_FILE": "/ca", "OSCI_MAIL_USER": "eve", "OSCI_MAIL_FROM": "eve@a.org"},
        **{"OSCI_MAIL_PASSWORD_HELPER": "pass 'two words'", "OSCI_MAIL_DOMAINS": "a.org b.org"},
        **{"OSCI_MAIL_LIMITS_HOUR": "1", "OSCI_MAIL_SECONDS": "0.5"},
    }
    found = find(write(**WHOLE), tmp_path, **given)
    assert (found.host, found.port, found.tls, found.ca_file) == ("127.0.0.1", 26, "none", "/ca")
    assert (found.user, found.password_helper) == ("eve", ("pass", "two words"))
    assert (found.sender, found.domains) == ("eve@a.org", {"a.org", "b.org"})
    assert (found.limits, found.seconds) == (Limits(3, 1), 0.5)


def test_every_key_has_a_variable():
    names = [settings.variable(key) for key in KEYS]
    assert len(set(names)) == len(KEYS)
    assert settings.variable(("limits", "address_hour")) == "OSCI_MAIL_LIMITS_ADDRESS_HOUR"


def test_the_environment_alone_is_enough(tmp_path):
    found = find(None, tmp_path, OSCI_MAIL_HOST="a", OSCI_MAIL_FROM="a@b", OSCI_MAIL_USER="")
    assert (found.host, found.sender, found.user) == ("a", "a@b", "")


def test_with_nothing_at_all_it_is_said_where_settings_are_looked_for(tmp_path):
    (line,) = faults(None, tmp_path)
    for place in (*map(str, settings.places(tmp_path / "home")), "--mail-conf", "OSCI_MAIL_CONF"):
        assert place in line


def test_the_file_that_is_named_goes_before_all_others(write, tmp_path):
    named = write(host="named", **{"from": "a@b"})
    own = settings.places(tmp_path / "home")[0]
    own.parent.mkdir(parents=True)
    own.write_text(named.read_text().replace("named", "own"))
    assert find(None, tmp_path).host == "own"
    assert find(None, tmp_path, OSCI_MAIL_CONF=str(named)).host == "named"
    assert find(named, tmp_path, OSCI_MAIL_CONF="/nowhere").host == "named"
    assert "nowhere" in faults(None, tmp_path, OSCI_MAIL_CONF="/nowhere")[0]


def test_all_faults_are_told_with_their_places(tmp_path):
    path = tmp_path / "mail.json"
    path.write_text(
        '{"hots": "a", "port": 0, "tls": "ssl",\n "user": "bob", "from": "a@b\\u00fc",\n'
        ' "domains": ["@a"], "limits": {"hour": 0, "day": 3}, "seconds": null}'
    )
    lines = faults(path, tmp_path, OSCI_MAIL_PORT="many", OSCI_MAIL_HSOT="x", OSCI_MAIL_CA_FILE="x")
    assert any(line.startswith(f"{path}:1:2: $.hots: found an unknown key") for line in lines)
    assert any("Did you mean 'host'?" in line for line in lines)
    assert any(f"{path}:1:33: $.tls: found" in line for line in lines)
    assert any(f"{path}:2:10: $.user: found a user without a password" in line for line in lines)
    assert any(f"{path}:2:25: $.from: found" in line for line in lines)
    assert any(f"{path}:3:13: $.domains: found" in line for line in lines)
    assert any("$.limits.hour: found 0" in line for line in lines)
    assert any("$.limits.day: found an unknown key" in line for line in lines)
    assert any("$.seconds: found null" in line for line in lines)
    assert any(line.startswith("OSCI_MAIL_PORT: $.port: found") for line in lines)
    assert any(line.startswith("OSCI_MAIL_CA_FILE: $.ca_file: found") for line in lines)
    assert any("OSCI_MAIL_HSOT" in line and "'OSCI_MAIL_HOST'?" in line for line in lines)
    assert any("$.host: found nothing" in line for line in lines)
    assert len(lines) == 12


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"password_file": "/x"}, "$.password_helper: found a second place of the password"),
        ({"password_helper": []}, "$.password_helper: found an empty list"),
        ({"password_helper": "pass"}, '$.password_helper: found "pass", expected a list of words'),
        ({"password_helper": ["", "x"]}, "$.password_helper: found a list of 2"),
        ({"password_helper": ["a", 1]}, "$.password_helper: found a list of 2"),
        ({"tls": "none"}, "$.tls: found \"none\", expected 'starttls' or 'tls'"),
        ({"tls": "none", "host": "localhost.example.org"}, "$.tls: found"),
        ({"tls": "none", "host": "10.0.0.1"}, "$.tls: found"),
        ({"host": "a b"}, "$.host: found"),
        ({"host": "a/b"}, "$.host: found"),
        ({"host": 1}, "$.host: found 1"),
        ({"port": 65536}, "$.port: found 65536"),
        ({"port": True}, "$.port: found true"),
        ({"port": "25"}, "$.port: found"),
        ({"tls": []}, "$.tls: found an empty list"),
        ({"ca_file": "ca.pem"}, "$.ca_file: found"),
        ({"user": "bøb"}, "$.user: found"),
        ({"from": "osci <osci@example.org>"}, "$.from: found"),
        ({"from": ["a@b"]}, "$.from: found a list of 1"),
        ({"domains": "example.org"}, "$.domains: found"),
        ({"domains": ["example.org", "*.org"]}, "$.domains: found a list of 2"),
        ({"limits": 3}, "$.limits: found 3, expected an object"),
        ({"limits": {"hour": 1.5}}, "$.limits.hour: found 1.5"),
        ({"seconds": 0}, "$.seconds: found 0"),
        ({"seconds": 1e9}, "$.seconds: found"),
        ({"seconds": "2"}, "$.seconds: found"),
        ({"password": PASSWORD}, "$.password: found an unknown key"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(write, tmp_path, changed, message):
    path = write(**{**WHOLE, **changed})
    lines = faults(path, tmp_path)
    assert all(line.startswith(f"{path}:1:") for line in lines)
    assert any(message in line for line in lines), lines
    assert PASSWORD not in str(lines)


@pytest.mark.parametrize("text", ["[]", "3", '"x"', "null"])
def test_what_is_no_object_is_refused(tmp_path, text):
    path = tmp_path / "mail.json"
    path.write_text(text)
    assert "expected an object" in faults(path, tmp_path, OSCI_MAIL_HOST="a")[0]


@pytest.mark.parametrize("text", ["", "{", '{"host": "a\\u0000"}', '{"host": 1, "host": 2}'])
def test_what_is_no_strict_json_is_refused(tmp_path, text):
    path = tmp_path / "mail.json"
    path.write_text(text)
    assert faults(path, tmp_path)[0].startswith(f"{path}:")


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.3.2.1", "::1"])
def test_a_password_may_go_to_this_machine_in_the_clear(write, tmp_path, host):
    assert find(write(**{**WHOLE, "tls": "none", "host": host}), tmp_path).tls == "none"


def test_a_password_without_a_user_is_refused(write, tmp_path):
    path = write(host="a", **{"from": "a@b"}, password_file="/x")
    assert "$.password_file: found a password without a user" in faults(path, tmp_path)[0]


def test_authors_are_mailed_at_these_very_domains(write, tmp_path):
    found = find(write(**WHOLE), tmp_path)
    assert found.author_allowed("eve@EXAMPLE.org")
    assert found.author_allowed("eve@example.net")
    for other in ("eve@sub.example.org", "eve@example.org.evil.net", "eve@badexample.org", "eve"):
        assert not found.author_allowed(other)
    assert not find(write(host="a", **{"from": "a@b"}), tmp_path).author_allowed("a@b")


@pytest.fixture
def account(write, tmp_path):
    """Return settings whose password is in this file or printed by this program."""

    def account(**source):
        of = {"host": "a", "from": "a@b", "user": "bob", "seconds": 5, **source}
        return find(write(**of), tmp_path)

    return account


def helper(code):
    return {"password_helper": ["sh", "-c", code]}


@pytest.mark.parametrize("text", [PASSWORD, f"{PASSWORD}\n", f"{PASSWORD}\r\nmore\n"])
def test_the_password_is_the_first_line_of_a_file(account, tmp_path, text):
    path = tmp_path / "password"
    path.write_text(text)
    found = account(password_file=str(path))
    assert password.read(found) == PASSWORD
    assert PASSWORD not in repr(found)


def test_the_password_is_the_first_line_that_a_program_prints(account):
    found = account(**helper(f"echo a warning >&2; echo {PASSWORD}; echo more"))
    assert password.read(found) == PASSWORD
    assert PASSWORD not in repr(found)


def test_without_an_account_there_is_no_password(write, tmp_path):
    assert password.read(find(write(host="a", **{"from": "a@b"}), tmp_path)) == ""


@pytest.mark.parametrize("data", [b"", b"\n", b"x" * 5000, b"\xff\n", "ü\n".encode(), b"a\x00b\n"])
def test_what_is_no_password_is_refused(account, tmp_path, data):
    path = tmp_path / "password"
    path.write_bytes(data)
    with pytest.raises(ConfigurationError, match="has no password"):
        password.read(account(password_file=str(path)))


def test_a_file_of_a_password_that_is_not_there_is_named(account):
    with pytest.raises(ConfigurationError, match="/nowhere"):
        password.read(account(password_file="/nowhere"))


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (f"echo {PASSWORD}; exit 3", "ended with the exit code 3"),
        (f"echo {PASSWORD}; kill -9 $$", "ended with the exit code -9"),
        ("true", "has no password"),
        ("yes", "ended with the exit code"),
        ("echo; echo more", "has no password"),
    ],
)
def test_a_helper_that_fails_is_named_and_not_what_it_printed(account, code, message):
    with pytest.raises(ConfigurationError) as raised:
        password.read(account(**helper(code)))
    assert message in str(raised.value)
    assert "The password helper 'sh'" in str(raised.value)
    assert PASSWORD not in str(raised.value)


def test_a_helper_that_is_not_there_is_named(account):
    with pytest.raises(ConfigurationError, match="'/nowhere' cannot be started: No such file"):
        password.read(account(password_helper=["/nowhere", "x"]))


def test_a_helper_that_hangs_is_ended_with_what_it_started(account, tmp_path):
    pid = tmp_path / "pid"
    found = account(**helper(f"sleep 1000 & echo $! > {pid}; echo {PASSWORD}; wait"), seconds=1)
    with pytest.raises(ConfigurationError, match="did not end within 1 s"):
        password.read(found)
    # The signal was sent; a process takes a moment to die of it.
    end = time.monotonic() + 30
    while is_alive(int(pid.read_text())) and time.monotonic() < end:
        time.sleep(0.01)
    assert not is_alive(int(pid.read_text()))


def is_alive(pid):
    """Tell whether a process runs; one that nobody has asked after is dead."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.parametrize(("mode", "is_warned"), [(0o600, False), (0o640, True), (0o604, True)])
def test_a_password_that_others_may_read_is_warned_of(account, tmp_path, mode, is_warned):
    path = tmp_path / "password"
    path.write_text(PASSWORD)
    path.chmod(mode)
    assert bool(password.warning(account(password_file=str(path)))) == is_warned


def test_without_a_file_nothing_is_warned_of(account):
    assert password.warning(account(**helper("true"))) == ""
    assert password.warning(account(password_file="/nowhere")) == ""
