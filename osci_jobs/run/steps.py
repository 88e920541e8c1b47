# SPDX-License-Identifier: Apache-2.0
"""What each phase of a run does: one function each, which raises an OsciError or succeeds."""

import json
import re
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from osci_jobs import playbook, suites
from osci_jobs.deployment import Deployment, Limit, Suite
from osci_jobs.errors import DeployError, InfrastructureError, LimitError, OsciError
from osci_jobs.groups import TESTER, Group, Ledger, image, maven, netns, tools
from osci_jobs.results import cases, files
from osci_jobs.results.runlog import RunLog
from osci_jobs.run import blanking, inventory, provenance
from osci_jobs.run.order import Order
from osci_jobs.run.phase import record_trouble
from osci_jobs.run.play import PLAYBOOKS, Say, last_line, play, trouble
from osci_jobs.suites import fetched as brought

MINIMUM_FREE_BYTES = 4 << 30
# What a suite's end takes on top of the suite: its files come back.
SUITE_MARGIN_SECONDS = 60
# Waiting until the cloud is ready is one silent task. It has to give up by itself, as only it
# can tell which service does not come.
READY_SHARE = 0.75
# The hosts share this machine's kernel, and may not read its log themselves.
KERNEL_LOG = "logs/kernel.log"
# The software of a deployment, as messages call it.
TITLES = {"openstack": "OpenStack", "hudson": "Hudson"}

# How the tester's ready.py says what it waited for in vain.
_NOT_READY = re.compile(r"'(?P<unit>[\w-]+)(?: on (?P<host>[\w-]+))?' is not ready")


def check(order: Order, say: Say) -> None:
    """See that this machine can make hosts and the suites can run; install what is missing."""
    tools.require_root()
    tools.ensure(order.deployment.software, say, may_install=order.may_install)
    tools.require_namespaces()
    for suite in order.suites:
        suites.find(suite.suite).plan(suite, order.deployment.services)
    if order.deployment.hudson:
        _controller().check(order.deployment)


def _controller() -> ModuleType:
    """Return what deploys a Hudson, which is slow to import, and most deployments have none."""
    from osci_jobs.run import controller

    return controller


def require_space(cache: Path) -> None:
    """Raise InfrastructureError when there is no room for what the cache has yet to hold."""
    existing = next(path for path in (cache, *cache.parents) if path.exists())
    free = shutil.disk_usage(existing).free
    if free < MINIMUM_FREE_BYTES and not (cache / "layers").is_dir():
        raise InfrastructureError(
            f"'{existing}' has {free >> 20} MiB free, and the hosts' image and layer take "
            f"{MINIMUM_FREE_BYTES >> 20} MiB; make room or name another place with --cache-dir."
        )


def layers(cache: Path, deployment: Deployment) -> list[Path]:
    """Return where the layers of the hosts are kept, topmost first, be they there or not."""
    base = image.image_place(cache)
    if not deployment.software:
        return [base]
    return [image.layer_place(cache, base, _layer_inputs(deployment.software)), base]


def install(ledger: Ledger, order: Order, say: Say) -> list[Path]:
    """Return the layers of the hosts, topmost first, made where the cache lacks them."""
    limit = order.limits["install"]
    require_space(order.cache)
    base = image.ensure(ledger, order.cache, limit.silence_seconds, say)
    software = order.deployment.software
    if not software:
        return [base]

    def run_playbook(builder: Group) -> None:
        hosts = inventory.of_one(image.BUILDER)
        variables = {"osci_software": software, **_artifacts(ledger, order, say)}
        outcome = play("install.yml", builder, hosts, variables, limit.silence_seconds, say)
        for failure in outcome.failures[:1]:
            raise trouble(failure, f"{TITLES[software]} could not be installed")

    inputs = _layer_inputs(software)
    layer = image.ensure_layer(ledger, order.cache, base, inputs, run_playbook, say)
    return [layer, base]


def deploy(ledger: Ledger, group: Group, order: Order, limit: Limit, say: Say) -> float:
    """Deploy the software of the deployment; return the CPU seconds that Ansible used."""
    if order.deployment.hudson:
        return _controller().deploy(ledger, group, order, limit, say)
    return _deploy_openstack(group, order, limit, say)


