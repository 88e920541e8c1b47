# SPDX-License-Identifier: Apache-2.0
"""Images and layers in the cache, each kept under the digest of what made it."""

import hashlib
import json
import secrets
from collections.abc import Callable
from pathlib import Path

from osci_jobs import cache as entries
from osci_jobs import process
from osci_jobs.errors import InfrastructureError
from osci_jobs.groups import machine, model, registries, resource
from osci_jobs.groups.ledger import Ledger
from osci_jobs.groups.model import Group

RELEASE = "bookworm"
PACKAGES = (
    *("systemd-sysv", "dbus", "openssh-server", "ca-certificates", "iproute2", "procps"),
    *("netcat-openbsd", "python3", "python3-apt", "python3-venv"),
)
BUILDER = "builder"

# What a host does not need and what costs its start time.
_MASKED_UNITS = (
    *("apt-daily.timer", "apt-daily-upgrade.timer", "dpkg-db-backup.timer"),
    *("e2scrub_all.timer", "e2scrub_reap.service", "fstrim.timer"),
    *("console-getty.service", "getty.target", "systemd-logind.service"),
    *("systemd-update-utmp.service", "systemd-update-utmp-runlevel.service"),
)
_SSHD = "UseDNS no\nUsePAM no\nHostKey /etc/ssh/ssh_host_ed25519_key\n"
# Runs in the new root, which $1 names; mmdebstrap gives it to a shell.
_CUSTOMISE = (
    'rm -f "$1"/etc/ssh/ssh_host_* "$1"/etc/apt/apt.conf.d/99mmdebstrap',
    f'printf "{registries.DEFAULT_MIRROR}\\n" > "$1"/etc/apt/sources.list',
    f"printf '{_SSHD}' > \"$1\"/etc/ssh/sshd_config.d/osci.conf".replace("\n", "\\n"),
    'for unit in {}; do ln -sf /dev/null "$1/etc/systemd/system/$unit"; done'.format(
        " ".join(_MASKED_UNITS)
    ),
    'ln -sf /lib/systemd/system/multi-user.target "$1"/etc/systemd/system/default.target',
    'printf "#!/bin/sh\\nexit 101\\n" > "$1"/usr/sbin/policy-rc.d',
    'chmod 0755 "$1"/usr/sbin/policy-rc.d',
    'mkdir -m 0700 -p "$1"/root/.ssh',
    ': > "$1"/etc/pip.conf; : > "$1"/etc/resolv.conf',
)


def image_place(cache: Path) -> Path:
    """Return where the image is kept, be it there or not."""
    return cache / "images" / digest([RELEASE, PACKAGES, _CUSTOMISE])


def layer_place(cache: Path, image: Path, inputs: list) -> Path:
    """Return where the layer on top of `image` is kept that `inputs` make, be it there or not."""
    return cache / "layers" / digest([image.name, inputs])


def ensure(ledger: Ledger, cache: Path, silence_seconds: float, say: Callable[[str], None]) -> Path:
    """Return the image's root, made by mmdebstrap when the cache does not have it.

    Raises InfrastructureError when it cannot be made, and LimitError when
    mmdebstrap says nothing for `silence_seconds`.
    """
    with entries.claimed(image_place(cache)) as (image, is_there):
        if not is_there:
            say("Making the hosts' image with mmdebstrap; this is done once.")
            _build(ledger, image, silence_seconds)
    return image


def ensure_layer(
    ledger: Ledger,
    cache: Path,
    image: Path,
    inputs: list,
    install: Callable[[Group], None],
    say: Callable[[str], None],
) -> Path:
    """Return the layer that `install` makes on top of `image`.

    `inputs` is everything, as JSON-ready data, that the layer depends on.
    `install` is called with a group of one host, `builder`, which has this
    machine's network and apt and pip settings while it lasts.
    """
    with entries.claimed(layer_place(cache, image, inputs)) as (layer, is_there):
        if not is_there:
            say("Installing software into a layer; this is done once for each set of inputs.")
            _install(ledger, layer, image, install)
    return layer


