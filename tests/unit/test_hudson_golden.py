# SPDX-License-Identifier: Apache-2.0
"""Tests of whole jobs: templates and deployment files in, the XML of each job and view out.

`tests/data/jobs` holds what comes of the tree's deployments, and of `full.json`, where
each key of `job` is given. OSCI_REWRITE_GOLDEN=1 rewrites it.
"""

import os

import jjb

from osci_jobs import deployment
from osci_jobs.hudson import listing

DATA = jjb.TREE / "tests" / "data" / "jobs"
DEPLOYMENTS = jjb.TREE / "config" / "deploy"


def test_the_committed_list_is_what_the_deployment_files_say():
    text = listing.text(deployment.load_all(DEPLOYMENTS))
    committed = (jjb.JOBS / listing.FILE).read_text("utf-8")
    assert listing.differences(committed, text) == {}, "run: osci jobs render"


def test_the_xml_of_jobs_and_views_is_what_it_was(tmp_path):
    found = jjb.rendered(jjb.JOBS, tmp_path / "out")
    found |= jjb.rendered_deployments(DATA, tmp_path / "full")
    if os.environ.get("OSCI_REWRITE_GOLDEN"):
        for path in DATA.glob("*.xml"):
            path.unlink()
        for name, xml in found.items():
            (DATA / f"{name}.xml").write_bytes(xml)
    assert found == {path.stem: path.read_bytes() for path in DATA.glob("*.xml")}


def test_each_deployment_has_a_job_for_each_of_its_families():
    expected = {
        f"osci-{family}-{found.name}"
        for directory in (DEPLOYMENTS, DATA)
        for found in deployment.load_all(directory)
        for family in found.job.families
    }
    views = {"osci", *(f"osci-{family}" for family in deployment.FAMILIES)}
    assert {path.stem for path in DATA.glob("*.xml")} == expected | views


def test_without_any_deployment_there_is_no_job(tmp_path):
    (tmp_path / "deploy").mkdir()
    found = jjb.rendered_deployments(tmp_path / "deploy", tmp_path / "none")
    assert jjb.parsed(found) == {}