def _deploy_openstack(group: Group, order: Order, limit: Limit, say: Say) -> float:
    deployment = order.deployment
    passwords = inventory.make_passwords(group, deployment)
    inventory.write_clouds(group, passwords)
    hosts = inventory.inventory(group)
    variables = {
        **inventory.variables(group, deployment, passwords),
        "osci_is_quiet": order.is_quiet,
        "osci_ready_seconds": READY_SHARE * limit.silence_seconds,
    }
    outcome = play("deploy.yml", group, hosts, variables, limit.silence_seconds, say)
    for failure in outcome.failures[:1]:
        raise _deploy_trouble(failure, group)
    return outcome.cpu_seconds


def run_suite(
    group: Group, suite: Suite, limit: Limit, run_directory: Path, log: RunLog, say: Say
) -> str:
    """Run one suite on the tester and bring its files back; return how it ended.

    Raises LimitError when it went past its limits, InfrastructureError when
    the tester could not run it.
    """
    with tempfile.TemporaryDirectory(prefix="suite-", dir=group.scratch) as temporary:
        output = Path(temporary, "out.tar")
        # The suite's own limits hold on the tester, where its output can be seen.
        silence = limit.seconds + SUITE_MARGIN_SECONDS
        bring_suite(group, suite, limit, silence, log, say, {"osci_suite_output": str(output)})
        return take_suite(group, suite, limit, output, run_directory, log, say)


def bring_suite(
    group: Group,
    suite: Suite,
    limit: Limit,
    silence_seconds: float,
    log: RunLog,
    say: Say,
    variables: Mapping[str, Any],
) -> None:
    """Run the playbook of a suite, with these variables besides its own.

    Raises InfrastructureError when the tester could not run it.
    """
    plan = suites.find(suite.suite).plan(suite, group.services)
    with tempfile.TemporaryDirectory(prefix="bring-", dir=group.scratch) as temporary:
        archive = Path(temporary, "in.tar")
        suites.pack(plan, suite.name, limit, archive)
        given = {
            "osci_suite_name": suite.name,
            "osci_suite_archive": str(archive),
            **variables,
        }
        book = f"suites/{suite.suite}.yml"
        outcome = play(book, group, inventory.inventory(group), given, silence_seconds, say)
    for failure in outcome.failures[:1]:
        log.append("suite_ended", suite=suite.name, outcome=InfrastructureError.verdict)
        raise trouble(failure, f"The suite '{suite.name}' could not run")


def take_suite(
    group: Group,
    suite: Suite,
    limit: Limit,
    output: Path,
    run_directory: Path,
    log: RunLog,
    say: Say,
) -> str:
    """Place what a suite left, as it came in the tar `output`; return how it ended.

    Raises LimitError when it went past its limits.
    """
    with tempfile.TemporaryDirectory(prefix="came-", dir=group.scratch) as temporary:
        came = Path(temporary, "came")
        came.mkdir()
        for sentence in brought.unpack(output, came):
            say(sentence)
        suites.find(suite.suite).read(came)
        blanking.blank_files(came, inventory.read_passwords(group).values())
        _place_suite_files(came, run_directory, suite.name)
        ended = suites.outcome(came)
    return _judge_suite(suite, ended, limit, run_directory, log)


def harvest(order: Order, group: Group, since_seconds: float, log: RunLog, say: Say) -> None:
    """Bring what every host knows of itself into the run's directory.

    The kernel's log is that since a moment of the monotonic clock. Raises
    InfrastructureError for a host that gave nothing, once the others have.
    """
    run_directory, limit = order.run_directory, order.limits["harvest"]
    files.write_text(run_directory / KERNEL_LOG, netns.kernel_log(since_seconds))
    with tempfile.TemporaryDirectory(prefix="harvest-", dir=group.scratch) as temporary:
        troubles = _fetch_harvest(group, temporary, limit, say)
        for host in group.hosts:
            archive = Path(temporary, f"{host}.tar")
            if archive.is_file():
                troubles += _keep_harvest(group, host, archive, run_directory, log)
    for found in troubles:
        record_trouble(log, found)
    if troubles:
        raise troubles[0]


def _deploy_trouble(failure: playbook.Failure, group: Group) -> OsciError:
    """Return the error for a deploy that failed; what the tester waited for in vain is its unit."""
    if failure.is_unreachable or not failure.host:
        return trouble(failure, "OpenStack could not be deployed")
    error = trouble(failure, "OpenStack did not come up", DeployError)
    if found := _NOT_READY.search(failure.message):
        error.unit = found["unit"]
        error.host = found["host"] or group.services[found["unit"]][0]
    return error


