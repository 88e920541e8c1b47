# SPDX-License-Identifier: Apache-2.0
"""Deployment configurations: find, load, check, resolve and describe them."""

from .description import describe, explain
from .directory import check_name, names
from .job import FAMILIES
from .model import Deployment, Host, Hudson, Job, Limit, Server, Source, Suite
from .place import SERVICES
from .resolution import load, load_all

__all__ = [
    "FAMILIES",
    "SERVICES",
    "Deployment",
    "Host",
    "Hudson",
    "Job",
    "Limit",
    "Server",
    "Source",
    "Suite",
    "check_name",
    "describe",
    "explain",
    "load",
    "load_all",
    "names",
]
