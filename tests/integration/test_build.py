# SPDX-License-Identifier: Apache-2.0
"""Code that is built and installed in throw-away hosts, the hostile one above all."""

import contextlib
import http.server
import json
import os
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest
from leftovers import assert_nothing_left, machine

from osci_jobs import deployment
from osci_jobs.groups import numbering
from osci_jobs.run import steps

PROGRAM = Path(__file__).with_name("workshop.py")
SAMPLES = Path(__file__).resolve().parents[2] / "config" / "deploy"
SITE = "opt/openstack/lib/python3.11/site-packages"
VERSION = numbering.version("3.9.0", 1, "0123456789ab", "")
SETUP = "import setuptools\nsetuptools.setup(setup_requires=['pbr>=2.0.0'], pbr=True)\n"
# Printed while it builds, and then it fails.
FAIL = "\nraise SystemExit('end of the hostile program')\n"


@pytest.fixture(scope="session")
def lowers(tmp_path_factory) -> list[Path]:
    """The layers of a deployed OpenStack, made by osci where the cache lacks them."""
    directory = tmp_path_factory.mktemp("lowers")
    subprocess.run(
        [sys.executable, "-m", "osci_jobs", "create", "single", "--until", "install"],
        cwd=directory,
        env={**os.environ, "OSCI_STATE_DIR": str(directory / "state")},
        check=True,
        capture_output=True,
    )
    cache = Path(os.environ.get("OSCI_CACHE_DIR") or Path.home() / ".cache" / "osci")
    return steps.layers(cache, deployment.load(SAMPLES, "single"))


