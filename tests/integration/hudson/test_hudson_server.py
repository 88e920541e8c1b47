# SPDX-License-Identifier: Apache-2.0
"""The client on a real Hudson: what it is, views, agents, descriptions."""

import shlex
import sys
import uuid

import pytest

from osci_jobs.errors import ConfigurationError, InfrastructureError
from osci_jobs.hudson import build, description, nodes, views
from osci_jobs.hudson.description import Place
from osci_jobs.hudson.nodes import Node

pytestmark = pytest.mark.full


@pytest.fixture
def name():
    return f"t{uuid.uuid4().hex[:8]}"


def test_the_dialect_is_hudson_s(server):
    found = server.dialect()
    assert (found.name, found.is_hudson) == ("Hudson", True)
    assert found.version.startswith("3.")


def test_hudson_tells_no_plugins(server):
    assert server.plugins() is None


def test_a_view_is_made_and_changed(server, make_job, name):
    one, two = make_job("true"), make_job("true")
    assert views.write(server, name, "Of <b>one</b> & more", f"osci-functional-{one}")
    assert shown(server, name) == ("Of &lt;b&gt;one&lt;/b&gt; &amp; more", [one])
    assert not views.write(server, name, "Of both", f"osci-functional-({one}|{two})")
    assert shown(server, name) == ("Of both", sorted([one, two]))
    server.post(f"view/{name}/doDelete", "the view")
    assert server.find(f"view/{name}/api/json", "the view") is None


def shown(server, name):
    found = server.get(f"view/{name}/api/json", "the view")
    jobs = sorted(one["name"].removeprefix("osci-functional-") for one in found["jobs"])
    return found["description"], jobs


def test_a_regex_that_is_none_is_never_sent(server, name):
    """A Hudson that has saved one does not start again."""
    with pytest.raises(ConfigurationError, match="expected a regular expression of Java"):
        views.write(server, name, "", "(")
    assert server.find(f"view/{name}/api/json", "the view") is None


def test_an_agent_that_does_not_start_is_named(server, name, tmp_path):
    nodes.create(server, Node(name, ["t"], str(tmp_path), "true"))
    try:
        assert nodes.exists(server, name)
        with pytest.raises(ConfigurationError, match=f"has an agent '{name}' already"):
            nodes.create(server, Node(name, ["t"], str(tmp_path), "true"))
        with pytest.raises(InfrastructureError, match=f"the agent '{name}': it is not online"):
            nodes.await_online(server, name, 2)
    finally:
        server.post(f"computer/{name}/doDelete", "the agent")
    assert not nodes.exists(server, name)


def test_an_agent_comes_online(server, name):
    # On the Hudson's own host.
    jar = "/usr/local/lib/hudson/WEB-INF/slave.jar"
    nodes.create(server, Node(name, ["t"], f"/tmp/{name}", f"java -jar {jar}"))
    try:
        nodes.await_online(server, name, 60)
    finally:
        server.post(f"computer/{name}/doDelete", "the agent")


def test_a_description_is_shown_and_harms_nobody(server, make_job, trigger, leave_run):
    name = make_job(leave_run("failure"))
    assert trigger(name).code == 1
    job = f"osci-functional-{name}"
    cause = "The case '<script>x</script>' failed. More."
    description.write(server, Place(job, 1), "failure", cause, has_report=True)
    page = server.read(f"job/{job}/1/", "the page").content.decode()
    link = f'href="/job/{job}/1/artifact/run/report.html"'
    assert link in page
    assert "<script>x</script>" not in page
    assert link in server.read(f"job/{job}/", "the page of the job").content.decode()


def test_a_build_describes_itself(server, make_job, trigger, hudson):
    osci = f"{shlex.quote(sys.executable)} -m osci_jobs functional nosuch --ci --run-directory run"
    name = make_job(f"OSCI_HUDSON_CONF={shlex.quote(str(hudson.conf))} {osci}")
    done = trigger(name)
    assert done.code == 3
    assert "has no description" not in done.err
    tree = server.get(f"job/osci-functional-{name}/1/api/json", "the build", "description")
    assert tree["description"].startswith("<b>configuration</b> ")
    assert "There is no deployment &#x27;nosuch&#x27;." in tree["description"]


def test_a_build_that_is_not_there_has_no_description(server, make_job):
    where = Place(f"osci-functional-{make_job('true')}", 7)
    with pytest.raises(ConfigurationError, match="build 7 of the job .* has no such thing"):
        description.write(server, where, "success", "", has_report=False)


def test_what_is_not_there_is_none(server):
    assert build.job(server, "osci-functional-nosuch") is None
    assert build.build(server, "osci-functional-nosuch", 1) is None
