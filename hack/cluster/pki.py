"""Certificate authorities and what they sign, through the ``openssl`` command."""

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Self

from cluster.commands import run
from cluster.errors import ClusterError

_SHAPE = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "3650"]


@dataclass(frozen=True)
class KeyPair:
    """A certificate and its private key, as PEM files."""

    certificate: Path
    key: Path

    @classmethod
    def at(cls, directory: Path, name: str) -> Self:
        """The pair called ``name`` in a directory."""
        return cls(directory / f"{name}.crt", directory / f"{name}.key")


@dataclass(frozen=True)
class Authority:
    """A certificate authority whose files are in ``directory``."""

    directory: Path
    name: str

    @property
    def pair(self) -> KeyPair:
        """Its own certificate and key."""
        return KeyPair.at(self.directory, self.name)

    def create(self) -> Self:
        """Make its key and self-signed certificate."""
        self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        config = request_config(
            self.name, (), ("basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign")
        )
        self._request(self.pair, config, [])
        return self

    def issue(
        self,
        name: str,
        *,
        user: str,
        groups: Sequence[str] = (),
        hosts: Sequence[str] = (),
        usages: Sequence[str] = ("clientAuth",),
    ) -> KeyPair:
        """Sign a new key pair.

        Args:
            name: Of its files.
            user: The common name: to Kubernetes, the user.
            groups: The organizations: to Kubernetes, the groups.
            hosts: Addresses and names that a server answers to.
            usages: ``clientAuth``, ``serverAuth``.

        Raises:
            ClusterError: A name holds a character that certificates can't carry here.
        """
        extensions = [
            "basicConstraints=critical,CA:FALSE",
            "keyUsage=critical,digitalSignature",
            f"extendedKeyUsage={','.join(usages)}",
        ]
        if hosts:
            extensions.append(f"subjectAltName={','.join(alternative_name(h) for h in hosts)}")
        pair = KeyPair.at(self.directory, name)
        signer = ["-CA", str(self.pair.certificate), "-CAkey", str(self.pair.key)]
        self._request(pair, request_config(user, groups, extensions), signer)
        return pair

    def _request(self, pair: KeyPair, config: str, signer: list[str]) -> None:
        file = pair.key.with_suffix(".cnf")
        file.write_text(config)
        output = ["-keyout", str(pair.key), "-out", str(pair.certificate)]
        run(["openssl", "req", "-x509", *_SHAPE, "-config", str(file), *signer, *output])
        pair.key.chmod(0o600)
        file.unlink()


def request_config(user: str, groups: Sequence[str], extensions: Sequence[str]) -> str:
    """The file that ``openssl req -config`` reads: subject and extensions, nothing inherited."""
    subject = [f"{number}.O = {_value(group)}" for number, group in enumerate(groups)]
    return "\n".join(
        [
            "[req]",
            "prompt = no",
            "utf8 = yes",
            "string_mask = utf8only",
            "distinguished_name = subject",
            "x509_extensions = extensions",
            "[subject]",
            *subject,
            f"CN = {_value(user)}",
            "[extensions]",
            *(extension.replace("=", " = ", 1) for extension in extensions),
            "",
        ]
    )


def alternative_name(host: str) -> str:
    """``IP:…`` or ``DNS:…`` for a subjectAltName."""
    try:
        return f"IP:{ip_address(host)}"
    except ValueError:
        return f"DNS:{host}"


def service_account_key(directory: Path) -> KeyPair:
    """Make the pair that signs and verifies service-account tokens (bare keys, no certificate)."""
    pair = KeyPair(directory / "sa.pub", directory / "sa.key")
    run(["openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", pair.key])
    pair.key.chmod(0o600)
    run(["openssl", "ec", "-in", pair.key, "-pubout", "-out", pair.certificate])
    return pair


def _value(text: str) -> str:
    if not text or not text.isprintable() or text != text.strip():
        raise ClusterError(f"{text!r} can't be a user or group: use printable characters")
    for special in '\\$#";':
        text = text.replace(special, f"\\{special}")
    return text
