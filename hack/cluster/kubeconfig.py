"""Write kubeconfigs and ask API servers whether they are ready."""

import base64
import http.client
import json
import ssl
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from cluster.paths import write_private
from cluster.pki import KeyPair

PROBE_TIMEOUT = 2.0


@dataclass(frozen=True)
class Access:
    """How to reach an API server as somebody."""

    url: str
    authority: Path
    client: KeyPair

    def write(self, file: Path, *, user: str) -> Path:
        """Write a kubeconfig that needs no other file (JSON, which every YAML reader takes)."""
        content = kubeconfig(
            url=self.url,
            authority=self.authority.read_bytes(),
            certificate=self.client.certificate.read_bytes(),
            key=self.client.key.read_bytes(),
            user=user,
        )
        return write_private(file, content)

    def ready(self) -> bool:
        """Whether ``/readyz`` answers 200."""
        return self.get("/readyz") is not None

    def get(self, path: str) -> bytes | None:
        """What a path answers with status 200, or None for any other answer, or none at all."""
        address = urlsplit(self.url)
        context = ssl.create_default_context(cafile=str(self.authority))
        context.load_cert_chain(self.client.certificate, self.client.key)
        connection = http.client.HTTPSConnection(
            address.hostname or "", address.port, timeout=PROBE_TIMEOUT, context=context
        )
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            body = response.read()
        except (OSError, http.client.HTTPException):
            return None
        else:
            return body if response.status == http.client.OK else None
        finally:
            connection.close()


def kubeconfig(*, url: str, authority: bytes, certificate: bytes, key: bytes, user: str) -> str:
    """The text of a kubeconfig with one cluster, one user and one context.

    Args:
        url: Of the API server.
        authority: The certificate that signed the server's, PEM.
        certificate: The client's certificate, PEM.
        key: Its private key, PEM.
        user: Name of the context and of the user entry.
    """
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {
                "name": "speaker-tts",
                "cluster": {"server": url, "certificate-authority-data": _base64(authority)},
            }
        ],
        "users": [
            {
                "name": user,
                "user": {
                    "client-certificate-data": _base64(certificate),
                    "client-key-data": _base64(key),
                },
            }
        ],
        "contexts": [{"name": user, "context": {"cluster": "speaker-tts", "user": user}}],
        "current-context": user,
    }
    return json.dumps(document, indent=2) + "\n"


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
