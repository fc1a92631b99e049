"""Cluster DNS: CoreDNS's manifests, and a question over the network to see that it answers."""

import secrets
import socket
import struct

from cluster.config import Config
from cluster.templates import render

PORT = 53
QUESTION_TIMEOUT = 1.0
TYPE_A, CLASS_INTERNET = 1, 1
RECURSION_DESIRED = 0x0100
RESPONSE_CODE = 0x000F
HEADER = struct.Struct("!6H")


def manifests(config: Config) -> str:
    """CoreDNS as one pod behind the Service ``kube-dns``."""
    return render(
        "coredns.yaml",
        image=config.images.coredns,
        domain=config.network.domain,
        dns_service=config.network.dns_service,
    )


def answers(server: str, name: str) -> bool:
    """Whether a DNS server knows an address of ``name``."""
    identifier = secrets.randbelow(1 << 16)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(QUESTION_TIMEOUT)
        try:
            client.connect((server, PORT))
            client.send(question(identifier, name))
            return has_address(identifier, client.recv(512))
        except OSError:
            return False


def question(identifier: int, name: str) -> bytes:
    """The packet that asks for the IPv4 addresses of a name (RFC 1035, section 4.1)."""
    labels = b"".join(bytes([len(part)]) + part.encode() for part in name.split("."))
    header = HEADER.pack(identifier, RECURSION_DESIRED, 1, 0, 0, 0)
    return header + labels + b"\0" + struct.pack("!2H", TYPE_A, CLASS_INTERNET)


def has_address(identifier: int, packet: bytes) -> bool:
    """Whether a packet answers our question, without an error and with at least one record."""
    if len(packet) < HEADER.size:
        return False
    replied, flags, _, records, _, _ = HEADER.unpack_from(packet)
    return bool(replied == identifier and flags & RESPONSE_CODE == 0 and records > 0)
