# SPDX-License-Identifier: Apache-2.0
"""The file with a server's address and an account there."""

import pytest

from osci_jobs.errors import ConfigurationError
from osci_jobs.hudson import account

PASSWORD = "s3cret"
GOOD = f"[jenkins]\nurl = http://hudson.example.org:8080/ci\nuser = bob\npassword = {PASSWORD}\n"


@pytest.fixture
def write(tmp_path):
    def write(text):
        path = tmp_path / "jobs.ini"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        path.chmod(0o600)
        return path

    return write


def test_address_account_and_limit_are_read(write):
    found = account.load(write(GOOD + "timeout = 5.5\n[job_builder]\nignore_cache = True\n"))
    assert (found.url, found.user) == ("http://hudson.example.org:8080/ci/", "bob")
    assert (found.password, found.timeout_seconds) == (PASSWORD, 5.5)
    assert not found.is_anonymous


def test_the_password_is_not_shown_with_the_account(write):
    assert PASSWORD not in repr(account.load(write(GOOD)))


def test_percents_mean_what_they_do_for_jenkins_jobs(write):
    assert account.load(write(GOOD.replace(PASSWORD, "a%%b"))).password == "a%b"


def test_without_an_account_it_is_anonymous(write):
    found = account.load(write("[jenkins]\nurl = https://[::1]:8443\n"))
    assert (found.url, found.is_anonymous) == ("https://[::1]:8443/", True)
    assert found.timeout_seconds == account.TIMEOUT_SECONDS


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "found no section [jenkins], expected one with 'url'."),
        ("[jenkins]\n", "[jenkins] url: found nothing, expected an address like"),
        ("[jenkins]\nurl = hudson\n", '[jenkins] url: found "hudson", expected an address like'),
        ("[jenkins]\nurl = ftp://a/\n", '[jenkins] url: found "ftp://a/"'),
        ("[jenkins]\nurl = http://a:99999/\n", "[jenkins] url: found "),
        ("[jenkins]\nurl = http://[::1/\n", "[jenkins] url: found "),
        ("[jenkins]\nurl = http://a/\x1b[2J\n", "[jenkins] url: found "),
        ("[jenkins]\nurl = http://a/?x=1\n", "[jenkins] url: found "),
        (GOOD.replace("://", f"://bob:{PASSWORD}@"), "an address alone"),
        (GOOD.replace("password", "passwort"), "[jenkins] password: found nothing"),
        (GOOD.replace("user", "usr"), "[jenkins] user: found nothing"),
        (GOOD.replace(PASSWORD, f"%{PASSWORD}"), "[jenkins] password: found a '%'"),
        (GOOD + "timeout = soon\n", '[jenkins] timeout: found "soon", expected seconds above 0'),
        (GOOD + "timeout = 0\n", "[jenkins] timeout: found "),
        (GOOD + "timeout = nan\n", "[jenkins] timeout: found "),
        (GOOD + "timeout = 1e9\n", "[jenkins] timeout: found "),
        (GOOD + f"{PASSWORD}\n", ":5: found a line that is no 'key = value'"),
        (f"{PASSWORD}\n", ":1: found a line"),
        (GOOD + GOOD, ":5: found a line"),
        (b"\xff\xfe\x00", "The file is not UTF-8."),
        ("#" * (2 << 20), "The file is larger than 1 MiB"),
    ],
)
def test_what_is_wrong_is_named_with_its_place_and_without_secrets(write, text, message):
    path = write(text)
    with pytest.raises(ConfigurationError) as raised:
        account.load(path)
    assert str(raised.value).startswith(f"{path}:")
    assert message in str(raised.value)
    assert PASSWORD not in str(raised.value)
    assert "\x1b" not in str(raised.value)


def test_the_file_that_is_named_goes_before_all_others(write, tmp_path):
    named = write(GOOD)
    home = tmp_path / "home"
    assert account.find(named, {account.VARIABLE: "/nowhere"}, home).path == named
    assert account.find(None, {account.VARIABLE: str(named)}, home).path == named
    own = account.places(home)[0]
    own.parent.mkdir(parents=True)
    named.rename(own)
    assert account.find(None, {}, home).path == own


def test_a_file_that_is_not_there_is_no_reason_to_take_another(tmp_path):
    with pytest.raises(ConfigurationError, match="nowhere"):
        account.find(tmp_path / "nowhere", {}, tmp_path)


@pytest.mark.parametrize(("mode", "is_warned"), [(0o600, False), (0o640, True), (0o604, True)])
def test_a_password_that_others_may_read_is_warned_of(write, mode, is_warned):
    path = write(GOOD)
    path.chmod(mode)
    assert bool(account.warning(account.load(path))) == is_warned


def test_without_a_password_nothing_is_warned_of(write):
    path = write("[jenkins]\nurl = http://a/\n")
    path.chmod(0o644)
    assert account.warning(account.load(path)) == ""
