# SPDX-License-Identifier: Apache-2.0
"""What the playbooks are told of a group: its inventory, its variables, its passwords."""

import json
import secrets
from pathlib import Path
from typing import Any

from osci_jobs import accounts
from osci_jobs.deployment import Deployment
from osci_jobs.groups.model import Group

# Finding out which Python a host has would cost a task.
_VARIABLES = {"ansible_python_interpreter": "/usr/bin/python3"}


def inventory(group: Group) -> dict[str, Any]:
    """Return the group's hosts in one Ansible group for each service."""
    children = {service.replace("-", "_"): hosts for service, hosts in group.services.items()}
    nova = {
        host
        for service, hosts in group.services.items()
        if service.startswith("nova-")
        for host in hosts
    }
    return {
        "all": {
            "vars": dict(_VARIABLES),
            "hosts": {host: {"osci_here": _services_on(group, host)} for host in group.hosts},
            "children": {
                name: {"hosts": dict.fromkeys(hosts)}
                for name, hosts in {**children, "nova": sorted(nova)}.items()
            },
        }
    }


def variables(group: Group, deployment: Deployment, passwords: dict[str, str]) -> dict[str, Any]:
    """Return the variables of deploy.yml; `passwords` are those of `make_passwords`."""
    settings = {
        "scheduler": deployment.scheduler,
        "database_user": untemplated(deployment.database.user if deployment.database else ""),
        "broker_user": untemplated(deployment.broker.user if deployment.broker else ""),
    }
    return {
        "osci_hosts": dict(group.hosts),
        "osci_services": {service: list(hosts) for service, hosts in group.services.items()},
        "osci_secrets": {name: untemplated(value) for name, value in passwords.items()},
        "osci_settings": settings,
    }


def make_passwords(group: Group, deployment: Deployment) -> dict[str, str]:
    """Make the passwords of all accounts and keep them in the group's directory."""
    owners = {
        "broker": accounts.broker(group.services["nova-compute"]),
        "database": accounts.DATABASE,
        "keystone": accounts.KEYSTONE,
    }
    passwords = {
        f"{kind}/{name}": secrets.token_hex(16) for kind, names in owners.items() for name in names
    }
    for kind, server in (("database", deployment.database), ("broker", deployment.broker)):
        if server and server.user:
            passwords[f"{kind}/deployment"] = server.password
    keep_passwords(group, passwords)
    return passwords


def keep_passwords(group: Group, passwords: dict[str, str]) -> None:
    """Keep passwords in the group's directory, so that they are blanked wherever they show."""
    write_secret(group.secrets, json.dumps(passwords, indent=2) + "\n")


def read_passwords(group: Group) -> dict[str, str]:
    """Return the passwords of a group's accounts; none where nothing was deployed."""
    if not group.secrets.exists():
        return {}
    return json.loads(group.secrets.read_text(encoding="utf-8"))


def write_secret(path: Path, text: str) -> None:
    """Write a file that root alone can read."""
    path.touch(mode=0o600)
    path.write_text(text, encoding="utf-8")


def write_clouds(group: Group, passwords: dict[str, str]) -> None:
    """Write clouds.yaml for the cloud `osci` as its administrator (JSON is YAML)."""
    address = group.hosts[group.services["keystone"][0]]
    auth = {
        "auth_url": f"http://{address}:5000/v3",
        "password": passwords["keystone/admin"],
        "project_domain_name": "Default",
        "project_name": "admin",
        "user_domain_name": "Default",
        "username": "admin",
    }
    clouds = {"clouds": {"osci": {"auth": auth, "region_name": "RegionOne"}}}
    write_secret(group.clouds, json.dumps(clouds, indent=2) + "\n")


def of_one(host: str) -> dict[str, Any]:
    """Return an inventory of one host that is in no group."""
    return {"all": {"vars": dict(_VARIABLES), "hosts": {host: None}}}


def untemplated(value: str) -> dict[str, str]:
    """Mark a value that may be a deployment file's, so that Ansible never reads it as Jinja."""
    return {"__ansible_unsafe": value}


def _services_on(group: Group, host: str) -> list[str]:
    return [service for service, hosts in group.services.items() if host in hosts]
