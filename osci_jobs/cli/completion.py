# SPDX-License-Identifier: Apache-2.0
"""`osci completion`: the completion script of a shell."""

import argparse
import shlex
from collections.abc import Iterator
from importlib.resources import files

import shtab

from osci_jobs import data
from osci_jobs.cli import arguments, configuration, scenarios

# What lists the words for an argument, by its name in the help.
_LISTS = {
    "NAME": "_osci_list_deployments",
    "GROUP": "_osci_list_groups",
    "GROUP|NAME": "_osci_list_group_or_deployment",
    "HOST": "_osci_list_hosts",
    "KEY": "_osci_list_mails",
    "RUN": "_osci_list_runs",
    "SCENARIO": "_osci_list_scenarios",
}
# shtab calls the function of an argument with the word that is begun, in bash, and
# without arguments in zsh. The group of a host is the word before it.
_BASH = '{name}() {{ compgen -W "$({lists} "${{COMP_WORDS[COMP_CWORD-1]}}")" -- "$1"; }}'
_ZSH = '{name}() {{ compadd -- ${{(f)"$({lists} "$words[CURRENT-1]")"}}; }}'


def call(asked: argparse.Namespace) -> int:
    """Print the script."""
    parser = arguments.parser()
    completers = {name: _function(lists) for name, lists in _LISTS.items()}
    completers |= {"DIR": shtab.DIRECTORY, "FILE": shtab.FILE}
    for action in _iter_arguments(parser):
        if action.metavar in completers:
            vars(action)["complete"] = completers[action.metavar]  # where shtab looks for it
    print(shtab.complete(parser, shell=asked.shell, preamble=_preamble()))
    return 0


def _iter_arguments(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                yield from _iter_arguments(command)
        else:
            yield action


def _function(lists: str) -> dict:
    """Return shtab's description of an argument whose words the shell function `lists` tells."""
    name = lists.replace("_list_", "_complete_")
    functions = {"bash": _BASH, "zsh": _ZSH}
    preamble = {shell: text.format(name=name, lists=lists) for shell, text in functions.items()}
    return {"bash": name, "zsh": name, "preamble": preamble}


def _preamble() -> str:
    text = files(__package__).joinpath("completion.sh").read_text("utf-8")
    samples = {"@samples@": configuration.DEFAULT, "@scenarios@": scenarios.DEFAULT}
    for mark, directory in samples.items():
        text = text.replace(mark, shlex.quote(str(data.directory() / directory)))
    return text
