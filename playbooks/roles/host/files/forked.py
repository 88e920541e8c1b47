# SPDX-License-Identifier: Apache-2.0
"""Run several commands of one console program, importing it once.

    forked.py PROGRAM -- ARGUMENTS... -- ARGUMENTS...

Importing a program of OpenStack takes seconds of CPU and its command a
fraction of one. Each command runs in a fork of its own, as if it had been
called by itself.
"""

import importlib.metadata
import os
import sys


def load(program):
    """Import the console program of that name and return its main function."""
    found = importlib.metadata.entry_points(group="console_scripts", name=program)
    return next(iter(found)).load()


def run(main, program, arguments, output=None):
    """Run one command in a fork, its output into the file `output`; return its exit code."""
    pid = os.fork()
    if pid:
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if output:
        os.dup2(output.fileno(), 1)
    sys.argv = [program, *arguments]
    try:
        code = main()
    except SystemExit as end:
        code = end.code
    except BaseException:
        sys.excepthook(*sys.exc_info())
        code = 1
    if code is not None and not isinstance(code, int):
        print(code, file=sys.stderr)
        code = 1
    sys.stdout.flush()
    os._exit(code or 0)


def split(words):
    """Return the lists of arguments between the '--' of a command line."""
    commands = []
    for word in words:
        if word == "--":
            commands.append([])
        else:
            commands[-1].append(word)
    return commands


def run_all(program, commands):
    """Run the commands in turn; exit with the code of the first that fails."""
    main = load(program)
    for arguments in commands:
        code = run(main, program, arguments)
        if code:
            sys.exit(f"{program} {arguments[0]} failed with exit code {code}")


if __name__ == "__main__":
    run_all(sys.argv[1], split(sys.argv[2:]))
