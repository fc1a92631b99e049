"""What this machine lacks for the cluster and the tests, and the command that brings it."""

import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cluster.commands import run, succeeds
from cluster.config import Config
from cluster.errors import ClusterError, Unavailable
from cluster.local import require_root
from cluster.progress import note, step
from cluster.provider import docker_answers

APT_TIMEOUT = 900.0
OPENSSL_MINIMUM = 3  # `req -x509 -CA` came with it
FILESYSTEM = "overlay"


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at; ``remedy`` is empty where all is well."""

    what: str
    remedy: str = ""


def missing_packages(wanted: Mapping[str, str]) -> list[str]:
    """Debian packages that bring what is not there.

    Args:
        wanted: Commands, or absolute paths of files, with the package of each.
    """
    absent = {
        package
        for item, package in wanted.items()
        if not (Path(item).exists() if item.startswith("/") else shutil.which(item))
    }
    return sorted(absent)


def examine(config: Config) -> list[Finding]:
    """Look at everything that ``up`` and ``images`` need here."""
    if docker_answers():
        return [Finding("Docker engine: kind will be used")]
    findings = [_root(), _packages("Debian packages", config.debian), _openssl()]
    filesystems = Path("/proc/filesystems").read_text().split()
    loadable = succeeds(["modprobe", "--dry-run", FILESYSTEM])
    if FILESYSTEM in filesystems or loadable:
        findings.append(Finding("overlay filesystem"))
    else:
        findings.append(Finding("overlay filesystem", "the kernel lacks it: start Docker instead"))
    return findings


def examine_tests(config: Config) -> Finding:
    """Look at what tests need beside a cluster."""
    return _packages("packages of the tests", config.tests)


def require(config: Config) -> None:
    """Raise unless a cluster can run here.

    Raises:
        Unavailable: Naming all that is missing and its remedies.
    """
    if wrong := [f"{f.what}: {f.remedy}" for f in examine(config) if f.remedy]:
        raise Unavailable("; ".join(wrong))


def install(config: Config) -> None:
    """Install the missing Debian packages.

    Raises:
        Unavailable: Not root, or this is no Debian.
        CommandFailed: apt-get refused.
    """
    of_cluster = {} if docker_answers() else config.debian
    packages = missing_packages({**of_cluster, **config.tests})
    if not packages:
        note("nothing to install")
        return
    require_root()
    if not shutil.which("apt-get"):
        raise Unavailable(f"this is no Debian: install what brings {', '.join(packages)}")
    environment = {"DEBIAN_FRONTEND": "noninteractive"}
    with step(f"apt-get install {' '.join(packages)}"):
        run(["apt-get", "update", "-q"], env=environment, timeout=APT_TIMEOUT)
        words = ["apt-get", "install", "-q", "-y", "--no-install-recommends", *packages]
        run(words, env=environment, timeout=APT_TIMEOUT)


def _root() -> Finding:
    if os.geteuid() == 0:
        return Finding("root")
    return Finding("root", "run it with sudo, or start Docker")


def _packages(what: str, wanted: Mapping[str, str]) -> Finding:
    packages = missing_packages(wanted)
    if not packages:
        return Finding(what)
    remedy = f"apt-get install --no-install-recommends {' '.join(packages)}"
    return Finding(what, f"{remedy} (or `doctor --install`)")


def _openssl() -> Finding:
    try:
        shown = run(["openssl", "version"])
    except ClusterError:
        return Finding("openssl", "apt-get install openssl")
    found = re.search(r"OpenSSL (\d+)", shown)
    if found and int(found[1]) >= OPENSSL_MINIMUM:
        return Finding(f"openssl: {shown.strip()}")
    return Finding("openssl", f"version {OPENSSL_MINIMUM} or newer is needed, this is {shown}")
