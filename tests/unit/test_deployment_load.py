# SPDX-License-Identifier: Apache-2.0
"""What a deployment file may hold, and the exact message for everything else."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from osci_jobs import deployment
from osci_jobs.errors import ConfigurationError

DATA = Path(__file__).parents[1] / "data" / "deployment"
DIRECTORY = Path("deploy")
CLOUD = {"host": [{"name": "host1"}, {"name": "host2"}], "api": [{"host": "host1"}]}
NAME_RULE = (
    "expected 1 to 63 letters, digits, '.', '_' and '-', of which the first is a letter or a digit."
)


@pytest.fixture(autouse=True)
def directory(tmp_path, monkeypatch):
    """An empty directory `deploy`, from where messages are the same on every machine."""
    monkeypatch.chdir(tmp_path)
    DIRECTORY.mkdir()
    return DIRECTORY


def message_of(name="x"):
    with pytest.raises(ConfigurationError) as caught:
        deployment.load(DIRECTORY, name)
    assert caught.value.verdict == "configuration"
    return str(caught.value)


def message_for(content):
    if not isinstance(content, bytes):
        content = json.dumps(content).encode()
    (DIRECTORY / "x.json").write_bytes(content)
    return message_of()


def load(content):
    (DIRECTORY / "x.json").write_text(json.dumps(content))
    return deployment.load(DIRECTORY, "x")


UNREADABLE = {
    "empty": (b"", "x.json: The file is empty, expected a JSON object."),
    "blank": (b" \n\t", "x.json: The file is empty, expected a JSON object."),
    "byte-order mark": (
        b'\xef\xbb\xbf{"host": []}',
        "x.json: The file starts with a byte-order mark, expected plain UTF-8.",
    ),
    "UTF-16": (
        '{"host": []}'.encode("utf-16"),
        "x.json: The file starts with a byte-order mark, expected plain UTF-8.",
    ),
    "not UTF-8": (
        b'{"description": "caf\xe9"}',
        "x.json: The file is not UTF-8: see the byte at 20.",
    ),
    "no delimiter": (
        b'{"host": []\n "api": []}',
        "x.json:2:2: The file is not JSON: Expecting ',' delimiter.",
    ),
    "the file of 2010 as it was": (
        b'  "network": [{"host": "host2"}],',
        "x.json:1:12: The file is not JSON: Extra data.",
    ),
    "unterminated string": (
        b'{"host": "\\"',
        "x.json:1:10: The file is not JSON: Unterminated string starting at.",
    ),
    "raw control character": (
        b'{"host": "\x1b[31m"}',
        "x.json:1:11: The file is not JSON: Invalid control character at.",
    ),
    "NUL": (b"\0", "x.json:1:1: The file is not JSON: Expecting value."),
    "comment": (b"{} // no", "x.json:1:4: The file is not JSON: Extra data."),
    "YAML": (b"host:\n- name: a\n", "x.json:1:1: The file is not JSON: Expecting value."),
    "duplicate key": (
        b'{"host": [{"name": "a",\n  "name": "b"}]}',
        "x.json:2:3: $.host[0].name is there a second time.",
    ),
    "duplicate key, escaped": (
        b'{"host": [], "\\u0068ost": []}',
        "x.json:1:14: $.host is there a second time.",
    ),
    "NaN": (b'{"host": NaN}', "x.json:1:10: $.host: found NaN, which is not JSON."),
    "Infinity": (b'{"a": [-Infinity]}', "x.json:1:8: $.a[0]: found -Infinity, which is not JSON."),
    "nested lists": (
        b"[" * 100_000 + b"]" * 100_000,
        "x.json:1:33: The file is nested more than 32 levels deep.",
    ),
    "nested objects": (
        b'{"a":' * 100_000,
        "x.json:1:161: The file is nested more than 32 levels deep.",
    ),
    "larger than 1 MiB": (
        b" " * (1024 * 1024 + 1),
        "x.json: The file is larger than 1 MiB, expected a few kilobytes.",
    ),
    "too many values": (
        b"[" + b"0," * 20_000 + b"0]",
        "x.json:1:40000: The file has more than 20,000 values.",
    ),
    "lone surrogate": (
        b'{"host": [{"name": "\\ud800"}]}',
        'x.json:1:20: $.host[0].name: found "\\ud800", which holds a lone surrogate, U+D800.',
    ),
    "no character": (
        b'{"host": [], "description": "\\uffff"}',
        'x.json:1:29: $.description: found "\\uffff", '
        "which holds a character that XML forbids, U+FFFF.",
    ),
    "escaped control character": (
        b'{"host": [{"name": "a\\u001b[31m"}]}',
        'x.json:1:20: $.host[0].name: found "a\\u001b[31m", '
        "which holds a control character, U+001B.",
    ),
    "line end outside the description": (
        b'{"host": [{"name": "a\\n"}]}',
        'x.json:1:20: $.host[0].name: found "a\\n", which holds a control character, U+000A.',
    ),
    "C1 control character in the description": (
        '{"description": "\x9b31m"}'.encode(),
        'x.json:1:17: $.description: found "\\u009b31m", which holds a control character, U+009B.',
    ),
    "control character in a key": (
        b'{"\\u0007": 1}',
        'x.json:1:2: $: found "\\u0007", which holds a control character, U+0007.',
    ),
}


@pytest.mark.parametrize(("content", "message"), UNREADABLE.values(), ids=UNREADABLE)
def test_what_is_not_strict_json_is_one_line(content, message):
    assert message_for(content) == f"deploy/{message}"


def test_a_directory_is_no_deployment():
    (DIRECTORY / "x.json").mkdir()
    assert message_of() == "deploy/x.json: This is a directory, expected a file."


def test_a_fifo_does_not_hang():
    os.mkfifo(DIRECTORY / "x.json")
    assert message_of() == "deploy/x.json: This is not a regular file."


def test_an_endless_device_does_not_hang():
    (DIRECTORY / "x.json").symlink_to("/dev/zero")
    assert message_of() == "deploy/x.json: This is not a regular file."


def test_a_broken_link_is_said_so():
    (DIRECTORY / "x.json").symlink_to("nothing")
    assert message_of() == "deploy/x.json: The file cannot be read: No such file or directory."


def test_a_link_to_itself_is_said_so():
    (DIRECTORY / "x.json").symlink_to("x.json")
    expected = "deploy/x.json: The file cannot be read: Too many levels of symbolic links."
    assert message_of() == expected


def test_a_huge_file_is_refused_without_being_read():
    with (DIRECTORY / "x.json").open("wb") as file:
        file.truncate(10**11)
    program = (
        "import resource; resource.setrlimit(resource.RLIMIT_DATA, (10**8, 10**8))\n"
        "from pathlib import Path\n"
        "from osci_jobs import deployment, errors\n"
        "try: deployment.load(Path('deploy'), 'x')\n"
        "except errors.ConfigurationError as error: print(error)\n"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    expected = "deploy/x.json: The file is larger than 1 MiB, expected a few kilobytes.\n"
    assert (done.stdout, done.stderr) == (expected, "")


def test_an_unknown_name_gets_the_nearest():
    (DIRECTORY / "basic.json").write_text("{}")
    expected = "deploy: There is no deployment 'basik'. Did you mean 'basic'?"
    assert message_of("basik") == expected


def test_an_unknown_name_unlike_any_gets_them_all():
    for name in ("single", "basic"):
        (DIRECTORY / f"{name}.json").write_text("{}")
    expected = "deploy: There is no deployment 'zzz'. Expected 'basic' or 'single'."
    assert message_of("zzz") == expected


def test_an_empty_directory_is_said_so():
    expected = "deploy: There is no deployment 'x'. The directory has no deployment at all."
    assert message_of() == expected


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("../x", '"../x"'),
        ("--x", '"--x"'),
        ("", '""'),
        (".", '"."'),
        ("a\0b", '"a\\u0000b"'),
        ("x\n", '"x\\n"'),
        ("\u202ex", '"\\u202ex"'),
        ("\udc80", '"\\udc80"'),
        ("a" * 64, f'"{"a" * 56}...'),
    ],
)
def test_a_name_that_is_no_plain_file_name_is_refused(name, shown):
    expected = f"deploy: {shown} is no name of a deployment: {NAME_RULE}"
    assert message_of(name) == expected


def test_a_path_gets_the_name_in_it():
    (DIRECTORY / "basic.json").write_text("{}")
    expected = f"deploy: \"./basic\" is no name of a deployment: {NAME_RULE} Did you mean 'basic'?"
    assert message_of("./basic") == expected


@pytest.mark.parametrize(
    ("place", "shown", "reason"),
    [
        ("none", "none", "No such file or directory"),
        ("no\x1b[31m", "no\\x1b[31m", "No such file or directory"),
        ("file", "file", "Not a directory"),
        ("a\0b", "a\\x00b", "embedded null byte"),
    ],
)
def test_a_directory_that_cannot_be_read_is_said_so(place, shown, reason):
    Path("file").touch()
    with pytest.raises(ConfigurationError) as caught:
        deployment.load(Path(place), "x")
    assert str(caught.value) == (
        f"{shown}: The directory of deployments cannot be read: {reason}. "
        "'--deployment-config-dir' names another."
    )


def test_names_lists_what_can_be_loaded():
    for name in ("b.json", "a.json", ".a.json", "c.json~", "readme", "-d.json"):
        (DIRECTORY / name).touch()
    assert deployment.names(DIRECTORY) == ["a", "b"]


def test_all_faults_are_reported_together_in_the_order_of_the_file():
    shutil.copy(DATA / "faulty.json", DIRECTORY)
    assert message_of("faulty") + "\n" == (DATA / "faulty.txt").read_text()


def test_what_ends_like_the_root_has_one_fault():
    assert message_for([]) == (
        "deploy/x.json:1:1: $: found an empty list, "
        "expected an object with the key 'host' (a deployment of osci)."
    )


def cloud(**more):
    return CLOUD | more


def hosts(**more):
    return {"host": CLOUD["host"]} | more


def engine(url, **more):
    return cloud(datastore={"engine_url": url} | more)


NETNS = "a host of this file, because the hosts of provider 'netns' reach only their group"
STEIN = "left nova in 19.0.0 (Stein); 'filter' is nova's own and 'simple' spreads by free memory"
URL = "$.datastore.engine_url"
MEANING = {
    "no host": ({}, "$.host: found nothing, expected a list of 1 to 200 hosts."),
    "empty host": ({"host": []}, "$.host: found an empty list, expected a list of 1 to 200 hosts."),
    "reserved host": (
        {"host": [{"name": "localhost"}]},
        '$.host[0].name: found "localhost", '
        "expected another name, because 'localhost' is every host itself.",
    ),
    "long host name": (
        {"host": [{"name": "a" * 64}]},
        f'$.host[0].name: found "{"a" * 56}..., '
        "expected a host name of 1 to 63 lower-case letters, digits and inner hyphens.",
    ),
    "Jinja in a host name": (
        {"host": [{"name": "{{ lookup('pipe', 'id') }}"}]},
        "$.host[0].name: found \"{{ lookup('pipe', 'id') }}\", "
        "expected a host name of 1 to 63 lower-case letters, digits and inner hyphens.",
    ),
    "right-to-left mark in a host name": (
        {"host": [{"name": "a\u202eb"}]},
        '$.host[0].name: found "a\\u202eb", '
        "expected a host name of 1 to 63 lower-case letters, digits and inner hyphens.",
    ),
    "odd unknown key": (
        {"host": [{"name": "a"}], "x\u202e y": 1},
        '$["x\\u202e y"]: found an unknown key, expected one of the keys '
        "'api', 'compute', 'datastore', 'description', 'group', 'host', 'hudson', 'identity', "
        "'image', 'job', 'messaging', 'network', 'placement', 'scheduler', 'sources', 'stress', "
        "'suites' "
        "or 'timeouts'.",
    ),
    "infinite number": (
        {"host": [{"name": "a"}], "timeouts": {"run": 10**400}},
        "$.timeouts.run: found Infinity, expected a number of seconds above 0 and up to 604800, "
        "or an object with the keys 'seconds' and 'silence'.",
    ),
    "boolean for a number": (
        {"host": [{"name": "a", "hardware": {"cpus": True}}]},
        "$.host[0].hardware.cpus: found true, expected a whole number from 1 to 1024.",
    ),
    "silence longer than the default time": (
        {"host": [{"name": "a"}], "timeouts": {"create": {"silence": 61}}},
        "$.timeouts.create.silence: found 61, expected at most 60, the seconds that the phase has.",
    ),
    "smoke without services": (
        {"host": [{"name": "a"}], "suites": ["smoke"]},
        "$.suites[0]: found the suite 'smoke', "
        "expected a suite that needs no services, because the file places none.",
    ),
    "services without api": (
        {"host": [{"name": "a"}], "datastore": {}},
        "$.api: found nothing, "
        "expected a list of at least one host, because the file has 'datastore'.",
    ),
    "empty api": (
        cloud(api=[]),
        "$.api: found an empty list, "
        "expected a list of 1 to 200 objects with the keys 'host' and 'api'.",
    ),
    "role on a missing host": (
        cloud(compute=[{"host": "host"}]),
        '$.compute[0].host: found "host", '
        "expected the name of a host in this file. Did you mean 'host2'?",
    ),
    "chance": (
        cloud(scheduler=[{"host": "host1", "type": "nova.scheduler.chance.ChanceScheduler"}]),
        '$.scheduler[0].type: found "nova.scheduler.chance.ChanceScheduler", '
        f"expected 'simple' or 'filter', because the chance scheduler {STEIN}.",
    ),
    "caching": (
        cloud(scheduler=[{"host": "host1", "type": "caching_scheduler"}]),
        '$.scheduler[0].type: found "caching_scheduler", '
        f"expected 'simple' or 'filter', because the caching scheduler {STEIN}.",
    ),
    "FlatDHCPManager": (
        cloud(network=[{"host": "host1", "manager": "FlatDHCPManager"}]),
        "$.network[0].manager: found \"FlatDHCPManager\", expected 'flat', because nova-network "
        "left nova in 21.0.0 (Ussuri) and neutron took its place; "
        "'flat' gives one flat provider network.",
    ),
    "FlatManager of another module": (
        cloud(network=[{"host": "host1", "manager": "mine.FlatManager"}]),
        "$.network[0].manager: found \"mine.FlatManager\", expected 'flat'.",
    ),
    "xenapi": (
        cloud(compute=[{"host": "host1", "driver": "xenapi"}]),
        "$.compute[0].driver: found \"xenapi\", expected 'fake', "
        "because the XenAPI driver left nova in 22.0.0 (Victoria).",
    ),
    "hyperv": (
        cloud(compute=[{"host": "host1", "driver": "hyperv"}]),
        "$.compute[0].driver: found \"hyperv\", expected 'fake', "
        "because the Hyper-V driver left nova in 29.0.0 (2024.1).",
    ),
    "libvirt": (
        cloud(compute=[{"host": "host1", "driver": "libvirt"}]),
        "$.compute[0].driver: found \"libvirt\", expected 'fake', "
        "because osci does not support 'libvirt' yet.",
    ),
    "zmq": (
        cloud(messaging={"broker": "zmq"}),
        "$.messaging.broker: found \"zmq\", expected 'rabbit', "
        "because the ZeroMQ driver left oslo.messaging in 9.0.0 (Stein).",
    ),
    "broker elsewhere": (
        cloud(messaging={"address": "mq.example.org"}),
        f'$.messaging.address: found "mq.example.org", expected {NETNS}.',
    ),
    "broker on two hosts": (
        cloud(messaging={"address": "host1", "host": "host2"}),
        '$.messaging.address: found "host1", '
        "expected nothing, or the host in the key 'host' beside it, \"host2\".",
    ),
    "broker on a missing host": (
        cloud(messaging={"host": "host3"}),
        '$.messaging.host: found "host3", '
        "expected the name of a host in this file. Did you mean 'host2'?",
    ),
    "hudson on a missing host": (
        hosts(hudson={"host": "host3"}),
        '$.hudson.host: found "host3", '
        "expected the name of a host in this file. Did you mean 'host2'?",
    ),
    "hudson beside OpenStack": (
        cloud(hudson={"host": "host1"}),
        "$.hudson: found a Hudson, "
        "expected a file of its own for it, because this one places OpenStack by 'api'.",
    ),
    "hudson without executors": (
        hosts(hudson={"host": "host1", "executors": 0}),
        "$.hudson.executors: found 0, expected a whole number of builds from 1 to 100.",
    ),
    "sqlite": (
        engine("sqlite:///nova.db"),
        f"{URL}: found \"sqlite\", expected 'mysql', "
        "because services on several hosts cannot share an SQLite file.",
    ),
    "unknown engine": (
        engine("mysq://"),
        f"{URL}: found \"mysq\", expected 'mysql'. Did you mean 'mysql'?",
    ),
    "no engine": (
        engine(""),
        f"{URL}: found \"\", expected a URL such as 'mysql://USER:PASSWORD@HOST'.",
    ),
    "database elsewhere": (
        engine("mysql://nova:secret@localhost/nova?password=secret"),
        f'{URL}: found "mysql://***@localhost/nova?***", expected {NETNS}.',
    ),
    "database on two hosts": (
        engine("mysql://nova:secret@host1", host="host2"),
        f'{URL}: found "mysql://***@host1", '
        "expected nothing, or the host in the key 'host' beside it, \"host2\".",
    ),
    "forgotten database host": (
        engine("mysql://root:secret"),
        f'{URL}: found "mysql://root:***", '
        "expected a URL such as 'mysql://USER:PASSWORD@HOST'.",
    ),
    "password with an '@'": (
        engine("mysql://nova:sec@ret@host1"),
        f'{URL}: found "mysql://***@host1", '
        "expected a URL such as 'mysql://USER:PASSWORD@HOST'.",
    ),
    "URL in the wrong place": (
        cloud(datastore="mysql://nova:secret@host1"),
        '$.datastore: found "mysql://***@host1", '
        "expected an object with the keys 'engine_url' and 'host'.",
    ),
    "password without a user": (
        engine("mysql://:secret@host1"),
        f"{URL}: found a password without a user, expected both or none.",
    ),
    "control character in a password": (
        engine("mysql://nova:sec%0Aret@host1"),
        f"{URL}: found a user or password with control characters or broken UTF-8, "
        "expected neither of them, also when written with '%'.",
    ),
    "port": (
        engine("mysql://nova:secret@host1:3307"),
        f"{URL}: found another port, expected none or 3306, where osci sets the database up.",
    ),
    "same suite twice": (
        cloud(suites=["smoke", "smoke"]),
        "$.suites[1]: found a second suite 'smoke', "
        "expected each suite under a 'name' of its own.",
    ),
    "suite called like a phase": (
        cloud(suites=[{"suite": "smoke", "name": "deploy"}]),
        "$.suites[0]: found the suite name 'deploy', "
        "expected a suite under another name, for a phase of every run is called that.",
    ),
    "server that is to be pinged": (
        cloud(suites=[{"suite": "smoke", "test_ping": True}]),
        "$.suites[0].test_ping: found true, "
        "expected false, because nothing reaches a server of the compute driver 'fake'.",
    ),
    "option about pinging": (
        cloud(suites=[{"suite": "smoke", "ping_timeout": 60}]),
        "$.suites[0].ping_timeout: found 60, "
        "expected no such key, because nothing reaches a server of the compute driver 'fake'.",
    ),
    "volumes without a service": (
        cloud(suites=[{"suite": "smoke", "volumes": {"enabled": True}}]),
        "$.suites[0].volumes.enabled: found true, "
        "expected false, because osci deploys no volume service yet.",
    ),
    "unknown key beside one that is refused": (
        cloud(suites=[{"suite": "smoke", "volumes": {"enable": True}}]),
        "$.suites[0].volumes.enable: found an unknown key, "
        "expected the key 'enabled'. Did you mean 'enabled'?",
    ),
    "gem version": (
        cloud(suites=[{"suite": "smoke", "fog_version": "1.42"}]),
        "$.suites[0].fog_version: found \"1.42\", "
        "expected no such key, because the suite uses openstacksdk instead of fog.",
    ),
    "image by name and by id": (
        cloud(suites=[{"suite": "smoke", "image_name": "a", "image_ref": "b"}]),
        "$.suites[0].image_ref: found \"b\", expected only one of 'image_ref' and 'image_name'.",
    ),
    "another host after a resize where there is one": (
        cloud(suites=[{"suite": "smoke", "test_hostid_on_resize": True}]),
        "$.suites[0].test_hostid_on_resize: found true, expected false, "
        "because with one compute a server stays on its host when it is resized.",
    ),
    "suite object without suite": (
        cloud(suites=[{"name": "a"}]),
        "$.suites[0].suite: found nothing, expected the suite 'smoke' or 'command'.",
    ),
    "unknown suite in an object": (
        cloud(suites=[{"suite": "smok", "flavor": 1}]),
        "$.suites[0].suite: found \"smok\", "
        "expected the suite 'smoke' or 'command'. Did you mean 'smoke'?",
    ),
    "command alone": (
        cloud(suites=["command"]),
        "$.suites[0]: found \"command\", "
        "expected the suite 'smoke', or an object for a suite that needs options.",
    ),
    "empty program": (
        cloud(suites=[{"suite": "command", "name": "a", "command": [""], "junit": "a"}]),
        '$.suites[0].command[0]: found "", expected a program.',
    ),
}  # fmt: skip


@pytest.mark.parametrize(("content", "message"), MEANING.values(), ids=MEANING)
def test_a_fault_says_what_was_found_and_expected(content, message):
    place, _, rest = message_for(content).partition(": ")
    assert rest == message
    assert place.startswith("deploy/x.json:1:")


ADDRESSES = (
    "10.0.0", "10.0.0.1/24", "010.0.0.1", "host1", "::1", "fe80::1", "0.0.0.1", "127.0.0.2",
    "169.254.1.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "10.0.0.0", "10.0.0.255", " ",
)  # fmt: skip


@pytest.mark.parametrize("address", ADDRESSES)
def test_an_address_that_no_host_can_have_is_refused(address):
    assert message_for({"host": [{"name": "a", "address": address}]}) == (
        f'deploy/x.json:1:36: $.host[0].address: found "{address}", '
        "expected the IPv4 address of one host, such as '10.77.0.11'."
    )


@pytest.mark.parametrize("junit", ["/tmp/a.xml", "../a.xml", "a/../../b.xml", "a/..", ".."])
def test_junit_outside_the_working_directory_is_refused(junit):
    suite = {"suite": "command", "name": "a", "command": ["a"], "junit": junit}
    assert message_for({"host": [{"name": "a"}], "suites": [suite]}).endswith(
        f': $.suites[0].junit: found "{junit}", '
        "expected a path or pattern of files below the working directory."
    )


@pytest.mark.parametrize("path", ["none", ".", "..", "sub/..", "fifo", "a" * 300 + "/b"])
def test_a_path_that_cannot_be_copied_is_refused(path):
    os.mkfifo(DIRECTORY / "fifo")
    (DIRECTORY / "sub").mkdir()
    suite = {"suite": "command", "name": "a", "command": ["a"], "junit": "a", "copy": [path]}
    assert message_for({"host": [{"name": "a"}], "suites": [suite]}).endswith(
        ", expected a file or directory that exists, relative to the directory of this file."
    )


def test_two_copies_under_one_name_are_refused():
    for parent in ("a", "b"):
        (DIRECTORY / parent / "data").mkdir(parents=True)
    copies = ["a/data", "b/data"]
    suite = {"suite": "command", "name": "a", "command": ["a"], "junit": "a", "copy": copies}
    assert message_for({"host": [{"name": "a"}], "suites": [suite]}).endswith(
        ': $.suites[0].copy[1]: found "b/data", '
        'expected nothing else called "data", as both would be copied.'
    )


FULL = {
    "description": "d",
    "group": {"provider": "netns"},
    "host": [{"name": "a", "address": "10.77.0.11", "hardware": {"cpus": 1, "memory": "1 GiB"}}],
    "network": [{"host": "a", "manager": "flat"}],
    "api": [{"host": "a", "api": "openstack"}],
    "scheduler": [{"host": "a", "type": "simple"}],
    "compute": [{"host": "a", "driver": "fake"}],
    "identity": [{"host": "a"}],
    "messaging": {"broker": "rabbit", "address": "a", "host": "a"},
    "datastore": {"engine_url": "mysql://u:p@a", "host": "a"},
    "suites": [
        "smoke",
        {"suite": "smoke", "name": "c", "flavor_name": "e", "volumes": {"enabled": False}},
        {"suite": "command", "name": "b", "command": ["c"], "junit": "d", "copy": ["x.json"]},
    ],
    "timeouts": {"run": 5, "suite": {"seconds": 5, "silence": 5}},
}
ODD_VALUES = (None, True, -1, 1.5, "", "x", "mysql://x", [], {}, [None], [[]], [{}], {"host": {}})


def iter_odd(value):
    """Yield copies of the value with one value in it replaced or left out."""
    yield from ODD_VALUES
    if not isinstance(value, dict | list):
        return
    for step in list(value) if isinstance(value, dict) else range(len(value)):
        for odd in iter_odd(value[step]):
            copy = value.copy()
            copy[step] = odd
            yield copy
        copy = value.copy()
        del copy[step]
        yield copy


def test_any_shape_loads_or_is_a_configuration_error():
    assert load(FULL).name == "x"
    shapes = list(iter_odd(FULL))
    assert len(shapes) > 500
    for shape in shapes:
        try:
            deployment.explain(load(shape))
        except ConfigurationError as error:
            assert all(line.startswith("deploy/x.json:1:") for line in str(error).splitlines())


def test_a_bad_name_that_is_referred_to_is_one_fault():
    value = {
        "host": [{"name": "Host1"}],
        "api": [{"host": "Host1"}],
        "messaging": {"address": "Host1"},
        "datastore": {"host": "Host1"},
    }
    assert message_for(value).count("\n") == 0


def test_a_hint_cannot_turn_a_terminal():
    value = {"host": [{"name": "host\u202e"}], "api": [{"host": "host"}]}
    assert message_for(value).endswith(" Did you mean 'host\\u202e'?")


def test_a_flood_of_faults_is_cut():
    lines = message_for({"host": [{}] * 500}).splitlines()
    assert len(lines) == 201
    assert lines[-1] == "deploy/x.json: There are 301 more faults."


def test_a_description_may_have_line_ends_tabs_and_any_script():
    text = "One line,\n\tanother: καλημέρα."
    assert load({"host": [{"name": "a"}], "description": text}).description == text


def test_a_mebibyte_loads():
    argument = "x" * (1024 * 1024 - 200)
    suite = {"suite": "command", "name": "a", "command": ["a", argument], "junit": "a"}
    assert load({"host": [{"name": "a"}], "suites": [suite]}).suites[0].name == "a"
