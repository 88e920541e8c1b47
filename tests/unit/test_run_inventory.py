# SPDX-License-Identifier: Apache-2.0
"""What the playbooks are told of a group."""

import json
import stat
from pathlib import Path

import pytest
import yaml

from osci_jobs import data, deployment
from osci_jobs.groups import Group, netns
from osci_jobs.run import inventory

SAMPLES = data.directory() / "config" / "deploy"


@pytest.fixture
def spread(tmp_path):
    """The sample `spread` and a group of it, without hosts."""
    loaded = deployment.load(SAMPLES, "spread")
    hosts = netns.addresses(loaded.hosts)
    return loaded, Group("osci-1", "run", "spread", tmp_path, hosts, loaded.services)


def test_every_service_is_a_group_of_its_hosts(spread):
    _, group = spread
    children = inventory.inventory(group)["all"]["children"]
    assert children["mariadb"] == {"hosts": {"data": None}}
    assert children["nova_compute"] == {"hosts": {"compute1": None, "compute2": None}}
    assert sorted(children["nova"]["hosts"]) == ["compute1", "compute2", "control"]


def test_every_play_of_the_deploy_has_its_group(spread):
    _, group = spread
    known = {"all", "tester", *inventory.inventory(group)["all"]["children"]}
    plays = yaml.safe_load((data.directory() / "playbooks" / "deploy.yml").read_text())
    assert {play["hosts"] for play in plays} <= known


def test_every_account_of_the_playbooks_has_a_password_of_its_own(spread):
    loaded, group = spread
    passwords = inventory.make_passwords(group, loaded)
    shared = yaml.safe_load((data.directory() / "playbooks/group_vars/all.yml").read_text())
    accounts = {f"database/{name}" for name in shared["database_accounts"]}
    accounts |= {f"broker/{name}" for name in shared["broker_service_accounts"]}
    accounts |= {"broker/nova-compute-compute1", "broker/nova-compute-compute2"}
    assert {name for name in passwords if not name.startswith("keystone/")} == accounts
    assert len(set(passwords.values())) == len(passwords)


def test_passwords_are_for_root_alone_and_read_back(spread):
    loaded, group = spread
    assert inventory.read_passwords(group) == {}
    passwords = inventory.make_passwords(group, loaded)
    inventory.write_clouds(group, passwords)
    assert inventory.read_passwords(group) == passwords
    for path in (group.secrets, group.clouds):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    auth = yaml.safe_load(group.clouds.read_text())["clouds"]["osci"]["auth"]
    assert auth["password"] == passwords["keystone/admin"]


def test_what_a_deployment_file_says_is_marked_against_templating(tmp_path):
    document = {
        "host": [{"name": "host1"}],
        "api": [{"host": "host1", "api": "openstack"}],
        "datastore": {"engine_url": "mysql://bob:%7B%7B1%7D%7D@host1"},
    }
    Path(tmp_path, "own.json").write_text(json.dumps(document))
    loaded = deployment.load(tmp_path, "own")
    group = Group("osci-1", "", "own", tmp_path, netns.addresses(loaded.hosts), loaded.services)
    told = inventory.variables(group, loaded, inventory.make_passwords(group, loaded))
    assert told["osci_secrets"]["database/deployment"] == {"__ansible_unsafe": "{{1}}"}
    assert told["osci_settings"]["database_user"] == {"__ansible_unsafe": "bob"}
