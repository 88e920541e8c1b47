# SPDX-License-Identifier: Apache-2.0
"""The table of projects, and what may take its place."""

import json
import re
from pathlib import Path

import pytest

from osci_jobs.deployment import projects
from osci_jobs.errors import ConfigurationError

TREE = Path(__file__).resolve().parents[2]
PINS = (TREE / "playbooks/roles/openstack/files/constraints.txt").read_text()


def test_every_project_is_pinned():
    pinned = set(re.findall(r"^(\S+)==", PINS, re.MULTILINE))
    packages = {project.package for project in projects.load().by_name.values()}
    assert packages <= pinned


def test_all_of_openstack_that_is_pinned_is_a_project():
    ours = re.findall(
        r"^((?:oslo\.|keystone|glance|neutron|nova|openstack|python-\w+client)\S*)==", PINS, re.M
    )
    packages = {project.package for project in projects.load().by_name.values()}
    assert set(ours) <= packages


def test_a_file_takes_the_place_of_what_it_has(tmp_path):
    override = tmp_path / "projects.json"
    nova = {"url": "git://127.0.0.1:9418/nova", "branch": "main"}
    override.write_text(
        json.dumps({"gerrit": "http://127.0.0.1:8080/", "projects": {"nova": nova}})
    )
    own, other = projects.load(), projects.load(override)
    assert (other.gerrit, other.launchpad) == ("http://127.0.0.1:8080/", own.launchpad)
    changed = other.by_name["nova"]
    assert (changed.url, changed.branch, changed.package) == (nova["url"], "main", "nova")
    assert other.by_name["glance"] == own.by_name["glance"]


def test_all_faults_are_told_with_their_places(tmp_path):
    override = tmp_path / "projects.json"
    override.write_text(
        '{"gerit": "x", "launchpad": "https://u:hunter2@example.org/", "projects": {\n'
        ' "nova": {"url": "ext::sh", "branch": "-x", "pakage": "nova"}, "nava": {}, "glance": 1}}'
    )
    with pytest.raises(ConfigurationError) as caught:
        projects.load(override)
    lines = str(caught.value).splitlines()
    assert len(lines) == 7
    assert "Did you mean 'gerrit'?" in lines[0]
    assert "hunter2" not in str(caught.value)
    assert any(f"{override}:2:18: $.projects.nova.url: found" in line for line in lines)
    assert any("Did you mean 'nova'?" in line for line in lines)


def load_with(tmp_path, **table):
    path = tmp_path / "projects.json"
    path.write_text(json.dumps(table))
    return projects.load(path)


@pytest.mark.parametrize("url", ("bzr://127.0.0.1:4155/", "https://bazaar.launchpad.net/"))
def test_bazaar_may_be_served_by_its_own_protocol(tmp_path, url):
    assert load_with(tmp_path, bazaar=url).bazaar == url


@pytest.mark.parametrize("url", ("file:///etc", "bzr+ssh://x/", "lp:", "bzr://u:p@x/", "/x", 1))
def test_bazaar_is_a_server_without_an_account(tmp_path, url):
    with pytest.raises(ConfigurationError, match="an http, https or bzr URL"):
        load_with(tmp_path, bazaar=url)


def test_the_others_are_web_servers(tmp_path):
    with pytest.raises(ConfigurationError, match="an http or https URL"):
        load_with(tmp_path, launchpad="bzr://127.0.0.1/")
