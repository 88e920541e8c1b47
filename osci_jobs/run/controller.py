# SPDX-License-Identifier: Apache-2.0
"""Deploy a Hudson with an agent, the views and the jobs of osci."""

import secrets
import shutil
from pathlib import Path

from osci_jobs import data, deployment
from osci_jobs.deployment import Deployment, Limit
from osci_jobs.errors import DeployError, OsciError
from osci_jobs.groups import Group, Ledger, agent
from osci_jobs.hudson import account, builder, listing, nodes, views
from osci_jobs.hudson.nodes import Node
from osci_jobs.hudson.server import Server
from osci_jobs.playbook import Failure
from osci_jobs.results import files
from osci_jobs.run import inventory
from osci_jobs.run.order import Order
from osci_jobs.run.play import Say, play, trouble

ACCOUNT = "admin"
NODE = "machine"

_ONLINE_SECONDS = 60

_JOBS = data.directory() / "jobs"
_CONF = """\
# The Hudson of the group {group}; for jenkins-jobs, and for osci.
[job_builder]
ignore_cache = True
update = jobs

[jenkins]
url = {url}
user = {user}
password = {password}
query_plugins_info = False
timeout = 30
"""


def check(of: Deployment) -> None:
    """Raise ConfigurationError where the deployments beside this one give no list of jobs."""
    _neighbours(of)


def deploy(ledger: Ledger, group: Group, order: Order, limit: Limit, say: Say) -> float:
    """Deploy Hudson on its host; return the CPU seconds that Ansible used.

    Afterwards the file `group.conf` says where it is and holds its account. Raises
    DeployError when Hudson or its agent does not come up.
    """
    of = order.deployment
    password = secrets.token_hex(16)
    seconds = _place(group, of, password, limit, say)
    say("Starting the agent, which is this machine.")
    port = agent.start(ledger, group, of, _environment(group, order))
    url = f"http://127.0.0.1:{port}/"
    conf = _CONF.format(group=group.name, url=url, user=ACCOUNT, password=password)
    inventory.write_secret(group.conf, conf)
    server = Server(account.load(group.conf))
    neighbours = _neighbours(of)
    _make_node(server, agent.workspace(ledger), of, neighbours)
    say("Making the jobs of the deployments.")
    _make_jobs(server, group, neighbours)
    return seconds


def _place(group: Group, of: Deployment, password: str, limit: Limit, say: Say) -> float:
    assert of.hudson, "the deployment has a Hudson"
    passwords = {f"hudson/{ACCOUNT}": password}
    inventory.keep_passwords(group, passwords)
    variables = {
        "osci_secrets": passwords,
        "osci_agent_directory": str(agent.directory(group)),
    }
    hosts = inventory.of_one(of.hudson.host)
    outcome = play("hudson.yml", group, hosts, variables, limit.silence_seconds, say)
    for failure in outcome.failures[:1]:
        raise _deploy_trouble(failure)
    return outcome.cpu_seconds


def _deploy_trouble(failure: Failure) -> OsciError:
    if failure.is_unreachable or not failure.host:
        return trouble(failure, "Hudson could not be deployed")
    error = trouble(failure, "Hudson did not come up", DeployError)
    error.unit = "hudson"
    return error


def _environment(group: Group, order: Order) -> dict[str, str]:
    """Return the environment of builds, in which osci finds what this command has found."""
    found = {
        "OSCI_CACHE_DIR": str(order.cache),
        "OSCI_DEPLOYMENT_CONFIG_DIR": str(_directory(order.deployment)),
        "OSCI_HUDSON_CONF": str(group.conf),
        "OSCI_PROJECTS": order.projects.path,
        "OSCI_STATE_DIR": str(order.state),
    }
    return agent.environment({name: value for name, value in found.items() if value})


def _make_node(
    server: Server, directory: Path, of: Deployment, neighbours: list[Deployment]
) -> None:
    """Make the agent known to the server, with the labels of all jobs that it is to build."""
    assert of.hudson, "the deployment has a Hudson"
    labels = sorted({each.job.label for each in neighbours})
    node = Node(NODE, labels, str(directory), agent.COMMAND, of.hudson.executors)
    nodes.create(server, node)
    nodes.await_online(server, NODE, _ONLINE_SECONDS)


def _make_jobs(server: Server, group: Group, neighbours: list[Deployment]) -> None:
    """Have Jenkins Job Builder make osci's jobs, as a CI admin does, and make their views."""
    directory = group.scratch / "jobs"
    shutil.copytree(_JOBS, directory)
    files.write_text(directory / listing.FILE, listing.text(neighbours))
    builder.update(group.conf, directory)
    for view in builder.views(directory):
        views.write(server, view.name, view.description, view.regex)


def _neighbours(of: Deployment) -> list[Deployment]:
    """Return all deployments of the directory, each of which is to have its jobs."""
    return deployment.load_all(_directory(of))


def _directory(of: Deployment) -> Path:
    return Path(of.path).resolve().parent
