# SPDX-License-Identifier: Apache-2.0
"""Calling Jenkins Job Builder: the views of the tree, and what it says when it fails."""

import re

import jjb
import pytest

from osci_jobs.deployment import FAMILIES
from osci_jobs.errors import ConfigurationError, InfrastructureError
from osci_jobs.hudson import builder


def test_there_is_a_view_of_all_jobs_and_one_of_each_family():
    views = {view.name: view for view in builder.views(jjb.JOBS)}
    assert set(views) == {"osci", *(f"osci-{family}" for family in FAMILIES)}
    for name, view in views.items():
        assert "Managed by" not in view.description
        assert re.fullmatch(view.regex, f"{name if name != 'osci' else 'osci-x'}-basic")
        assert not re.fullmatch(view.regex, "others")


def test_templates_that_are_wrong_are_told_as_jenkins_job_builder_tells_it(tmp_path):
    (tmp_path / "wrong.yaml").write_text("- view:\n    name: x\n    view-type: nosuch\n")
    with pytest.raises(ConfigurationError, match="nosuch"):
        builder.views(tmp_path)


def test_a_server_that_is_not_there_is_told(tmp_path):
    conf = tmp_path / "jenkins_jobs.ini"
    conf.write_text("[jenkins]\nurl = http://127.0.0.1:9/\nquery_plugins_info = False\n")
    with pytest.raises(InfrastructureError, match="Connection refused"):
        builder.update(conf, jjb.JOBS)
