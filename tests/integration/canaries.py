# SPDX-License-Identifier: Apache-2.0
"""Looking for secrets where none may be: in the results of a run, and in process lists."""

import base64
import json
import threading
from pathlib import Path
from urllib.parse import quote, quote_plus


class ProcessList(threading.Thread):
    """Looks for secrets in the arguments of every process, until told to stop."""

    def __init__(self, state: Path, *secrets: str):
        super().__init__(daemon=True)
        self.state = state
        self.secrets: set[str] = set(secrets)
        self.found: set[str] = set()
        self.looks = 0
        self.has_ended = threading.Event()

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.has_ended.set()
        self.join()

    def run(self):
        while not self.has_ended.wait(0.05):
            for path in self.state.glob("groups/*/secrets.json"):
                try:
                    self.secrets.update(json.loads(path.read_text()).values())
                except (OSError, ValueError):
                    continue
            self.looks += 1
            self.found.update(argument for argument in arguments() if self.is_secret(argument))

    def is_secret(self, argument: str) -> bool:
        return any(form in argument for secret in self.secrets for form in text_forms(secret))


def arguments():
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            yield path.read_bytes().decode("utf-8", "replace")
        except OSError:
            continue


def assert_hidden(seen: ProcessList, results: Path, output: str):
    """See that nothing of the secrets was in a process list or is in what the run left."""
    assert len(seen.secrets) > 10
    assert seen.looks > 20
    assert seen.found == set()
    forms = {form for secret in seen.secrets for form in byte_forms(secret)}
    assert holding(results, forms) == []
    assert [form for form in forms if form in output.encode()] == []


def text_forms(secret: str) -> set[str]:
    """Return the secret raw, URL-encoded in both ways, and escaped for JSON in both ways."""
    escaped = {json.dumps(secret, ensure_ascii=ascii_only)[1:-1] for ascii_only in (True, False)}
    return {secret, quote(secret, safe=""), quote(secret), quote_plus(secret), *escaped}


def byte_forms(secret: str) -> set[bytes]:
    """Return all of these as bytes, and what base64 makes of the secret wherever it begins."""
    return {form.encode() for form in text_forms(secret)} | base64_forms(secret.encode())


def base64_forms(secret: bytes) -> set[bytes]:
    """Return the middle of the secret's base64 at each of the three places it may start at."""
    forms = set()
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + secret)
        whole = encoded[4 if before else 0 : -4]
        forms |= {whole, whole.translate(bytes.maketrans(b"+/", b"-_"))}
    return forms


def holding(directory: Path, forms: set[bytes]) -> list[tuple[str, bytes]]:
    files = [path for path in directory.rglob("*") if path.is_file()]
    assert len(files) > 20
    contents = ((path, path.read_bytes()) for path in files)
    return [(str(path), form) for path, content in contents for form in forms if form in content]
