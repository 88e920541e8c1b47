# SPDX-License-Identifier: Apache-2.0
"""The command line: its commands, their options and examples."""

import argparse
import os
from pathlib import Path
from typing import NoReturn

from osci_jobs.errors import ConfigurationError

COMMANDS = (
    *("check", "create", "functional", "stress", "regression", "groups", "ssh", "delete"),
    *("runs", "show", "report", "compare", "reproduce", "jobs", "trigger", "outbox", "doctor"),
    "completion",
)
PHASES = ("fetch", "install", "create", "deploy")
KEEP = ("never", "failed", "always")
# Those of the deployments' jobs, without importing all that is theirs.
FAMILIES = ("functional", "stress", "regression")
MOST_PAIRS = 100
# How the code of each --branch meets trunk.
METHODS = {
    "merge": "merge each --branch with trunk (default for gerrit: and lp:)",
    "rebase": "put the commits of each --branch on trunk",
    "as-is": "take each --branch as it is (default for the rest)",
}
_KEEP_DEFAULTS = {"never": "never", "success": "when it came up"}

_EPILOG = """\
examples:
  osci check basic            show what a deployment configuration means
  osci functional basic       deploy it, test it, report, remove it
  osci stress basic           deploy it, put load on it, report, remove it
  osci regression basic --branch nova=lp:~bob/nova/spiffy
                              tell what the branch breaks, slows down, and mends
  osci create basic           deploy it and leave it up to use by hand
  osci show latest            read the report of the last run again
  osci doctor basic           see whether this machine can run it

exit codes: 0 success, 1 cases failed, 2 wrong usage or configuration, 3 trouble
of this machine, 4 trouble of a source, 5 no case ran, 6 only metrics got worse,
7 what was deployed did not come up, 8 a limit was passed, 130 and 143
interrupted.
"""


class _Parser(argparse.ArgumentParser):
    """A parser whose complaints are osci's own errors."""

    def error(self, message: str) -> NoReturn:
        raise ConfigurationError(f"{message}; see: {self.prog} --help")


def parser() -> argparse.ArgumentParser:
    """Return the parser of `osci`; the parsed arguments have `command`.

    It raises ConfigurationError for words that it cannot take.
    """
    top = _Parser(
        prog="osci",
        description="Test OpenStack branches on real deployments.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action="store_true", help="print the version of osci")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", title="commands")
    for name in COMMANDS:
        _ADD[name](commands)
    return top


def _command(commands, name: str, help_text: str, examples: str) -> argparse.ArgumentParser:
    command = commands.add_parser(
        name,
        help=help_text,
        description=help_text[0].upper() + help_text[1:] + ".",
        epilog="examples:\n" + "".join(f"  {line}\n" for line in examples.splitlines()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument(
        "--json", action="store_true", help="print one JSON object on stdout, nothing else there"
    )
    return command


def _add_check(commands) -> None:
    command = _command(
        commands,
        "check",
        "check deployment configurations and show what they mean",
        "osci check basic\nosci check --all --json",
    )
    command.add_argument("deployment", nargs="?", metavar="NAME", help="the deployment")
    command.add_argument("--all", action="store_true", help="check every file of the directory")
    _add_configuration(command)


def _add_pairs(command) -> None:
    command.add_argument(
        "--against",
        action="append",
        nargs="?",
        const="",
        metavar="PROJECT=SOURCE",
        help="measure in pairs, by turns with a second group, and tell what got worse; that has "
        "this code, or without a source that of the deployment",
    )
    _add_plan(command)


def _add_plan(command) -> None:
    command.add_argument(
        "--pairs", type=_number(1, MOST_PAIRS), metavar="N", help="how many pairs (default: 5)"
    )
    command.add_argument(
        "--budget",
        type=_number(1, 1440),
        metavar="MINUTES",
        help="begin no pair that would not end within so many minutes of measuring",
    )
    command.add_argument(
        "--until-clear",
        action="store_true",
        help="go on for metrics that are undecided, up to three times as many pairs",
    )
    command.add_argument(
        "--seed",
        type=_number(0, 2**32),
        metavar="N",
        help="which side is first in which pair (default: another one each time)",
    )


def _number(least: int, most: int):
    """Return a type of whole numbers from `least` to `most`."""

    def parse(text: str) -> int:
        if not text.isascii() or not text.isdigit() or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(
                f"found '{text}', expected a whole number from {least} to {most}"
            )
        return int(text)

    return parse


def _add_create(commands) -> None:
    command = _command(
        commands,
        "create",
        "make the hosts of a deployment, deploy OpenStack or a Hudson on them and leave it up",
        "osci create basic\nosci create basic --until create\nosci create hudson",
    )
    command.add_argument("deployment", metavar="NAME", help="the deployment")
    command.add_argument(
        "--until", choices=PHASES, default="deploy", help="the last phase (default: deploy)"
    )
    command.set_defaults(group="", suite=[])
    _add_run(command, keep="success")


def _add_functional(commands) -> None:
    command = _command(
        commands,
        "functional",
        "deploy OpenStack and run the functional suites on it",
        "osci functional basic\nosci functional basic --keep failed\n"
        "osci functional basic --branch nova=https://example.org/nova@fix --merge\n"
        "osci functional basic --branch nova=gerrit:12345\n"
        "osci functional --group osci-4f2a1c --suite smoke",
    )
    _add_target(command)
    command.add_argument(
        "--suite", action="append", default=[], metavar="SUITE", help="run this suite only"
    )
    _add_run(command, keep="never")
    command.set_defaults(until="", keep="")  # so that a job's parameter can take its place


def _add_stress(commands) -> None:
    command = _command(
        commands,
        "stress",
        "deploy OpenStack, put load on it, and measure how it answers and what that costs",
        "osci stress basic\nosci stress basic --scenario token --scenario server-boot\n"
        "osci stress basic --branch nova=https://example.org/nova@fix --merge\n"
        "osci stress --group osci-4f2a1c",
    )
    _add_target(command)
    _add_scenarios(command)
    _add_pairs(command)
    _add_run(command, keep="never")
    command.set_defaults(suite=[], until="", keep="")  # as of functional


def _add_regression(commands) -> None:
    command = _command(
        commands,
        "regression",
        "hold a branch against trunk: tell what it breaks, slows down, mends and speeds up",
        "osci regression basic --branch nova=lp:~bob/nova/spiffy --mail-to bob@example.org\n"
        "osci regression basic --branch nova=https://example.org/nova@fix --pairs 10\n"
        "osci regression basic --branch keystone=gerrit:12345 --suites-only",
    )
    command.add_argument("deployment", metavar="NAME", help="the deployment")
    part = command.add_mutually_exclusive_group()
    part.add_argument("--suites-only", action="store_true", help="put no load on the two sides")
    part.add_argument("--stress-only", action="store_true", help="run no suites, only load")
    command.add_argument(
        "--suite", action="append", default=[], metavar="SUITE", help="run this suite only"
    )
    _add_scenarios(command)
    _add_plan(command)
    command.add_argument(
        "--null", action="store_true", help="go on where what is proposed is what trunk has"
    )
    _add_mail_to(command)
    _add_mail_conf(command)
    _add_run(command, keep="never")
    command.set_defaults(until="", keep="", group="", default_method="merge")


def _add_mail_to(command) -> None:
    command.add_argument(
        "--mail-to",
        action="append",
        default=[],
        metavar="ADDRESS",
        help="mail the report of a regression run to this address",
    )


def _add_scenarios(command) -> None:
    command.add_argument(
        "--scenario",
        action="append",
        default=[],
        metavar="SCENARIO",
        help="run this scenario only (default: those of the deployment, else all)",
    )
    command.add_argument(
        "--stress-config-dir",
        type=Path,
        default=_environment_path("OSCI_STRESS_CONFIG_DIR"),
        metavar="DIR",
        help="where SCENARIO.json is (default: config/stress, or those that come with osci)",
    )


def _add_target(command) -> None:
    command.add_argument("deployment", nargs="?", metavar="NAME", help="the deployment")
    command.add_argument(
        "--group", default="", metavar="GROUP", help="run on this group instead of a new one"
    )


def _add_groups(commands) -> None:
    command = _command(commands, "groups", "list the groups on this machine", "osci groups")
    _add_state(command)


def _add_ssh(commands) -> None:
    command = _command(
        commands,
        "ssh",
        "log in to a host of a group, or run a command there",
        "osci ssh osci-4f2a1c host1\nosci ssh osci-4f2a1c tester openstack server list",
    )
    _add_state(command)
    command.add_argument("group", metavar="GROUP", help="the group")
    command.add_argument("host", metavar="HOST", help="the host")
    command.add_argument(
        "remote", nargs=argparse.REMAINDER, metavar="COMMAND", help="what to run there"
    )


def _add_delete(commands) -> None:
    command = _command(
        commands,
        "delete",
        "remove groups and all that was made for them",
        "osci delete osci-4f2a1c\nosci delete basic",
    )
    command.add_argument(
        "names", nargs="+", metavar="GROUP|NAME", help="a group, or the deployment of some"
    )
    command.add_argument("--dry-run", action="store_true", help="say what would be removed")
    _add_state(command)


def _add_runs(commands) -> None:
    command = _command(
        commands,
        "runs",
        "list the runs, the newest first",
        "osci runs\nosci runs --deployment basic --json",
    )
    command.add_argument(
        "--deployment", default="", metavar="NAME", help="the runs of this deployment only"
    )
    _add_output(command)


def _add_show(commands) -> None:
    command = _command(
        commands,
        "show",
        "show the report of a run",
        "osci show latest\nosci show 4f2a1c --json\n"
        "osci show results/20261123T093544Z-basic-4f2a1c",
    )
    _add_one_run(command)


def _add_report(commands) -> None:
    command = _command(
        commands,
        "report",
        "make the report of a run anew, also of one that was killed",
        "osci report latest\nosci report 4f2a1c --json",
    )
    _add_one_run(command)


def _add_compare(commands) -> None:
    command = _command(
        commands,
        "compare",
        "show how the metrics of a run differ from those of another",
        "osci compare 20261123T093544Z latest",
    )
    for name, which in (("before", "what is held against"), ("after", "what is looked at")):
        command.add_argument(
            name, metavar="RUN", help=f"{which}: a run's id or a part of it, its directory, latest"
        )
    _add_output(command)


def _add_reproduce(commands) -> None:
    command = _command(
        commands,
        "reproduce",
        "print the command that gives a run again, from the same commits",
        "osci reproduce latest\nosci reproduce 4f2a1c --run",
    )
    _add_one_run(command)
    command.add_argument("--run", dest="is_to_run", action="store_true", help="run it at once")


def _add_jobs(commands) -> None:
    command = _command(
        commands,
        "jobs",
        "make what Jenkins Job Builder reads of the deployments, and views on a Hudson",
        "osci jobs render\nosci jobs render --check\nosci jobs views --conf hudson.ini",
    )
    command.add_argument(
        "act",
        choices=("render", "views"),
        help="write jobs/deployments.inc, or make the views on a Hudson, as jenkins-jobs cannot",
    )
    command.add_argument(
        "--check",
        action="store_true",
        help="write nothing, exit 1 when the list is stale or a view is missing",
    )
    _add_conf(command)
    command.add_argument(
        "--jobs-dir",
        type=Path,
        default=Path("jobs"),
        metavar="DIR",
        help="where the templates of jobs are (default: %(default)s)",
    )
    _add_configuration(command)


def _add_trigger(commands) -> None:
    command = _command(
        commands,
        "trigger",
        "start the job of a deployment on a Hudson or Jenkins, and follow its build",
        "osci trigger basic\nosci trigger basic --suite smoke --keep failed\n"
        "osci trigger basic --branch nova=gerrit:12345\n"
        "osci trigger basic --launchpad ~bob/nova/spiffy\n"
        "osci trigger basic --command stress --no-wait --json\n"
        "osci trigger basic --command regression --launchpad ~bob/nova/spiffy "
        "--mail-to bob@example.org",
    )
    command.add_argument("deployment", metavar="NAME", help="the deployment")
    command.add_argument(
        "--command",
        dest="family",
        choices=FAMILIES,
        default=FAMILIES[0],
        help="the command that the job runs (default: %(default)s)",
    )
    command.add_argument(
        "--suite", action="append", default=[], metavar="SUITE", help="run this suite only"
    )
    command.add_argument(
        "--scenario",
        action="append",
        default=[],
        metavar="SCENARIO",
        help="with --command stress: run this scenario only",
    )
    command.add_argument("--keep", choices=KEEP, default="", help="when the group outlives the run")
    _add_mail_to(command)
    command.add_argument(
        "--pairs",
        type=_number(1, MOST_PAIRS),
        metavar="N",
        help="with --command regression: how many pairs",
    )
    _add_branch(command)
    command.add_argument(
        "--launchpad",
        action="append",
        default=[],
        metavar="BRANCH",
        help="a branch of Launchpad, such as ~bob/nova/spiffy, and say what it is proposed for",
    )
    _add_projects(command)
    command.set_defaults(is_for_job=True)
    _add_conf(command)
    command.add_argument(
        "--no-wait", action="store_true", help="print the build's address when it has started"
    )
    command.add_argument(
        "--dry-run", action="store_true", help="check everything, say what would be done"
    )


def _add_conf(command) -> None:
    command.add_argument(
        "--conf",
        type=Path,
        metavar="FILE",
        help="where address and account are, as for jenkins-jobs (default: OSCI_HUDSON_CONF, "
        "or where jenkins-jobs looks)",
    )


def _add_outbox(commands) -> None:
    command = _command(
        commands,
        "outbox",
        "list the mails that wait to go out, send them, or drop them",
        "osci outbox\nosci outbox list --all --json\nosci outbox send --now\n"
        "osci outbox send --wait\nosci outbox drop 1f0c2d",
    )
    command.add_argument(
        "act",
        nargs="?",
        choices=("list", "send", "drop"),
        default="list",
        help="list what was not sent (default), send what is due, or remove what was not sent",
    )
    command.add_argument(
        "keys", nargs="*", metavar="KEY", help="with drop: the key of a mail or its beginning"
    )
    command.add_argument(
        "--all", action="store_true", help="list those that were sent, too; drop all that were not"
    )
    command.add_argument(
        "--now", action="store_true", help="with send: also those that are to be tried later"
    )
    command.add_argument(
        "--wait", action="store_true", help="with send: go on until there are none that wait"
    )
    command.add_argument("--dry-run", action="store_true", help="say what would be sent or dropped")
    _add_mail_conf(command)
    _add_state(command)


def _add_mail_conf(command) -> None:
    command.add_argument(
        "--mail-conf",
        type=Path,
        metavar="FILE",
        help="where server, account and sender are (default: OSCI_MAIL_CONF, "
        "~/.config/osci/mail.json or /etc/osci/mail.json)",
    )


def _add_doctor(commands) -> None:
    command = _command(
        commands,
        "doctor",
        "check whether this machine can make hosts and deploy on them",
        "osci doctor\nosci doctor basic --json",
    )
    command.add_argument(
        "deployment", nargs="?", metavar="NAME", help="a deployment that is to run here"
    )
    _add_configuration(command)
    _add_state(command)
    _add_cache(command)
    _add_output(command)


def _add_completion(commands) -> None:
    command = _command(
        commands,
        "completion",
        "print the completion of this command line for a shell",
        "osci completion bash > /etc/bash_completion.d/osci\n"
        "osci completion zsh > /usr/local/share/zsh/site-functions/_osci",
    )
    command.add_argument("shell", choices=("bash", "zsh"))


def _add_configuration(command) -> None:
    command.add_argument(
        "--deployment-config-dir",
        type=Path,
        default=_environment_path("OSCI_DEPLOYMENT_CONFIG_DIR"),
        metavar="DIR",
        help="where NAME.json is (default: config/deploy, or the samples that come with osci)",
    )


def _add_state(command) -> None:
    command.add_argument(
        "--state-dir",
        type=Path,
        default=_environment_path("OSCI_STATE_DIR") or Path("/var/lib/osci"),
        metavar="DIR",
        help="where groups and mails are kept (default: %(default)s)",
    )


def _add_run(command, keep: str) -> None:
    _add_configuration(command)
    _add_state(command)
    _add_cache(command)
    _add_results(command)
    _add_sources(command)
    command.set_defaults(suite_origin="--suite")
    command.add_argument(
        "--keep",
        choices=KEEP,
        default=keep,
        help="when the group outlives the run (default: " + _KEEP_DEFAULTS[keep] + ")",
    )
    command.add_argument(
        "--timeout",
        action="append",
        default=[],
        metavar="[PHASE=]SECONDS",
        help="the limit of the run, or of one phase",
    )
    command.add_argument(
        "--ci",
        action="store_true",
        help="exit 0 when cases failed: the JUnit publisher makes the build unstable",
    )
    command.add_argument(
        "--no-install",
        action="store_true",
        help="do not install missing Debian packages; say which they are",
    )
    command.add_argument(
        "--dry-run", action="store_true", help="check everything, say what would be done"
    )


def _add_sources(command) -> None:
    _add_branch(command)
    command.set_defaults(is_for_job=False)
    command.add_argument(
        "--trunk",
        action="append",
        default=[],
        metavar="PROJECT=[URL@]REF",
        help="the trunk that the --branch of a project meets (default: that of the project)",
    )
    command.add_argument(
        "--allow-dirty",
        action="store_true",
        help="take a checkout with what is not committed in it",
    )
    _add_projects(command)


def _add_projects(command) -> None:
    command.add_argument(
        "--projects",
        type=Path,
        default=_environment_path("OSCI_PROJECTS"),
        metavar="FILE",
        help="other trunks and servers than those of config/projects.json",
    )


def _add_branch(command) -> None:
    command.add_argument(
        "--branch",
        action="append",
        default=[],
        metavar="PROJECT=SOURCE",
        help="take the code of a project from here: a version, URL@REF, a path, gerrit:N[/PS] "
        "or lp:BRANCH",
    )
    command.set_defaults(branch_origin="--branch", default_method="")
    method = command.add_mutually_exclusive_group()
    method.set_defaults(method="")
    for name, meaning in METHODS.items():
        method.add_argument(
            f"--{name}", dest="method", action="store_const", const=name, help=meaning
        )


def _add_cache(command) -> None:
    command.add_argument(
        "--cache-dir",
        type=Path,
        default=_environment_path("OSCI_CACHE_DIR") or Path(os.path.expanduser("~/.cache/osci")),
        metavar="DIR",
        help="where images and layers are kept (default: ~/.cache/osci)",
    )


def _add_output(command) -> None:
    command.add_argument(
        "--output",
        type=Path,
        default=_environment_path("OSCI_OUTPUT") or Path("results"),
        metavar="DIR",
        help="where the directories of runs are (default: %(default)s)",
    )


def _add_one_run(command) -> None:
    command.add_argument(
        "run", metavar="RUN", help="its id or a part of it, its directory, or: latest"
    )
    _add_output(command)


def _add_results(command) -> None:
    _add_output(command)
    command.add_argument(
        "--run-directory",
        type=Path,
        metavar="DIR",
        help="the run's directory itself; an earlier run in it is replaced",
    )


def _environment_path(name: str) -> Path | None:
    return Path(os.environ[name]) if os.environ.get(name) else None


_ADD = {
    "check": _add_check,
    "create": _add_create,
    "functional": _add_functional,
    "stress": _add_stress,
    "regression": _add_regression,
    "groups": _add_groups,
    "ssh": _add_ssh,
    "delete": _add_delete,
    "runs": _add_runs,
    "show": _add_show,
    "report": _add_report,
    "compare": _add_compare,
    "reproduce": _add_reproduce,
    "jobs": _add_jobs,
    "trigger": _add_trigger,
    "outbox": _add_outbox,
    "doctor": _add_doctor,
    "completion": _add_completion,
}
