# SPDX-License-Identifier: Apache-2.0
"""Where the playbooks, jobs and samples that come with osci are on this machine."""

import sysconfig
from pathlib import Path


def directory() -> Path:
    """Return the directory that holds `playbooks/`, `config/` and `jobs/`.

    That is the source tree when osci runs from one, and `share/osci` of the
    environment that the wheel was installed into otherwise.
    """
    tree = Path(__file__).resolve().parent.parent
    if (tree / "playbooks").is_dir():
        return tree
    return Path(sysconfig.get_path("data")) / "share" / "osci"
