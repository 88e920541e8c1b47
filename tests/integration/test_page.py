# SPDX-License-Identifier: Apache-2.0
"""docs/hudson.md: every command of the page, in its order, as its reader types them."""

import os
import re
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from PIL import Image

TREE = Path(__file__).parents[2]
PAGE = (TREE / "docs" / "hudson.md").read_text()
# Of the page's own Hudson, and of one that exists.
LOOK, EXISTING = (
    re.findall(r"```sh\n(.*?)```", part, re.DOTALL)
    for part in PAGE.split("## A server that exists")
)


@pytest.mark.full
def test_every_command_of_the_page_does_what_it_says(osci, tmp_path):
    shutil.copytree(TREE / "config", tmp_path / "config")
    shutil.copytree(TREE / "jobs", tmp_path / "jobs")
    create, export, *rest = LOOK
    made = type_in(osci, create)
    page, conf = re.search(r"The Hudson: +(\S+)\nIts account: +(\S+)", made).groups()
    shutil.copy(conf, tmp_path / "hudson.ini")
    group = re.search(r"osci-[0-9a-f]{6}", conf)[0]
    export = re.sub(r"/var/lib/osci/groups/osci-\w+", f"{osci.state}/groups/{group}", export)
    # What is typed stays in one shell, so that what it exports is known to what follows.
    *rest, delete = rest
    said = type_in(osci, export + "".join(rest) + "".join(EXISTING))
    assert said.count("success: osci-functional-single #") == 2
    assert "success: osci-functional-mine #1" in said
    with pytest.raises(urllib.error.HTTPError):
        urllib.request.urlopen(page + "api/json", timeout=30)
    assert_pictures(tmp_path)
    type_in(osci, delete)


def assert_pictures(directory: Path) -> None:
    """See that chromium shows each page; OSCI_REWRITE_PICTURES makes them those of the docs."""
    if not shutil.which("chromium"):
        subprocess.run(["apt-get", "install", "-qy", "chromium"], check=True, capture_output=True)
    pictures = TREE / "docs" / "pictures"
    if not os.environ.get("OSCI_REWRITE_PICTURES"):
        pictures = directory / "pictures"
    words = [str(directory / "hudson.ini"), "osci-functional-single", "2", str(pictures)]
    take = TREE / "docs" / "pictures" / "take_hudson"
    subprocess.run([sys.executable, str(take), *words], check=True)
    for name in ("dashboard", "job", "plot", "report"):
        with Image.open(pictures / f"hudson-{name}.png") as picture:
            assert len(picture.convert("RGB").getcolors(1 << 20)) > 30, name


def type_in(osci, text: str) -> str:
    """Run the lines in a shell that ends at the first one that fails; return what they print."""
    path = os.pathsep.join([os.path.dirname(sys.executable), os.environ["PATH"]])
    environment = {**os.environ, "OSCI_STATE_DIR": str(osci.state), "PATH": path}
    done = subprocess.run(
        ["bash", "-euo", "pipefail"],
        input=text,
        cwd=osci.directory,
        env=environment | {"TMPDIR": str(osci.temporary)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout
