# SPDX-License-Identifier: Apache-2.0
"""`jenkins-jobs update jobs/` on a real Hudson, and what a server makes of it that fails."""

import re
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from xml.etree import ElementTree

import pytest

TREE = Path(__file__).parents[3]
FAMILY = "osci-functional-"
FAMILIES = (FAMILY, "osci-stress-", "osci-regression-")
# A field that is static on Hudson 3.3.2: the server refuses it, and has made the job by then.
HALF_MADE = b"""<project>
  <publishers>
    <hudson.tasks.ArtifactArchiver>
      <artifacts>run/**</artifacts>
      <allowEmptyArchive>true</allowEmptyArchive>
    </hudson.tasks.ArtifactArchiver>
  </publishers>
</project>"""


@pytest.fixture
def jobs(hudson, tmp_path) -> Path:
    """The templates of the tree with the list of the Hudson's deployments, as committed."""
    directory = tmp_path / "jobs"
    subprocess.run(["cp", "-r", str(TREE / "jobs"), str(directory)], check=True)
    done = hudson.osci("jobs", "render", "--jobs-dir", str(directory))
    assert done.code == 0, done.err
    return directory


def jenkins_jobs(conf: Path, *words: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "jenkins_jobs", "--conf", str(conf), *words]
    return subprocess.run(command, cwd=conf.parent, capture_output=True, text=True, check=False)


def conf_for(hudson, directory: Path, url: str) -> Path:
    """Return the tree's sample configuration with another address and the Hudson's account."""
    sample = (TREE / "jobs" / "jenkins_jobs.ini").read_text()
    text = re.sub(r"(?m)^url = .*$", f"url = {url}", sample)
    text = text.replace("#user = bob", f"user = {hudson.user}")
    text = text.replace("#password = his token", f"password = {hudson.password}")
    path = directory / "mine.ini"
    path.touch(mode=0o600)
    path.write_text(text)
    return path


def test_the_sample_configuration_updates_all_jobs(hudson, jobs, tmp_path):
    conf = conf_for(hudson, tmp_path, hudson.url)
    for _ in range(2):
        done = jenkins_jobs(conf, "update", str(jobs))
        assert done.returncode == 0, done.stderr
    assert_converged(hudson, jobs, tmp_path)


def test_views_are_made_and_show_their_jobs(hudson, jobs):
    conf = ["--jobs-dir", str(jobs), "--conf", str(hudson.conf)]
    assert hudson.osci("jobs", "views", "--check", *conf).code == 0
    hudson.post("view/osci-functional/doDelete")
    missing = hudson.osci("jobs", "views", "--check", *conf)
    assert (missing.code, "osci-functional: missing" in missing.out) == (1, True)
    assert hudson.osci("jobs", "views", *conf, "--json").json == {
        "missing": ["osci-functional"],
        "views": ["osci", "osci-functional", "osci-regression", "osci-stress"],
    }
    view = hudson.json("view/osci-functional")
    ours = {name for name in jobs_of(hudson) if name.startswith(FAMILY)}
    assert {job["name"] for job in view["jobs"]} == ours
    assert view["description"].startswith("OpenStack deployed and tested")


@pytest.mark.parametrize("forwards", [False, True])
@pytest.mark.parametrize("number", [pytest.param(1, marks=pytest.mark.full), 3])
def test_a_server_that_fails_in_the_middle_is_told_and_the_next_update_converges(
    hudson, jobs, tmp_path, number, forwards
):
    for name in jobs_of(hudson):
        hudson.post(f"job/{name}/doDelete")
    with Proxy(hudson.url, number, forwards=forwards) as url:
        done = jenkins_jobs(conf_for(hudson, tmp_path, url), "update", str(jobs))
    assert done.returncode != 0
    said = re.findall(rf"{FAMILY}[\w-]+", done.stderr)
    assert said[-1] == sorted(rendered(hudson, jobs, tmp_path))[number - 1]
    assert jenkins_jobs(hudson.conf, "update", str(jobs)).returncode == 0
    assert_converged(hudson, jobs, tmp_path)


def test_a_server_that_is_down_is_told(hudson, jobs, tmp_path):
    done = jenkins_jobs(conf_for(hudson, tmp_path, "http://127.0.0.1:9/"), "update", str(jobs))
    assert done.returncode != 0
    assert "127.0.0.1" in done.stderr
    assert "Connection refused" in done.stderr


def test_a_job_that_is_half_made_is_made_whole(hudson, jobs, tmp_path):
    name = f"{FAMILY}quick"
    hudson.post(f"job/{name}/doDelete")
    with pytest.raises(urllib.error.HTTPError):
        hudson.post(f"createItem?name={name}", HALF_MADE, "text/xml")
    assert jenkins_jobs(hudson.conf, "update", str(jobs)).returncode == 0
    assert_converged(hudson, jobs, tmp_path)


def jobs_of(hudson) -> list[str]:
    return [job["name"] for job in hudson.json("")["jobs"]]


def rendered(hudson, jobs: Path, directory: Path) -> dict[str, ElementTree.Element]:
    """Return the jobs as Jenkins Job Builder makes them."""
    out = directory / "out"
    done = jenkins_jobs(hudson.conf, "test", str(jobs), "--config-xml", "-o", str(out))
    assert done.returncode == 0, done.stderr
    roots = {path.parent.name: ElementTree.parse(path).getroot() for path in out.rglob("*.xml")}
    return {name: root for name, root in roots.items() if name.startswith(FAMILIES)}


def assert_converged(hudson, jobs: Path, directory: Path) -> None:
    """See that the server has each job, with what osci put into it."""
    wanted = rendered(hudson, jobs, directory)
    assert sorted(jobs_of(hudson)) == sorted(wanted)
    for name, root in wanted.items():
        there = ElementTree.fromstring(hudson.get(f"job/{name}/config.xml"))
        for path in (
            ".//hudson.tasks.Shell/command",
            ".//hudson.tasks.ArtifactArchiver/artifacts",
            ".//testResults",
            ".//timeoutMinutes",
        ):
            found = [element.text for element in there.iterfind(path)]
            assert found == [element.text for element in root.iterfind(path)] != [], (name, path)
        plots = [element.text for element in there.iterfind(".//csvFileName")]
        assert plots == [element.text for element in root.iterfind(".//csvFileName")]


class Proxy:
    """A server between, which answers 500 to one of the POSTs that make a job.

    It has passed that on before, or not: the job is there or it is not.
    """

    def __init__(self, url: str, number: int, *, forwards: bool):
        self.url, self.number, self.forwards = url.rstrip("/"), number, forwards
        self.seen = 0
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                self.answer(*proxy.forward(self, None))

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                proxy.seen += "createItem" in self.path
                is_to_fail = "createItem" in self.path and proxy.seen == proxy.number
                if not is_to_fail or proxy.forwards:
                    status, headers, content = proxy.forward(self, body)
                if is_to_fail:
                    status, headers, content = 500, {}, b"out of order"
                self.answer(status, headers, content)

            def answer(self, status, headers, content):
                self.send_response(status)
                for name in ("Content-Type", "X-Hudson", "Location"):
                    if headers.get(name):
                        self.send_header(name, headers[name])
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *words):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    def __enter__(self) -> str:
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{self.server.server_port}/"

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def forward(self, request, body: bytes | None):
        kept = {"Authorization", "Content-Type", ".crumb"}
        headers = {name: value for name, value in request.headers.items() if name in kept}
        asked = urllib.request.Request(self.url + request.path, body, headers)
        try:
            with urllib.request.urlopen(asked, timeout=30) as answer:
                return answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.headers, error.read()
