# SPDX-License-Identifier: Apache-2.0
"""A password that is hard to quote, in the deployment file, shows nowhere."""

import json
from urllib.parse import quote

import canaries
import pytest

CANARY = 'c4n/ry+"ä&<k>'
DEPLOYMENT = {
    "host": [{"name": "host1"}],
    "api": [{"host": "host1"}],
    "datastore": {"engine_url": f"mysql://bob:{quote(CANARY, safe='')}@host1"},
}


@pytest.mark.full
def test_the_password_of_a_deployment_file_shows_nowhere(osci, tmp_path):
    deployments = tmp_path / "deployments"
    deployments.mkdir()
    (deployments / "canary.json").write_text(json.dumps(DEPLOYMENT))
    with canaries.ProcessList(osci.state, CANARY) as seen:
        done = osci("functional", "canary", "--json", "--deployment-config-dir", str(deployments))
    assert done.code == 0, done.err
    canaries.assert_hidden(seen, osci.directory / "results", done.out + done.err)