def _artifacts(ledger: Ledger, order: Order, say: Say) -> dict[str, str]:
    """Return the variable that says where the artifacts of the software's role are."""
    listed = PLAYBOOKS / "roles" / order.deployment.software / "files" / "artifacts.json"
    if not listed.is_file():
        return {}
    silence = order.limits["install"].silence_seconds
    return {"osci_artifacts": str(maven.ensure(ledger, order.cache, listed, silence, say))}


def _layer_inputs(software: str) -> list:
    return _digests(PLAYBOOKS / "install.yml", software)


def _digests(book: Path, role: str) -> list:
    """Return the digest of every file that a playbook of one role is made of."""
    return provenance.file_digests(book.parent, book, book.parent / "roles" / role)


def _place_suite_files(came: Path, run_directory: Path, name: str) -> None:
    places = {
        "cases.jsonl": run_directory / "cases" / f"{name}.jsonl",
        "samples.csv": run_directory / "samples" / f"{name}.csv",
        "output.log": run_directory / "logs" / "suites" / f"{name}.log",
        "attachments": run_directory / "attachments" / name,
    }
    for file, place in places.items():
        is_there = (came / file).is_dir() if file == "attachments" else (came / file).is_file()
        if is_there:
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(came / file, place)


def _judge_suite(
    suite: Suite, ended: suites.Outcome, limit: Limit, run_directory: Path, log: RunLog
) -> str:
    reasons = {
        "time": f"went past its limit of {limit.seconds:g} s",
        "silence": f"said nothing for {limit.silence_seconds:g} s",
    }
    if ended.ended in reasons:
        log.append("suite_ended", suite=suite.name, outcome=LimitError.verdict)
        raise LimitError(
            f"The suite '{suite.name}' {reasons[ended.ended]}.",
            unit=suite.name,
            file=f"logs/suites/{suite.name}.log",
        )
    file = run_directory / "cases" / f"{suite.name}.jsonl"
    failed = file.exists() and any(case.is_failing for case in cases.read(file))
    outcome = "failure" if failed or ended.exit_code else "success"
    log.append("suite_ended", suite=suite.name, outcome=outcome)
    if ended.exit_code and not file.exists():
        _record_crash(suite, ended.exit_code, run_directory, log)
    return outcome


def _record_crash(suite: Suite, exit_code: int, run_directory: Path, log: RunLog) -> None:
    """Write down why a suite that left no cases did so: by its own last line."""
    file = f"logs/suites/{suite.name}.log"
    output = run_directory / file
    text = output.read_text(encoding="utf-8", errors="replace") if output.exists() else ""
    log.append(
        "trouble",
        verdict="empty",
        message=f"The suite '{suite.name}' ended with exit code {exit_code} before any case ran.",
        cause={"host": TESTER, "unit": suite.name, "line": last_line(text), "file": file},
    )


def _fetch_harvest(group: Group, directory: str, limit: Limit, say: Say) -> list[OsciError]:
    """Fetch an archive from each host into `directory`; return why there are not all of them."""
    hosts = inventory.inventory(group)
    variables = {"osci_harvest_directory": directory}
    try:
        outcome = play("harvest.yml", group, hosts, variables, limit.silence_seconds, say)
    except LimitError as error:
        return [error]
    return [trouble(failure, "Not every host gave its logs") for failure in outcome.failures]


def _keep_harvest(
    group: Group, host: str, archive: Path, run_directory: Path, log: RunLog
) -> list[OsciError]:
    """Put what a host gave in its place; return why it could not be read, if so."""
    directory = run_directory / "logs" / host
    directory.mkdir(parents=True, exist_ok=True)
    try:
        brought.unpack(archive, directory)
    except OsciError as error:
        message = f"The logs of '{host}' cannot be read: {error}"
        return [InfrastructureError(message, host=host)]
    finally:
        blanking.blank_files(directory, inventory.read_passwords(group).values())
    versions = _versions(directory / "versions.json")
    log.append("host", name=host, address=group.hosts[host], versions=versions)
    return []


def _versions(path: Path) -> dict[str, str]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {str(name): str(version) for name, version in found.items()}