class Workshop:
    """Building as a run does it, with a state and a cache of the test's own."""

    def __init__(self, directory: Path, lowers: list[Path]):
        self.directory = directory
        self.cache = directory / "cache"
        self.environment = dict(os.environ)
        self._lowers = lowers

    def start(self, *parts: dict, command=None, silence_seconds=60) -> subprocess.Popen:
        order = {
            "state": str(self.directory / "state"),
            "cache": str(self.cache),
            "lowers": [str(lower) for lower in self._lowers],
            "run_directory": str(self.directory / "run"),
            "group": "osci-b01d00",
            "silence_seconds": silence_seconds,
            "parts": list(parts),
            "command": command,
        }
        file = self.directory / "order.json"
        file.write_text(json.dumps(order))
        return subprocess.Popen(
            [sys.executable, str(PROGRAM), str(file)],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def __call__(self, *parts: dict, **options) -> dict:
        process = self.start(*parts, **options)
        out, err = process.communicate(timeout=900)
        assert process.returncode == 0, err
        return {**json.loads(out), "said": err.splitlines()}

    def log(self, name: str) -> str:
        return (self.directory / "run" / "logs" / "sources" / f"{name}.log").read_text()


@pytest.fixture
def build(tmp_path, lowers):
    """Build in the test's own cache; see afterwards that the machine is as it was."""
    before = machine()
    yield Workshop(tmp_path, lowers)
    assert_nothing_left(before)
    assert list((tmp_path / "state" / "groups").glob("*")) == []
    assert list((tmp_path / "cache").glob("*/*.partial")) == []


@pytest.fixture
def project(tmp_path):
    """Write the tree of a small project that stands in for os-traits, and return it as a part."""

    def write(*, requires="", setup=SETUP, version=VERSION, files=()) -> dict:
        tree = tmp_path / "tree"
        contents = {
            "setup.cfg": "[metadata]\nname = os-traits\nsummary = x\n[files]\n"
            "packages =\n    os_traits\n",
            "setup.py": textwrap.dedent(setup),
            "requirements.txt": requires,
            "os_traits/__init__.py": "VALUE = 'from the branch'\n",
            "os_traits/data.json": "{}\n",
            **dict(files),
        }
        for name, content in contents.items():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            (tree / name).write_text(content)
        return code("os-traits", version, tree)

    return write


def code(project: str, version: str, tree: Path) -> dict:
    return {"project": project, "package": project, "version": version, "tree": str(tree)}


def release(project: str, version: str) -> dict:
    return {"project": project, "package": project, "version": version, "tree": ""}


def test_code_becomes_a_layer_and_is_not_built_twice(build, project):
    part = project(requires="six>=1.10\nsh>=2.0\nSQLAlchemy!=2.1.9,>=2.0\n")
    show = (
        "import os_traits as o, sh, sqlalchemy; print(o.VALUE, o.__path__, sqlalchemy.__version__)"
    )
    first = build(part, command=["/opt/openstack/bin/python", "-c", show])
    assert first["verdict"] == "success", first
    assert first["seen"][0].startswith(f"from the branch ['/{SITE}/os_traits'] 2.")
    assert "2.1.9" not in first["seen"][0]
    layer = Path(first["layer"])
    assert [path.name for path in layer.iterdir()] == ["opt"]
    assert [path.name for path in (layer / "opt").iterdir()] == ["openstack"]
    site = layer / SITE
    assert (site / "os_traits" / "data.json").is_file()
    assert list((site / "os_traits" / "__pycache__").iterdir()) != []
    assert (site / f"os_traits-{VERSION}.dist-info" / "METADATA").is_file()
    assert (site / "os_traits-3.9.0.dist-info").is_char_device()
    second = build(part)
    assert (second["layer"], second["said"]) == (first["layer"], [])


def test_a_release_and_code_are_installed_at_once(build, project):
    done = build(
        project(version="3.9.0"),
        release("PyMySQL", "1.1.1"),
        command=["/opt/openstack/bin/pip", "list"],
    )
    assert done["verdict"] == "success", done
    listed = dict(line.split() for line in done["seen"] if len(line.split()) == 2)
    assert (listed["os-traits"], listed["PyMySQL"]) == ("3.9.0", "1.1.1")
    again = build(project(version="3.9.0"), command=["cat", f"/{SITE}/os_traits/__init__.py"])
    assert again["seen"][0] == "VALUE = 'from the branch'"
    assert not any(line.startswith("Building") for line in again["said"])


@pytest.mark.parametrize(
    ("requires", "sentence"),
    [
        (
            "SQLAlchemy<2",
            f"'os-traits {VERSION}' requires 'SQLAlchemy<2', "
            "but 'alembic 1.20.1' requires 'SQLAlchemy>=2.0'.",
        ),
        (
            "oslo.utils>=99",
            "'os-traits' requires 'oslo.utils>=99', but pip's index has no such release, "
            "and 'oslo.utils==10.2.0' is pinned.",
        ),
        pytest.param(
            "google-auth==2.20.0",
            "'google-auth 2.20.0' requires 'cachetools<6.0 and >=2.0.0', "
            "but 'cachetools==8.0.1' is pinned.",
            marks=pytest.mark.full,
        ),
        (
            "osci-no-such-package",
            "'os-traits' requires 'osci-no-such-package', but pip's index has no such release.",
        ),
    ],
)
def test_requirements_that_exclude_each_other_are_named(build, project, requires, sentence):
    done = build(project(requires=requires))
    assert (done["verdict"], done["message"]) == ("source", sentence)
    assert done["file"] == "logs/sources/installation.log"
    assert build.log("installation").strip() != ""


def test_a_release_that_is_not_there_is_told(build):
    done = build(release("nova", "99.0.0"))
    assert (done["verdict"], done["message"]) == (
        "source",
        "pip's index has no 'nova==99.0.0', and 'nova==34.0.0' is pinned.",
    )


def test_code_that_does_not_build_is_told_by_its_own_line(build, project):
    done = build(project(setup="import setuptools\nthis is no Python\n"))
    assert done["verdict"] == "source"
    *_, line, sentence = done["message"].splitlines()
    assert line == done["line"] == "SyntaxError: invalid syntax"
    assert sentence == "'os-traits' does not build."
    assert done["file"] == "logs/sources/os-traits.log"
    assert done["line"] in build.log("os-traits")


def test_an_index_that_fails_is_infrastructure(build, project):
    with registry(status=503) as address:
        build.environment |= {"PIP_INDEX_URL": f"http://{address}/simple"}
        done = build(project())
    assert done["verdict"] == "infrastructure"
    assert "pip's index does not answer" in done["message"]


@pytest.mark.full
@pytest.mark.parametrize("status", [503, 0])
def test_an_index_that_fails_later_is_infrastructure_too(build, project, status):
    with registry(status=status, but="/simple/keystone/") as address:
        build.environment |= {"PIP_INDEX_URL": f"http://{address}/simple", "PIP_RETRIES": "0"}
        done = build(project())
    assert done["verdict"] == "infrastructure", done
    assert "does not answer" in done["message"] or "did not answer" in done["message"]


HOSTILE = """
    import ctypes, os, socket, sys

    # setuptools changes the source of a setup.py that spells it out.
    END = chr(13) + chr(10)

    def attempt(name, act):
        try:
            print("GOT", name, act(), file=sys.stderr, flush=True)
        except BaseException as error:
            print("no", name, repr(error), file=sys.stderr, flush=True)

    def reach(host, port):
        return socket.create_connection((host, port), timeout=3).getpeername()

    def ask(line):
        with socket.create_connection(("127.0.0.1", 3128), timeout=10) as proxy:
            proxy.sendall((line + " HTTP/1.1" + 2 * END).encode())
            status = proxy.recv(100).decode().split(END)[0]
        if " 200 " not in status:
            raise ValueError(status)
        return status

    def mount():
        if ctypes.CDLL(None, use_errno=True).mount(b"proc", b"/mnt", b"proc", 0, None):
            raise OSError(ctypes.get_errno(), "mount")

    def daemon():
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                # pip would wait for who holds its output.
                os.closerange(0, 256)
                os.execvp("sleep", ["sleep", "98765"])
            os._exit(0)

    attempt("internet", lambda: reach("1.1.1.1", 443))
    attempt("name", lambda: socket.getaddrinfo("pypi.org", 443))
    attempt("machine", lambda: reach("127.0.0.1", {port}))
    attempt("proxy to machine", lambda: ask("CONNECT 127.0.0.1:{port}"))
    attempt("proxy to ssh", lambda: ask("CONNECT pypi.org:22"))
    attempt("proxy to elsewhere", lambda: ask("GET http://example.com/"))
    attempt("group", lambda: reach("10.77.0.10", 22))
    attempt("file", lambda: open("{canary}").read())
    attempt("keys", lambda: os.listdir("/root/.ssh"))
    attempt("root", lambda: open("/proc/1/root/etc/shadow").read())
    attempt("sys", lambda: open("/sys/fs/cgroup/pids/pids.max", "w").write("max"))
    attempt("own limits", lambda: os.mkdir("/sys/fs/cgroup/memory/mine"))
    attempt("kernel", lambda: open("/proc/sys/kernel/core_pattern", "w").write("|/bin/sh"))
    attempt("device", lambda: os.mknod("/build/disk", 0o60666, os.makedev(254, 0)))
    attempt("mount", mount)
    attempt("root's account", lambda: os.setuid(0))
    attempt("layer", lambda: open("/opt/openstack/bin/pip", "a").write("x"))
    attempt("input", lambda: open("/run/input/tree.tar", "a").write("x"))
    print("daemon", daemon())
"""


def test_a_hostile_build_reaches_nothing_and_leaves_nothing(build, project, tmp_path):
    canary = tmp_path / "canary"
    canary.write_text("secret of the machine")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        program = HOSTILE.replace("{port}", str(listener.getsockname()[1]))
        part = project(setup=textwrap.dedent(program).replace("{canary}", str(canary)) + FAIL)
        done = build(part)
    assert done["verdict"] == "source"
    log = build.log("os-traits")
    assert [line for line in log.splitlines() if "GOT" in line] == []
    assert log.count("no ") >= 18
    assert "daemon None" in log
    assert done["message"].startswith("end of the hostile program\n")
    assert "127.0.0.1:" in done["message"].splitlines()[-1]


@pytest.mark.parametrize(
    ("program", "verdict", "words"),
    [
        ("import time; time.sleep(9999)", "timeout", "said nothing for 8 s"),
        pytest.param(
            "import os\nwhile True:\n    os.fork()",
            "source",
            "Resource temporarily unavailable",
            marks=pytest.mark.full,
        ),
        pytest.param(
            "kept = []\nwhile True:\n    kept.append(b'x' * (64 << 20))",
            "source",
            "used more than the 6144 MiB",
            marks=pytest.mark.full,
        ),
        pytest.param(
            "file = open('/build/full', 'wb')\nwhile True:\n    file.write(bytes(64 << 20))",
            "source",
            "No space left on device",
            marks=pytest.mark.full,
        ),
        pytest.param(
            "import os\nos.makedirs('/run/output/a.whl', exist_ok=True)\n" + SETUP,
            "source",
            "instead of one wheel",
            marks=pytest.mark.full,
        ),
        (
            "import os\nif not os.path.islink('/run/output/a.whl'):\n"
            "    os.symlink('/etc/passwd', '/run/output/a.whl')\n" + SETUP,
            "source",
            "instead of one wheel",
        ),
    ],
    ids=["silence", "forks", "memory", "disk", "directory", "link"],
)
def test_a_hostile_build_meets_its_limits(build, project, program, verdict, words):
    done = build(project(setup=program), silence_seconds=8 if verdict == "timeout" else 120)
    assert done["verdict"] == verdict, done
    assert words in done["message"]
    assert list((build.cache / "wheels").glob("*/")) == []


@pytest.mark.full
@pytest.mark.parametrize("said", ["y" * 1000, "y" * 999 + "\\n"], ids=["no newline", "lines"])
def test_a_build_that_prints_without_end_is_ended(build, project, said):
    program = f"import os\nfor _ in range(40_000):\n    os.write(2, b'{said}')\n"
    done = build(project(setup=program + FAIL))
    assert (done["verdict"], done["file"]) == ("source", "logs/sources/os-traits.log")
    assert done["message"] == "'build of os-traits' printed more than 16 MiB."


def test_a_hostile_installation_stays_in_its_host(build, project, tmp_path):
    """A wheel's .pth runs with every Python after it, as root in the host of the installation."""
    (tmp_path / "canary").write_text("secret")
    act = (
        "import os, shutil; os.path.exists('/run/input/pins.txt') and ("
        "shutil.rmtree('/opt/openstack', True), os.symlink('/root', '/opt/openstack'))"
    )
    setup = (
        "import setuptools\nsetuptools.setup(name='os-traits', version='3.9.1', "
        "packages=['os_traits'], data_files=[('lib/python3.11/site-packages', ['evil.pth'])])\n"
    )
    done = build(project(setup=setup, files={"evil.pth": act + "\n", "setup.cfg": ""}.items()))
    assert (done["verdict"], done["message"]) == (
        "source",
        "The installation left no directory '/opt/openstack'.",
    )
    assert [path for path in (build.cache / "layers").glob("*/") if path.is_dir()] == []


def test_links_and_hooks_of_a_tree_stay_in_its_host(build, project, tmp_path):
    (tmp_path / "canary").write_text("secret of the machine")
    part = project(files={"hooks/pre-commit": "#!/bin/sh\necho HOOKED; exit 1\n"}.items())
    tree = Path(part["tree"])
    (tree / "hooks/pre-commit").chmod(0o755)
    (tree / "os_traits" / "outside.py").symlink_to(tmp_path / "canary")
    (tree / "os_traits" / "above").symlink_to("../../../../..")
    done = build(part)
    assert "HOOKED" not in build.log("os-traits")
    if done["verdict"] == "success":
        kept = [path for path in Path(done["layer"]).rglob("*") if path.is_file()]
        assert not any(b"secret of the machine" in path.read_bytes() for path in kept)


@pytest.mark.parametrize(
    ("step", "number"), [("Building", signal.SIGTERM), ("Installing", signal.SIGKILL)]
)
def test_a_build_that_is_broken_off_leaves_nothing(build, project, number, step):
    process = build.start(project())
    for line in process.stderr:
        if line.startswith(step):
            break
    time.sleep(2)
    process.send_signal(number)
    process.communicate(timeout=60)
    assert build(release("no-such-package-of-osci", "1"))["verdict"] == "source"


@pytest.mark.full
def test_a_file_of_a_gigabyte_is_built(build, project):
    part = project()
    with (Path(part["tree"]) / "large").open("wb") as file:
        file.truncate(1 << 30)
    assert build(part)["verdict"] == "success"


@pytest.mark.full
def test_nova_is_built_from_source(build, tmp_path):
    fetch = ["-m", "pip", "download", "--no-deps", "--no-binary", "nova", "nova==34.0.0"]
    subprocess.run([sys.executable, *fetch], cwd=tmp_path, check=True, capture_output=True)
    subprocess.run(["tar", "--extract", "--file=nova-34.0.0.tar.gz"], cwd=tmp_path, check=True)
    tree = tmp_path / "nova-34.0.0"
    (tree / "nova" / "added.py").write_text("")
    version = numbering.version("34.0.0", 7, "0123456789ab", "")
    show = (
        "import nova.added, nova.virt.osci_fake, importlib.metadata as m; print(m.version('nova'))"
    )
    part = code("nova", version, tree)
    done = build(part, command=["/opt/openstack/bin/python", "-W", "ignore", "-c", show])
    assert done["verdict"] == "success", done
    assert done["seen"][-2:] == [version, "exit code 0"]
    assert build(part)["said"] == []


class _Registry(http.server.BaseHTTPRequestHandler):
    PAGE = b'<a href="keystone-1.0-py3-none-any.whl">keystone-1.0-py3-none-any.whl</a>'

    def do_GET(self):
        if self.path == self.server.but:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(self.PAGE)))
            self.end_headers()
            self.wfile.write(self.PAGE)
        elif self.server.status:
            self.send_response(self.server.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

    def log_message(self, *_):
        """Say nothing."""


@contextlib.contextmanager
def registry(status: int, but: str = ""):
    """Be an index that answers with a status, 0 for not at all, but on one page."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Registry) as server:
        server.status, server.but = status, but
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()
