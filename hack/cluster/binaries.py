"""The pinned binaries: found in the user's cache, or built there from their Go modules.

A binary's folder is named by its module, version and build inputs, so a changed ``go.sum`` builds
anew and an older checkout still finds its own. Builds are written aside and renamed: what carries
a tool's name is whole.
"""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from cluster.commands import run
from cluster.config import Config, Module
from cluster.errors import ClusterError, CommandFailed
from cluster.lock import locked
from cluster.paths import cache_root
from cluster.progress import note, step
from cluster.toolchain import Go, find_go

GIB = 1 << 30


@dataclass(frozen=True)
class Binaries:
    """The cache below ``root``."""

    config: Config
    root: Path

    @classmethod
    def of_user(cls, config: Config) -> "Binaries":
        """The cache of the user who runs this."""
        return cls(config, cache_root())

    def path(self, tool: str) -> Path:
        """Where a tool is, or would be once it is built."""
        return self._folder(self.config.module_of(tool)) / tool

    def assets(self, module: str) -> list[Path]:
        """A module's own files, which are fetched without building anything.

        Raises:
            Unavailable: There is no Go, nor a way to get it.
            ClusterError: The module cannot be fetched.
        """
        known = self.config.modules[module]
        files = {name: self._folder(known) / Path(name).name for name in known.assets}
        with locked(self.root / "assets.lock", timeout=self.config.timeouts.lock):
            if not all(file.exists() for file in files.values()):
                self._fetch_assets(known, files)
        return list(files.values())

    def _fetch_assets(self, module: Module, files: Mapping[str, Path]) -> None:
        go = find_go(self.config.go, self.root)
        with tempfile.TemporaryDirectory(dir=self.root) as scratch:
            version = f"{module.require}@{module.version}"
            words = [str(go.binary), "mod", "download", "-json", version]
            environment = go.environment(Path(scratch))
            with step(f"files of {module.name} {module.version}"):
                told = run(
                    words, env=environment, cwd=module.directory, timeout=self.config.timeouts.build
                )
            source = Path(json.loads(told)["Dir"])
            for name, file in files.items():
                file.parent.mkdir(parents=True, exist_ok=True)
                partial = file.with_name(f".{file.name}")
                shutil.copyfile(source / name, partial)
                partial.replace(file)

    def _folder(self, module: Module) -> Path:
        return self.root / f"{module.name}-{module.version}-{build_key(module)}"

    def missing(self, tools: Iterable[str]) -> list[str]:
        """Those of ``tools`` that are not built yet."""
        return [tool for tool in tools if not self.path(tool).exists()]

    def ensure(self, tools: Iterable[str]) -> None:
        """Build what is missing of ``tools``; returns at once if nothing is.

        Raises:
            Unavailable: There is no Go, nor a way to get it.
            ClusterError: The disk is too full, or a build failed.
        """
        wanted = list(tools)
        if not self.missing(wanted):
            return
        with locked(self.root / "build.lock", timeout=self.config.timeouts.lock):
            missing = self.missing(wanted)  # another run may have built them meanwhile
            if not missing:
                return
            self._check_disk()
            go = find_go(self.config.go, self.root)
            note(f"building {', '.join(missing)} (once per version; minutes each when cold)")
            for module, needed in groupby(missing, self.config.module_of):
                # what a failed build has compiled stays until the module's next one has succeeded
                work = self.root / "work" / module.name
                for tool in needed:
                    self._build(go, tool, work)
                run([go.binary, "clean", "-modcache"], env=go.environment(work), timeout=600)
                shutil.rmtree(work)

    def _check_disk(self) -> None:
        free = shutil.disk_usage(self.root).free / GIB
        if free < self.config.go.free_gib:
            raise ClusterError(
                f"{self.root} has {free:.1f} GiB free, and a cold build may need"
                f" {self.config.go.free_gib} GiB for a while: free some, or set XDG_CACHE_HOME to"
                " a folder on a larger disk"
            )

    def _build(self, go: Go, tool: str, work: Path) -> None:
        module = self.config.module_of(tool)
        target = self.path(tool)
        target.parent.mkdir(parents=True, exist_ok=True)
        for abandoned in target.parent.glob(f".{tool}.*"):
            abandoned.unlink()
        # the compiler of a run that was killed may still write to the name that it was given
        partial = target.with_name(f".{tool}.{os.getpid()}")
        with step(f"{tool} {module.version}"):
            try:
                run(
                    build_command(go.binary, module, tool, partial),
                    env=go.environment(work),
                    cwd=module.directory,
                    timeout=self.config.timeouts.build,
                )
            except CommandFailed as error:
                raise ClusterError(f"building {tool} {module.version} failed: {error}") from error
            partial.replace(target)


def build_key(module: Module) -> str:
    """Eight hexadecimal digits over what decides a module's binaries besides its version."""
    digest = hashlib.sha256("\0".join(module.ldflags).encode())
    programs = sorted(file.name for file in module.directory.glob("*.go"))
    for name in ("go.mod", "go.sum", *programs):
        digest.update((module.directory / name).read_bytes())
    return digest.hexdigest()[:8]


def build_command(go: Path, module: Module, tool: str, output: Path) -> list[str]:
    """The ``go build`` of one tool: no paths of this machine in it, no symbol table.

    Debugging data would be stripped anyway; not making it saves a quarter of the time.
    """
    flags = " ".join(("-s", "-w", *module.ldflags))
    package = module.tools[tool].package
    how = ["-trimpath", "-gcflags=all=-dwarf=false", "-ldflags", flags]
    return [str(go), "build", *how, "-o", str(output), package]
