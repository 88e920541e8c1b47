# SPDX-License-Identifier: Apache-2.0
"""`osci ssh`: a shell or a command on a host of a group."""

import argparse
import os
import shlex

from osci_jobs import groups
from osci_jobs.errors import ConfigurationError


def call(asked: argparse.Namespace) -> int:
    """Become ssh; the exit code is the command's own."""
    group = groups.look_up(asked.state_dir, asked.group)
    if asked.host not in group.hosts:
        hosts = ", ".join(group.hosts)
        raise ConfigurationError(f"'{asked.group}' has no host '{asked.host}'; it has: {hosts}.")
    words = asked.remote[1:] if asked.remote[:1] == ["--"] else asked.remote
    # One word is a line for the shell over there, as with ssh; several are kept apart.
    remote = words if len(words) < 2 else [shlex.join(words)]  # noqa: PLR2004
    os.execvp("ssh", ["ssh", "-F", str(group.ssh_config), asked.host, *remote])
