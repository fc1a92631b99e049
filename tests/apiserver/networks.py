"""Pods as far as the network sees them: a network namespace with an address, and perhaps a server.

Each is routed through the machine, where a node's rules about forwarded traffic apply.
"""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.apiserver.api import eventually

PREFIX = "spk-"
"""Of the machine's end of each pod's link."""
GATEWAY = "198.18.128.1"
FORWARDING = Path("/proc/sys/net/ipv4/ip_forward")
LISTEN_TIMEOUT = 20
CONNECT = """
import socket, sys
try:
    socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=2).close()
except OSError:
    sys.exit(1)
"""


class Pod:
    """A place in the network."""

    def __init__(self, name: str, address: str) -> None:
        self._namespace = f"{PREFIX}{name}"
        self.address = address

    def reaches(self, other: "Pod", port: int) -> bool:
        """Whether a connection can be made."""
        words = self._inside(sys.executable, "-c", CONNECT, other.address, str(port))
        return subprocess.run(words, check=False).returncode == 0

    def serve(self, port: int) -> subprocess.Popen[bytes]:
        """Take connections at a port."""
        return subprocess.Popen(self._inside("/bin/busybox", "httpd", "-f", "-p", str(port)))

    def _inside(self, *words: str) -> list[str]:
        return ["ip", "netns", "exec", self._namespace, *words]

    @contextmanager
    def up(self) -> Iterator[None]:
        """The pod is there while the context is open."""
        _ip("netns", "add", self._namespace)
        try:
            peer = ("peer", "name", "eth0", "netns", self._namespace)
            _ip("link", "add", self._namespace, "type", "veth", *peer)
            _ip("address", "add", f"{GATEWAY}/32", "dev", self._namespace)
            _ip("link", "set", self._namespace, "up")
            _ip("route", "add", f"{self.address}/32", "dev", self._namespace)
            inside = ("-netns", self._namespace)
            _ip(*inside, "address", "add", f"{self.address}/32", "dev", "eth0")
            _ip(*inside, "link", "set", "eth0", "up")
            _ip(*inside, "link", "set", "lo", "up")
            _ip(*inside, "route", "add", f"{GATEWAY}/32", "dev", "eth0")
            _ip(*inside, "route", "add", "default", "via", GATEWAY)
            yield
        finally:
            _ip("netns", "delete", self._namespace)


@contextmanager
def network(pods: Sequence[Pod], ports: Sequence[tuple[Pod, int]]) -> Iterator[None]:
    """All pods, and servers at ports of some of them; packets are forwarded meanwhile."""
    before = FORWARDING.read_text()
    with ExitStack() as stack:
        FORWARDING.write_text("1")
        stack.callback(FORWARDING.write_text, before)
        for pod in pods:
            stack.enter_context(pod.up())
        for pod, port in ports:
            server = pod.serve(port)
            stack.callback(server.wait)
            stack.callback(server.kill)
        for pod, port in ports:
            eventually(
                lambda: pod.reaches(pod, port),  # noqa: B023
                within=LISTEN_TIMEOUT,
                what=f"{pod.address} listens at {port}",
            )
        yield


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)
