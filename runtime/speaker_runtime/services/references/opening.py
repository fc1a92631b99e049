"""The maker of cloned voices that a configuration asks for."""

import asyncio
import logging
import tempfile
from pathlib import Path

from speaker_runtime.backends.protocol import ClonedVoice, Reference
from speaker_runtime.contract import VOICE_STATES_DIRECTORY, ReferencesConfig, RuntimeConfig
from speaker_runtime.engine.engine import Engine
from speaker_runtime.services.metrics import RuntimeMetrics
from speaker_runtime.services.references.cloner import Cloner
from speaker_runtime.services.references.fetching import Fetcher
from speaker_runtime.services.references.sources import Sources
from speaker_runtime.services.references.states import StateStore

logger = logging.getLogger(__name__)


def open_cloner(config: RuntimeConfig, engine: Engine, metrics: RuntimeMetrics) -> Cloner | None:
    """Open what makes voices of references, or None where the service clones none."""
    references = config.references
    if references is None and VOICE_STATES_DIRECTORY.is_dir():
        references = ReferencesConfig(directory=VOICE_STATES_DIRECTORY)
    if references is None:
        return None
    store = _store(references)

    def embed(reference: Reference) -> asyncio.Future[ClonedVoice]:
        return asyncio.wrap_future(engine.embed(reference))

    metrics.clone_bytes = lambda: store.memory_bytes
    return Cloner(
        store,
        Sources(Fetcher(allow_private=references.allow_private_addresses)),
        embed,
        backend=config.backend,
        count=metrics.cloned,
    )


def _store(config: ReferencesConfig) -> StateStore:
    """A folder that cannot be used costs what would be kept beyond a restart, not the voices."""
    try:
        return StateStore(config.directory, config.max_bytes)
    except OSError as error:
        logger.warning("cloned voices are made anew after a restart: %s", error)
        return StateStore(Path(tempfile.mkdtemp(prefix="speaker-tts-voices-")), config.max_bytes)
