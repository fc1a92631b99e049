"""The command line of ``python3 -m cluster``: one small function per verb."""

import argparse
import os
import sys
import time
from contextlib import AbstractContextManager
from pathlib import Path
from typing import NoReturn

from cluster import doctor, images
from cluster.binaries import Binaries
from cluster.config import GROUPS, Config
from cluster.errors import ClusterError, Unavailable
from cluster.kind import KindCluster
from cluster.local import LocalCluster
from cluster.lock import locked
from cluster.paths import cache_root, kubeconfig_file, write_private
from cluster.progress import note
from cluster.provider import Kubectl, Provider, docker_answers

CLIENTS = ("kubectl", "helm")
FAILED, UNAVAILABLE = 1, 3
INTERRUPTED = 130


def main(argv: list[str] | None = None) -> None:
    """Run the verb that the command line names; errors become one message and a status.

    Status 1 is a failure, 3 means that this machine lacks something (the message says what).
    """
    words = sys.argv[1:] if argv is None else argv
    try:
        config = Config.load()
        if words and words[0] in CLIENTS:
            _become(config, words[0], words[1:])
        arguments = _parser(config).parse_args(words)
        sys.exit(arguments.verb(config, arguments))
    except Unavailable as error:
        note(f"This machine can't do that: {error}")
        sys.exit(UNAVAILABLE)
    except ClusterError as error:
        note(f"Error: {error}")
        sys.exit(FAILED)
    except KeyboardInterrupt:
        note("Interrupted; `down` removes what was started, `up` starts afresh.")
        sys.exit(INTERRUPTED)


def choose(config: Config) -> Provider:
    """The cluster that this machine has or would get: kind where a Docker engine answers."""
    if Path(config.node.state).exists() or not docker_answers():
        return LocalCluster(config)
    return KindCluster(config)


def _up(config: Config, _: argparse.Namespace) -> int:
    start = time.monotonic()
    provider = choose(config)
    what = "is already running"
    if not provider.running():
        doctor.require(config)
        with _exclusive(config):
            if not provider.running():  # another run may have started it meanwhile
                note(f"starting a cluster ({provider.name})")
                provider.up()
                what = "is up"
    file = write_private(kubeconfig_file(), provider.kubeconfig())
    note(f"The cluster {what} ({time.monotonic() - start:.1f} s): export KUBECONFIG={file}")
    return 0


def _down(config: Config, _: argparse.Namespace) -> int:
    with _exclusive(config):
        choose(config).down()
    kubeconfig_file().unlink(missing_ok=True)
    note("The cluster is gone; the binaries stay in the cache.")
    return 0


def _status(config: Config, _: argparse.Namespace) -> int:
    provider = choose(config)
    running = provider.running()
    print(f"cluster     {'running' if running else 'not running'} ({provider.name})")
    if not running:
        return FAILED
    print(f"kubeconfig  {kubeconfig_file()}{'' if kubeconfig_file().exists() else ' (run `up`)'}")
    for line in provider.parts():
        print(f"  {line}")
    if kubeconfig_file().exists():
        kubectl = Kubectl(config, kubeconfig_file())
        print(kubectl("get", "nodes,storageclasses").rstrip())
        print(kubectl("get", "pods", "--all-namespaces").rstrip())
    return 0


def _become(config: Config, tool: str, arguments: list[str]) -> NoReturn:
    """Become a pinned client of the cluster."""
    binaries = Binaries.of_user(config)
    binaries.ensure([tool])
    binary = binaries.path(tool)
    if kubeconfig_file().exists():
        os.environ["KUBECONFIG"] = str(kubeconfig_file())
    else:
        os.environ["KUBECONFIG"] = os.devnull  # never the user's own cluster
    os.execv(binary, [str(binary), *arguments])  # noqa: S606 - the point of this verb


def _path(config: Config, arguments: argparse.Namespace) -> int:
    binaries = Binaries.of_user(config)
    binaries.ensure([arguments.tool])
    print(binaries.path(arguments.tool))
    return 0


def _build(config: Config, arguments: argparse.Namespace) -> int:
    Binaries.of_user(config).ensure(config.tools_of(arguments.group))
    return 0


def _images(config: Config, arguments: argparse.Namespace) -> int:
    names = arguments.names or list(config.images.product)
    provider = choose(config)
    if not provider.running():
        raise ClusterError("there is no running cluster to load images into; run `up` first")
    file = write_private(kubeconfig_file(), provider.kubeconfig())
    with locked(cache_root() / "images.lock", timeout=config.timeouts.lock):
        for name in names:
            images.provide(config, name, provider, Kubectl(config, file))
    return 0


def _image_size(config: Config, arguments: argparse.Namespace) -> int:
    with locked(cache_root() / "images.lock", timeout=config.timeouts.lock):
        size = images.size(config, arguments.name)
    print(size.above_base, size.whole)
    return 0


def _doctor(config: Config, arguments: argparse.Namespace) -> int:
    if arguments.install:
        doctor.install(config)
    findings = [*doctor.examine(config), doctor.examine_tests(config)]
    for finding in findings:
        print(f"{'missing' if finding.remedy else 'ok':<8} {finding.what}")
        if finding.remedy:
            print(f"         {finding.remedy}")
    return FAILED if any(finding.remedy for finding in findings) else 0


def _exclusive(config: Config) -> AbstractContextManager[None]:
    """Only one run at a time changes the machine's cluster."""
    by_user = cache_root() / "cluster.lock"  # whose cluster can only be kind's
    file = Path(config.node.lock) if os.geteuid() == 0 else by_user
    return locked(file, timeout=config.timeouts.lock)


def _parser(config: Config) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python3 -m cluster", description="A disposable, real Kubernetes for tests."
    )
    verbs = parser.add_subparsers(required=True, metavar="VERB")

    def verb(name: str, function: object, text: str) -> argparse.ArgumentParser:
        added = verbs.add_parser(name, help=text, description=text)
        added.set_defaults(verb=function)
        return added

    verb("up", _up, "Start the cluster, or adopt the running one; write build/kubeconfig.")
    verb("down", _down, "Remove the cluster and every trace of it, but not the binaries.")
    verb("status", _status, "Show what runs; status 0 if it is healthy.")
    for tool in CLIENTS:
        verbs.add_parser(tool, help=f"Run the pinned {tool} on the cluster.", add_help=False)
    verb("path", _path, "Print a pinned binary's path, building it first if need be.").add_argument(
        "tool", choices=config.tools_of("all")
    )
    verb("build", _build, "Build what is missing into the user's cache folder.").add_argument(
        "--group", choices=[*GROUPS, "all"], default="cluster"
    )
    verb("images", _images, "Build the product's images and load them.").add_argument(
        "names", nargs="*", metavar="IMAGE", help=", ".join(config.images.product)
    )
    verb(
        "image-size", _image_size, "Print an image's bytes on top of its base, and all."
    ).add_argument("name", choices=config.images.product)
    verb("doctor", _doctor, "Say what this machine lacks for the cluster.").add_argument(
        "--install", action="store_true", help="install missing Debian packages, as root"
    )
    return parser
