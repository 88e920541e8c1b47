# SPDX-License-Identifier: Apache-2.0
"""Tests that a host that is built borrows this machine's own apt, pip and CA settings."""

import configparser
import stat
import subprocess
from pathlib import Path

import pytest

from osci_jobs.groups import registries

MACHINE = Path("/etc/ssl/certs/ca-certificates.crt")


@pytest.fixture
def bare(monkeypatch, tmp_path):
    """An environment without any setting of pip, apt or CAs; pip reads only what a test names."""
    for name in [*PIP_VARIABLES, *registries._CERTIFICATE_VARIABLES, "APT_CONFIG"]:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CONFIG_DIRS", str(tmp_path / "none"))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")


PIP_VARIABLES = [
    f"PIP_{name.upper().replace('-', '_')}"
    for name in [
        *registries._PIP_SETTINGS,
        "find-links",
        "disable-pip-version-check",
        "no-cache-dir",
    ]
]


def pip_conf(monkeypatch, tmp_path, text: str):
    file = tmp_path / "pip.conf"
    file.write_text(text)
    monkeypatch.setenv("PIP_CONFIG_FILE", str(file))


def pip_settings() -> dict[str, str]:
    """Return pip's settings as pip would read them from the file."""
    parser = configparser.RawConfigParser()
    parser.read_string(registries.pip_settings())
    assert parser.sections() == ["global"]
    return dict(parser["global"])


def apt_config(monkeypatch, tmp_path, text: str):
    file = tmp_path / "apt.conf"
    file.write_text(text)
    monkeypatch.setenv("APT_CONFIG", str(file))


def write_apt_list(directory: Path, host: str, suite: str, origin: str):
    """Write what `apt-get update` keeps of one suite of a mirror that has no packages."""
    show = ["dpkg", "--print-architecture"]
    machine = subprocess.run(show, check=True, capture_output=True, text=True).stdout.strip()
    packages = f"main/binary-{machine}/Packages"
    release = f"Origin: {origin}\nSuite: {suite}\nCodename: {suite}\nComponents: main\n"
    release += f"Architectures: {machine}\nSHA256:\n {'0' * 64} 0 {packages}\n"
    prefix = f"{host}_debian_dists_{suite}_"
    (directory / f"{prefix}Release").write_text(release)
    (directory / f"{prefix}{packages.replace('/', '_')}").write_text("")


@pytest.mark.usefixtures("bare")
def test_without_settings_pip_is_told_of_the_certificates_only():
    assert pip_settings() == {"cert": str(MACHINE)}


@pytest.mark.usefixtures("bare")
def test_pip_settings_come_from_the_configuration_file(monkeypatch, tmp_path):
    pip_conf(
        monkeypatch,
        tmp_path,
        "[install]\nindex-url = https://user:pa%ss@mirror.example/simple\n"
        "[global]\nindex-url = https://install.wins.example\n"
        "extra-index-url =\n    https://one.example\n    https://two.example\n"
        "timeout = 42\nproxy = http://it's.example:3128\n"
        "no-cache-dir = true\nfind-links = /opt/wheels\ncert = /elsewhere.pem\n"
        "[download]\nretries = 9\n",
    )
    assert pip_settings() == {
        "cert": str(MACHINE),
        "extra-index-url": "\nhttps://one.example\nhttps://two.example",
        "index-url": "https://user:pa%ss@mirror.example/simple",
        "proxy": "http://it's.example:3128",
        "timeout": "42",
    }


@pytest.mark.usefixtures("bare")
def test_the_environment_wins_over_the_file(monkeypatch, tmp_path):
    pip_conf(monkeypatch, tmp_path, "[global]\nindex-url = https://file\ntimeout = 42\nretries=1\n")
    monkeypatch.setenv("PIP_INDEX_URL", "https://environment")
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "https://one https://two")
    monkeypatch.setenv("PIP_DEFAULT_TIMEOUT", "7")
    monkeypatch.setenv("PIP_FIND_LINKS", "/opt/wheels")
    monkeypatch.setenv("PIP_DISABLE_PIP_VERSION_CHECK", "1")
    assert pip_settings() == {
        "cert": str(MACHINE),
        "extra-index-url": "https://one https://two",
        "index-url": "https://environment",
        "retries": "1",
        "timeout": "7",
    }


