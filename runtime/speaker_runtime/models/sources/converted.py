"""Any source, with what a backend's recipe makes of its files in place of them."""

import hashlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path
from typing import ClassVar, Final

from speaker_runtime.contract import ExitCode
from speaker_runtime.models.errors import ModelError
from speaker_runtime.models.files import install, skip
from speaker_runtime.models.licenses import together
from speaker_runtime.models.manifest import FileEntry
from speaker_runtime.models.recipe import Blocks, Elsewhere, Recipe, Selection
from speaker_runtime.models.sources.base import Progress, Source, Workspace
from speaker_runtime.models.space import Space
from speaker_runtime.models.store import is_intact

_PUBLISHED: Final = "published"


class ConvertedSource:
    """Downloads the published files into the workspace, and reads what is made of them.

    What is made has no copy of its own: it is made as it is read.

    Args:
        source: Of the published files.
        recipe: Of the backend that the model is for.
        workspace: Where they lie meanwhile.
        space: Where the model is to lie.
        resolve: Gives the source of an address, of what comes from other models.
    """

    local: ClassVar[bool] = False
    """Whatever the source: its files are not those that lie in the model's directory."""
    scratch: int = 0
    """What is needed is asked for before the published files are downloaded."""

    def __init__(
        self,
        source: Source,
        recipe: Recipe,
        workspace: Workspace,
        space: Space,
        resolve: Callable[[str, Workspace], Source],
    ) -> None:
        self._source = source
        self._resolve = resolve
        self._recipe = recipe
        self._workspace = workspace
        self._space = space

    def license(self) -> str | None:
        """The sources' and the backend's, where they ask to be accepted.

        Before the first is accepted, no file is looked at that would tell of others.
        """
        return self._first_license or self._others_license

    def list(self) -> Sequence[FileEntry]:
        """Name what is made; the published files are downloaded for it."""
        if self._selection.finished:
            return [self._published[name] for name in self._selection.names]
        return [_entry(name, blocks) for name, blocks in self._made.items()]

    def read(self, entry: FileEntry, offset: int) -> Iterator[bytes]:
        """Make a file once more; the published files are downloaded if they are not there."""
        if self._selection.finished:
            return self._source.read(entry, offset)
        blocks = self._made.get(entry.name)
        if blocks is None:
            raise ModelError(
                ExitCode.MODEL_UNAVAILABLE,
                f"Of what the source has now, no {entry.name} is made any more.",
                f"It was changed since it was fetched: empty {self._space.directory} to take it as "
                "it is now, or name another source.",
            )
        return skip(blocks(), offset)

    @cached_property
    def _published(self) -> Mapping[str, FileEntry]:
        return {entry.name: entry for entry in self._source.list()}

    @cached_property
    def _selection(self) -> Selection:
        return self._recipe.select(self._published.keys())

    @cached_property
    def _first_license(self) -> str | None:
        return together(self._source.license(), self._recipe.license)

    @cached_property
    def _others_license(self) -> str | None:
        others = {each.source: source for each, source, _ in self._elsewhere.values()}
        return together(*(each.license() for each in others.values()))

    @cached_property
    def _elsewhere(self) -> Mapping[str, tuple[Elsewhere, Source, FileEntry]]:
        """What comes from other models: from where, and as which file there."""
        found: dict[str, tuple[Elsewhere, Source, FileEntry]] = {}
        for name, wanted in self._selection.elsewhere.items():
            source = self._resolve(
                wanted.source, replace(self._workspace, choose=partial(_only, wanted.name))
            )
            entry = next((each for each in source.list() if each.name == wanted.name), None)
            if entry is None:
                raise ModelError(
                    ExitCode.MODEL_UNAVAILABLE,
                    f"{wanted.source} has no {wanted.name}, which this model needs as {name}.",
                    f"Name a model.source that has {name} itself.",
                )
            found[name] = wanted, source, entry
        return found

    @cached_property
    def _made(self) -> Mapping[str, Blocks]:
        return self._recipe.make(self._download())

    def _download(self) -> Path:
        first, others = self._first_license, self._others_license
        if first and together(first, others) != first:
            raise ModelError(
                ExitCode.LICENSE_NOT_ACCEPTED,
                f"Of this model, whose licence is {first}, a part comes from another one, whose "
                f"licence is {others}; both cannot be accepted at once.",
                f"Name a model.source that has {' and '.join(self._elsewhere)} itself.",
            )
        directory = self._workspace.directory / _PUBLISHED
        wanted = [(self._source, self._published[name], name) for name in self._selection.names]
        wanted += [(source, entry, name) for name, (_, source, entry) in self._elsewhere.items()]
        size = sum(entry.size for _, entry, _ in wanted)
        missing = {
            name
            for _, entry, name in wanted
            if not is_intact(directory, entry.model_copy(update={"name": name}))
        }
        lacking = sum(entry.size for _, entry, name in wanted if name in missing)
        # What is made is as large as what it is made of, or smaller.
        self._space.require_capacity(size, scratch=size)
        self._space.require_free(size + lacking)
        done = size - lacking
        for source, entry, name in wanted:
            if name in missing:
                read = partial(source.read, entry)
                for count in install(read, directory / name, f"sha256:{entry.sha256}"):
                    done += count
                    self._workspace.report(Progress(name, done, size))
            self._recipe.check(directory, name)
        return directory


def _only(name: str, names: Collection[str]) -> Collection[str]:
    return [each for each in names if each == name]


def _entry(name: str, blocks: Blocks) -> FileEntry:
    hasher, size = hashlib.sha256(), 0
    for block in blocks():
        hasher.update(block)
        size += len(block)
    return FileEntry(name=name, size=size, sha256=hasher.hexdigest())
