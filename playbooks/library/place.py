#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Put files and systemd units in place and start the units, in one task.

A task costs about a second whatever it does, so what a service needs comes in
one. The units are started without waiting: each waits for what it needs.
"""

import grp
import os
import pwd

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = """
module: place
short_description: Put files and systemd units in place and start the units
options:
  files:
    description: Maps each file's path to its content; their directories are made.
    type: dict
  owner:
    description: Who may read the files besides root; everybody when it is empty.
    type: str
  directories:
    description: Directories to make, which belong to the owner.
    type: list
    elements: str
  executable:
    description: Whether the files may be run.
    type: bool
  units:
    description: Maps the name of each unit, or of a drop-in below it, to its content.
    type: dict
  start:
    description: The units to start at once and at each start of the host, in any order.
    type: list
    elements: str
"""

ARGUMENTS = {
    # The contents hold passwords, which must show in no output of Ansible.
    "files": {"type": "dict", "default": {}, "no_log": True},
    "owner": {"type": "str", "default": ""},
    "directories": {"type": "list", "elements": "str", "default": []},
    "executable": {"type": "bool", "default": False},
    "units": {"type": "dict", "default": {}},
    "start": {"type": "list", "elements": "str", "default": []},
}
UNITS = "/etc/systemd/system"


def main():
    """Do what the arguments say; changed is whether any file or unit was another before."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    asked = module.params
    owner = asked["owner"]
    mode = 0o755 if asked["executable"] else 0o640 if owner else 0o644
    units = {os.path.join(UNITS, name): content for name, content in asked["units"].items()}
    wrong = {path: content for path, content in units.items() if _read(path) != content}
    changed_files = [path for path, content in asked["files"].items() if _read(path) != content]
    changed = bool(wrong or changed_files)
    if not module.check_mode:
        for path in asked["directories"]:
            _make_directory(path, owner)
        for path in changed_files:
            _write(path, asked["files"][path], owner, mode)
        for path, content in wrong.items():
            _write(path, content, "", 0o644)
        _start(module, asked["start"], reload=bool(wrong), restart=changed)
    module.exit_json(changed=changed)


def _read(path):
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except FileNotFoundError:
        return None


def _make_directory(path, owner):
    os.makedirs(path, exist_ok=True)
    if owner:
        os.chmod(path, 0o750)
        os.chown(path, pwd.getpwnam(owner).pw_uid, grp.getgrnam(owner).gr_gid)


def _write(path, content, owner, mode):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    aside = f"{path}.osci"
    with open(aside, "w", encoding="utf-8") as file:
        os.fchmod(file.fileno(), mode)
        if owner:
            os.fchown(file.fileno(), 0, grp.getgrnam(owner).gr_gid)
        file.write(content)
    os.rename(aside, path)


def _start(module, units, *, reload, restart):
    if reload:
        module.run_command(["systemctl", "daemon-reload"], check_rc=True)
    if units:
        module.run_command(["systemctl", "--quiet", "enable", *units], check_rc=True)
        verb = "restart" if restart else "start"
        module.run_command(["systemctl", "--no-block", verb, *units], check_rc=True)


if __name__ == "__main__":
    main()