def digest(inputs: list) -> str:
    """Return the name of what `inputs`, JSON-ready data, make."""
    document = json.dumps(inputs, sort_keys=True).encode()
    return hashlib.sha256(document).hexdigest()[:16]


def partial(ledger: Ledger, path: Path) -> Path:
    """Return a path beside `path` that goes, with all in it, when the ledger's group goes."""
    aside = path.with_name(f"{path.name}.{secrets.token_hex(4)}.partial")
    ledger.record("make", "tree", str(aside))
    return aside


def _build(ledger: Ledger, image: Path, silence_seconds: float):
    root = partial(ledger, image)
    borrowed = partial(ledger, image)
    settings = registries.borrow(borrowed)
    apt_settings = next(file for file, place in settings.items() if "apt.conf" in place)
    command = [
        *("mmdebstrap", "--mode=root", "--variant=minbase", "--format=directory"),
        f"--include={','.join(PACKAGES)}",
        f"--aptopt={apt_settings}",
        *(f"--customize-hook={hook}" for hook in _CUSTOMISE),
        *(RELEASE, str(root), *registries.sources()),
    ]
    output: list[str] = []
    code = process.run(
        command,
        name="mmdebstrap",
        silence_seconds=silence_seconds,
        environment=machine.ENVIRONMENT | {"TMPDIR": str(model.scratch(ledger.path.stem))},
        on_line=output.append,
    )
    if code:
        errors = [line for line in output if line.startswith("E:")] or output[-1:]
        line = errors[0] if errors else f"exit code {code}"
        raise InfrastructureError(f"mmdebstrap could not make the image: {line}", line=line)
    root.chmod(0o755)
    root.rename(image)


def _install(ledger: Ledger, layer: Path, image: Path, install: Callable[[Group], None]):
    directory = partial(ledger, layer)
    directory.mkdir()
    root = machine.mount_overlay(ledger, directory, [image])
    borrowed = partial(ledger, layer)
    places = registries.borrow(borrowed)
    group = _builder(ledger.path.stem, borrowed, root, places)
    install(group)
    resource.remove("mount", str(root))
    (directory / "upper").rename(layer)


def _builder(name: str, directory: Path, root: Path, places: dict[str, str]) -> Group:
    """Return a group of one host, whose sshd systemd-nspawn starts for each connection.

    The host has no network namespace of its own and nothing listens: ssh talks
    to sshd through the pipes of its ProxyCommand.
    """
    access = directory / "access"
    access.mkdir(mode=0o700)
    for key in ("user_key", "host_key"):
        machine.make_key(access / key)
    (access / "authorized_keys").write_text((access / "user_key.pub").read_text())
    public = (access / "host_key.pub").read_text()
    (directory / "known_hosts").write_text(f"{BUILDER} {public}")
    binds = [f"--bind-ro={file}:{place}" for file, place in places.items()]
    sshd = (
        "mkdir -p /run/sshd && exec /usr/sbin/sshd -i -o HostKey=/run/access/host_key "
        "-o AuthorizedKeysFile=/run/access/authorized_keys -o StrictModes=no"
    )
    proxy = [
        *("systemd-nspawn", "--quiet", f"--directory={root}", "--console=pipe", "--as-pid2"),
        *(f"--machine={machine.short_name(str(root))}", "--register=no", "--keep-unit"),
        *("--resolv-conf=off", "--timezone=off", "--link-journal=no"),
        *(*binds, f"--bind-ro={access}:/run/access"),
        *("/bin/sh", "-c", f"'{sshd}'"),
    ]
    group = Group(name, "", "", directory, {BUILDER: "127.0.0.1"}, {})
    settings = [
        *("User root", "HostKeyAlias builder", "StrictHostKeyChecking yes"),
        *(f"IdentityFile {access / 'user_key'}", f"UserKnownHostsFile {directory}/known_hosts"),
        *("IdentitiesOnly yes", "LogLevel ERROR", f"ProxyCommand {' '.join(proxy)}"),
    ]
    group.ssh_config.write_text("\n".join(["Host *", *settings, ""]), encoding="utf-8")
    return group
