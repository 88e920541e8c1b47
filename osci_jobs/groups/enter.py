# SPDX-License-Identifier: Apache-2.0
"""Enter control groups and become another program.

    enter.py CGROUP_PROCS... -- COMMAND...

A program of its own (standard library only), for what Popen runs between fork
and exec may hang in a process with threads.
"""

import os
import signal
import sys
from pathlib import Path

if __name__ == "__main__":
    # The caller holds signals back while it starts us.
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    split = sys.argv.index("--")
    for file in sys.argv[1:split]:
        Path(file).write_text(str(os.getpid()), encoding="ascii")
    os.execvp(sys.argv[split + 1], sys.argv[split + 1 :])
