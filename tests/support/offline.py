"""An image's program without a container engine: its own files, read-only, and no network.

It runs as a pod of the operator does: with the image's user, environment and entry point, a root
that nobody can write to, and memory in /tmp. Its network namespace has a loopback interface and
nothing else, so that whatever it would fetch fails.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Final

import pytest

from cluster.builders import BuildahBuilder, choose_builder
from cluster.config import Config
from tests.support.processes import running

PORT: Final = 8000
COMMAND_TIMEOUT: Final = 30
ENTER: Final = """
mount --bind "$IMAGE" "$ROOT"
mount --bind "$DIRECTORY" "$ROOT/mnt"
mount -t tmpfs -o mode=1777 tmpfs "$ROOT/tmp"
mount --rbind /proc "$ROOT/proc"
mount --rbind /dev "$ROOT/dev"
mount -o remount,bind,ro "$ROOT/mnt"
mount -o remount,bind,ro "$ROOT"
exec "$@"
"""
_NEEDED: Final = re.compile(r"\(NEEDED\).*\[(.+)\]")
ASK: Final = """
import json, sys, time, urllib.error, urllib.request
url, headers, timeout = sys.argv[1], json.loads(sys.argv[2]), float(sys.argv[3])
request = urllib.request.Request(url, sys.stdin.buffer.read() or None, headers)
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
deadline = time.monotonic() + timeout
while True:
    try:
        with opener.open(request, timeout=timeout) as response:
            sys.stdout.buffer.write(response.read())
            break
    except urllib.error.HTTPError as error:
        problem = f"{error}: {error.read()[:500]!r}"
        if error.code != 503:
            sys.exit(problem)
    except urllib.error.URLError as error:
        problem = error
    if time.monotonic() > deadline:
        sys.exit(f"{url}: {problem}")
    time.sleep(0.1)
"""


class Offline:
    """A program that only its own network namespace can reach."""

    def __init__(self, namespace: str, process: int) -> None:
        self._namespace = namespace
        self._process = process

    def ask(
        self,
        path: str,
        body: bytes = b"",
        *,
        within: float,
        headers: Mapping[str, str] = MappingProxyType({}),
    ) -> bytes:
        """What it answers, once it serves: GET without a body, else POST."""
        url = f"http://127.0.0.1:{PORT}{path}"
        sent = json.dumps({"Content-Type": "application/json", **headers})
        words = _inside(self._namespace, sys.executable, "-c", ASK, url, sent, str(within))
        done = subprocess.run(
            words, input=body, capture_output=True, timeout=within + COMMAND_TIMEOUT, check=False
        )
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout

    def cpu_seconds(self) -> float:
        """What it has computed so far, on all CPUs together."""
        fields = Path(f"/proc/{self._process}/stat").read_text().rpartition(")")[2].split()
        user, system = int(fields[11]), int(fields[12])
        return (user + system) / os.sysconf("SC_CLK_TCK")

    def interfaces(self) -> list[str]:
        """Names of its network interfaces."""
        words = _inside(self._namespace, "cat", "/proc/net/dev")
        lines = _run(*words).splitlines()[2:]
        return [line.partition(":")[0].strip() for line in lines]


def store() -> BuildahBuilder:
    """Where images are whose files can be looked at."""
    builder = choose_builder(Config.load())
    if not isinstance(builder, BuildahBuilder) or os.geteuid() != 0:
        pytest.skip("an image's files are mounted by buildah, as root, where no Docker engine is")
    return builder


def missed_libraries(root: Path) -> set[str]:
    """What shared libraries of an image need, and it does not have."""
    if shutil.which("readelf") is None:
        pytest.skip("readelf is not installed: apt-get install binutils")
    there = [path for path in root.rglob("*.so*") if path.is_file() and _is_elf(path)]
    shown = _run("readelf", "--dynamic", "--wide", *there)
    return set(_NEEDED.findall(shown)) - {path.name for path in there}


def _is_elf(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) == b"\x7fELF"


@contextmanager
def offline(tag: str, directory: Path, scratch: Path, *arguments: str | Path) -> Iterator[Offline]:
    """Run an image while the context lasts.

    Args:
        tag: Of an image that was built.
        directory: The program sees it as /mnt.
        scratch: An empty folder.
        arguments: Of the image's entry point.
    """
    builder = store()
    root = scratch / "root"
    root.mkdir()
    settings = builder.settings(tag)
    program = [*settings["Entrypoint"], *arguments]
    _run("chmod", "--recursive", "a+rX", directory)
    chroot = shutil.which("chroot") or "chroot"  # not on the image's path
    entered = ["env", "-i", *settings["Env"], chroot, f"--userspec={settings['User']}", root]
    entered += ["env", f"--chdir={settings['WorkingDir']}"]
    with builder.mounted(tag) as image, _namespace() as namespace:
        shell = ["unshare", "--mount", "sh", "-euc", ENTER, "enter", *entered, *program]
        words = _inside(namespace, *shell)
        where = {"IMAGE": str(image), "ROOT": str(root), "DIRECTORY": str(directory)}
        with running(words, scratch / "log", **where) as process:
            yield Offline(namespace, process.pid)


@contextmanager
def _namespace() -> Iterator[str]:
    name = f"offline-{uuid.uuid4().hex[:8]}"
    _run("ip", "netns", "add", name)
    try:
        _run("ip", "-n", name, "link", "set", "lo", "up")
        yield name
    finally:
        _run("ip", "netns", "delete", name)


def _inside(namespace: str, *command: str | Path) -> list[str | Path]:
    return ["ip", "netns", "exec", namespace, *command]


def _run(*command: str | Path) -> str:
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=COMMAND_TIMEOUT, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