@pytest.mark.usefixtures("bare")
def test_of_apt_only_the_way_to_the_mirrors_is_borrowed(monkeypatch, tmp_path):
    apt_config(
        monkeypatch,
        tmp_path,
        'Acquire::http::Proxy "http://user:pass@proxy.example:3128";\n'
        'Acquire::https::Verify-Peer "false";\nAcquire::Retries "5";\n'
        'Acquire::Check-Valid-Until "false";\nAcquire::ForceIPv4 "true";\n'
        'Acquire::Languages "de";\nAPT::Install-Recommends "false";\n'
        'DPkg::Post-Invoke {"rm -rf /var/cache";};\n',
    )
    lines = registries.apt_settings().splitlines()
    assert {
        'Acquire::http::Proxy "http://user:pass@proxy.example:3128";',
        'Acquire::https::Verify-Peer "false";',
        'Acquire::Retries "5";',
        'Acquire::Check-Valid-Until "false";',
        'Acquire::ForceIPv4 "true";',
    } <= set(lines)
    assert [line for line in lines if not line.startswith("Acquire::")] == []
    assert [line for line in lines if "Languages" in line] == []


@pytest.mark.usefixtures("bare")
@pytest.mark.parametrize("variable", registries._CERTIFICATE_VARIABLES)
def test_certificates_come_from_where_the_environment_says(monkeypatch, tmp_path, variable):
    bundle = tmp_path / "bundle.pem"
    bundle.write_text("CERTIFICATE")
    monkeypatch.setenv(variable, str(bundle))
    assert registries._certificates() == str(bundle)


@pytest.mark.usefixtures("bare")
def test_pips_own_certificates_win_and_a_bundle_that_is_not_there_is_passed_over(
    monkeypatch, tmp_path
):
    (tmp_path / "ssl.pem").write_text("SSL")
    (tmp_path / "pip.pem").write_text("PIP")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ssl.pem"))
    monkeypatch.setenv("PIP_CERT", str(tmp_path / "pip.pem"))
    assert registries._certificates() == str(tmp_path / "pip.pem")
    monkeypatch.setenv("PIP_CERT", str(tmp_path / "none.pem"))
    assert registries._certificates() == str(tmp_path / "ssl.pem")


def test_sources_are_the_machines_own_mirrors(monkeypatch, tmp_path):
    """apt's own answer, from a sources.list and a state of its own."""
    (tmp_path / "lists" / "partial").mkdir(parents=True)
    mirrors = [
        ("mirror.example", "bookworm", "Debian"),
        ("mirror.example", "bookworm-updates", "Debian"),
        ("other.example", "bookworm", "Other"),
        ("old.example", "bullseye", "Debian"),
    ]
    for host, suite, origin in mirrors:
        write_apt_list(tmp_path / "lists", host, suite, origin)
    lines = [
        f"deb [allow-insecure=yes] http://{host}/debian {suite} main\n"
        for host, suite, _ in mirrors
    ]
    (tmp_path / "sources.list").write_text("".join(lines))
    apt_config(
        monkeypatch,
        tmp_path,
        f'Dir::State::lists "{tmp_path}/lists/";\nDir::Etc::sourcelist "{tmp_path}/sources.list";\n'
        'Dir::Etc::sourceparts "/dev/null";\n',
    )
    assert registries.sources() == [
        "deb http://mirror.example/debian/ bookworm main",
        "deb http://mirror.example/debian/ bookworm-updates main",
    ]


def test_sources_are_debians_where_there_is_no_apt(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert registries.sources() == [registries.DEFAULT_MIRROR]


def test_what_is_borrowed_is_for_its_owner_only(monkeypatch, tmp_path):
    (tmp_path / "bundle.pem").write_text("CERTIFICATE")
    monkeypatch.setenv("PIP_CERT", str(tmp_path / "bundle.pem"))
    directory = tmp_path / "borrowed"
    places = {place: Path(file) for file, place in registries.borrow(directory).items()}
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert sorted(places) == [
        "/etc/apt/apt.conf.d/99machine",
        "/etc/apt/sources.list",
        "/etc/hosts",
        "/etc/pip.conf",
        "/etc/resolv.conf",
        str(MACHINE),
    ]
    assert sorted(directory.iterdir()) == sorted(places.values())
    assert places[str(MACHINE)].read_text() == "CERTIFICATE"
    assert places["/etc/hosts"].read_text() == Path("/etc/hosts").read_text()
