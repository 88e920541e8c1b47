# SPDX-License-Identifier: Apache-2.0
"""How a deployment resolves: the samples, defaults, old words, broker and database."""

import hashlib
import json
from pathlib import Path

import pytest

from osci_jobs import deployment
from osci_jobs.deployment import SERVICES, Host, Hudson, Limit, Server, Suite
from osci_jobs.deployment.suites import DEFAULTS

SAMPLES = Path(__file__).parents[2] / "config" / "deploy"
BARE = {"host": [{"name": "host1"}, {"name": "host2", "address": "10.77.0.12"}]}
CLOUD = BARE | {"api": [{"host": "host1"}]}
SMOKE = DEFAULTS["smoke"]


@pytest.fixture
def load(tmp_path):
    def load(**value):
        (tmp_path / "x.json").write_text(json.dumps(value))
        return deployment.load(tmp_path, "x")

    return load


def test_the_samples_are_these():
    assert deployment.names(SAMPLES) == ["basic", "hosts", "hudson", "single", "spread"]


@pytest.mark.parametrize("name", deployment.names(SAMPLES))
def test_each_sample_loads(name):
    assert deployment.load(SAMPLES, name).name == name


def test_basic_is_what_it_was_in_2010():
    basic = deployment.load(SAMPLES, "basic")
    on_host2 = {service for service, hosts in basic.services.items() if hosts == ("host2",)}
    on_host1 = {service for service, hosts in basic.services.items() if hosts == ("host1",)}
    assert on_host2 == {"neutron", "nova-compute"}
    assert on_host1 == set(SERVICES) - on_host2
    assert (basic.scheduler, basic.network, basic.driver) == ("simple", "flat", "fake")
    assert basic.broker == Server("rabbit", "host1")
    assert basic.database == Server("mysql", "host1")
    assert basic.suites == (Suite("smoke", "smoke", SMOKE),)
    assert basic.notes == (
        "The user and password in 'datastore.engine_url' are ignored, because it names no host: "
        "osci makes an account for each service.",
    )


def test_basic_keeps_the_keys_of_2010_in_their_order():
    keys = list(json.loads((SAMPLES / "basic.json").read_text()))
    assert keys == ["network", "host", "api", "scheduler", "messaging", "datastore"]


def test_a_hudson_has_no_services_and_no_families(load):
    loaded = load(**BARE, hudson={"host": "host2", "executors": 5})
    assert (loaded.software, loaded.services, loaded.job.families) == ("hudson", {}, ())
    assert loaded.hudson == Hudson("host2", 5)


def test_the_software_follows_from_what_the_file_places(load):
    assert [load(**value).software for value in (CLOUD, BARE)] == ["openstack", ""]
    assert deployment.load(SAMPLES, "hudson").hudson == Hudson("hudson", 2)


def test_spread_gives_database_and_broker_a_host():
    spread = deployment.load(SAMPLES, "spread")
    assert spread.services["mariadb"] == spread.services["rabbitmq-server"] == ("data",)
    assert spread.services["nova-compute"] == ("compute1", "compute2")
    rest = set(SERVICES) - {"mariadb", "rabbitmq-server", "nova-compute"}
    assert {spread.services[service] for service in rest} == {("control",)}


def test_single_runs_everything_on_one_host():
    single = deployment.load(SAMPLES, "single")
    assert dict(single.services) == dict.fromkeys(SERVICES, ("host1",))


def test_hosts_has_no_services_and_one_command():
    bare = deployment.load(SAMPLES, "hosts")
    assert (bare.services, bare.database, bare.broker) == ({}, None, None)
    (suite,) = bare.suites
    assert (suite.name, suite.suite) == ("reach", "command")
    assert suite.options == {
        "command": ["/usr/bin/python3", "reach.py"],
        "junit": "junit.xml",
        "copy": [str(SAMPLES.parent / "suites" / "reach.py")],
    }


def test_the_digest_is_that_of_the_file():
    digest = hashlib.sha256((SAMPLES / "basic.json").read_bytes()).hexdigest()
    assert deployment.load(SAMPLES, "basic").digest == digest


def test_hosts_have_names_addresses_and_sizes(load):
    hardware = {"cpus": 2.0, "memory": "2 GiB", "disk": "512 MiB"}
    loaded = load(host=[{"name": "a", "address": "10.77.0.11", "hardware": hardware}])
    assert loaded.hosts == (Host("a", "10.77.0.11", 2, 2**31, 2**29),)


def test_without_services_there_are_no_suites(load):
    assert load(**BARE).suites == ()


def test_services_are_in_the_order_of_the_table(load):
    assert tuple(load(**CLOUD).services) == SERVICES


def test_roles_place_their_services(load):
    roles = {role: [{"host": "host2"}] for role in ("identity", "image", "placement", "scheduler")}
    services = load(**CLOUD, **roles).services
    on_host2 = {service for service, hosts in services.items() if hosts == ("host2",)}
    assert on_host2 == {"keystone", "glance", "placement", "nova-scheduler"}


def test_roles_with_several_hosts_run_on_all_but_neutron(load):
    both = [{"host": "host2"}, {"host": "host1"}]
    services = load(**BARE, api=both, scheduler=both, network=both).services
    all_hosts, first = ("host2", "host1"), ("host2",)
    several = {service for service, hosts in services.items() if hosts == all_hosts}
    assert several == {"nova-api", "nova-scheduler", "nova-compute"}
    assert {hosts for service, hosts in services.items() if service not in several} == {first}


def test_compute_wins_over_network(load):
    loaded = load(**CLOUD, network=[{"host": "host2"}], compute=[{"host": "host1"}])
    assert loaded.services["nova-compute"] == ("host1",)


@pytest.mark.parametrize(
    ("role", "key", "word", "meaning"),
    [
        ("network", "manager", "flat", "flat"),
        ("network", "manager", "nova.network.manager.FlatNetworkManager", "flat"),
        ("network", "manager", "nova.network.manager.FlatManager", "flat"),
        ("network", "manager", "FlatManager", "flat"),
        ("scheduler", "type", "filter", "filter"),
        ("scheduler", "type", "filter_scheduler", "filter"),
        ("scheduler", "type", "nova.scheduler.simple.SimpleScheduler", "simple"),
        ("compute", "driver", "fake", "fake"),
    ],
)
def test_old_words_mean_todays_thing(load, role, key, word, meaning):
    loaded = load(**CLOUD, **{role: [{"host": "host1", key: word}]})
    fields = {"network": loaded.network, "scheduler": loaded.scheduler, "compute": loaded.driver}
    assert fields[role] == meaning


@pytest.mark.parametrize(
    "section",
    [{"host": "host2"}, {"address": "host2"}, {"address": "10.77.0.12"},
     {"address": "10.77.0.12", "host": "host2", "broker": "rabbitmq"}],
)  # fmt: skip
def test_the_broker_goes_where_the_file_says(load, section):
    loaded = load(**CLOUD, messaging=section)
    assert loaded.broker == Server("rabbit", "host2")
    assert loaded.services["rabbitmq-server"] == ("host2",)


@pytest.mark.parametrize(
    ("section", "server"),
    [
        ({}, Server("mysql", "host1")),
        ({"host": "host2"}, Server("mysql", "host2")),
        ({"engine_url": "mariadb://"}, Server("mysql", "host1")),
        ({"engine_url": "mysql://a:b@", "host": "host2"}, Server("mysql", "host2")),
        ({"engine_url": "mysql://host2"}, Server("mysql", "host2")),
        ({"engine_url": "mysql://a@host2:3306/"}, Server("mysql", "host2", "a")),
        ({"engine_url": "mysql+pymysql://a:b@10.77.0.12"}, Server("mysql", "host2", "a", "b")),
        ({"engine_url": "mysql://a:%40%3A@host2", "host": "host2"},
         Server("mysql", "host2", "a", "@:")),
    ],
)  # fmt: skip
def test_the_database_goes_where_the_file_says(load, section, server):
    loaded = load(**CLOUD, datastore=section)
    assert loaded.database == server
    assert loaded.services["mariadb"] == (server.host,)


def test_database_and_options_in_the_url_are_ignored_with_a_note(load):
    loaded = load(**CLOUD, datastore={"engine_url": "mysql://a:b@host1/nova?charset=utf8"})
    assert loaded.notes == (
        "The database and options in 'datastore.engine_url' are ignored: "
        "osci makes a database for each service.",
    )


def test_suites_keep_their_order_names_and_options(load):
    suites = load(
        **CLOUD, suites=[{"suite": "smoke", "name": "again", "server_build_timeout": 9}, "smoke"]
    ).suites
    assert suites == (
        Suite("again", "smoke", SMOKE | {"server_build_timeout": 9}),
        Suite("smoke", "smoke", SMOKE),
    )


def test_an_option_that_says_the_same_takes_the_place_of_a_default(load):
    given = {"image_ref": "0b1c", "flavor_name": "a", "flavor_name_resize": "b"}
    options = load(**CLOUD, suites=[{"suite": "smoke", **given}]).suites[0].options
    defaults = {"image_name", "flavor_ref", "flavor_ref_resize"}
    assert dict(options) == {key: SMOKE[key] for key in SMOKE if key not in defaults} | given


def test_what_no_deployment_can_do_may_be_switched_off(load):
    off = {"test_ping": False, "volumes": {"enabled": False}, "metering": {}}
    assert load(**CLOUD, suites=[{"suite": "smoke", **off}]).suites[0].options == SMOKE


def test_no_suites_can_be_asked_for(load):
    assert load(**CLOUD, suites=[]).suites == ()


def test_a_link_is_copied_under_its_own_name(load, tmp_path):
    (tmp_path / "real.py").touch()
    (tmp_path / "link.py").symlink_to("real.py")
    suite = {"suite": "command", "name": "a", "command": ["a"], "junit": "a", "copy": ["link.py"]}
    assert load(**BARE, suites=[suite]).suites[0].options["copy"] == [str(tmp_path / "link.py")]


def test_limits_come_from_the_table_and_the_file(load):
    timeouts = {"install": 100, "deploy": {"silence": 20}, "suite": {"seconds": 9, "silence": 8.5}}
    assert load(**BARE, timeouts=timeouts).limits == {
        "fetch": Limit(900, 120),
        "install": Limit(100, 100),
        "create": Limit(60, 30),
        "deploy": Limit(420, 20),
        "suite": Limit(9, 8.5),
        "harvest": Limit(60, 30),
        "delete": Limit(30, 30),
        "run": Limit(7200, 7200),
    }
