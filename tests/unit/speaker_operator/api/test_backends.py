"""What the control plane says of each backend is what the runtime has."""

from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from speaker_operator.api import celenv
from speaker_operator.api.v1alpha1.backendrules import license_rules
from speaker_operator.api.v1alpha1.backends import BACKENDS
from speaker_runtime.backends import registry
from speaker_runtime.models.sources import resolve
from speaker_runtime.models.sources.base import Workspace
from speaker_runtime.models.web import Web

SPEAKING = [name for name, backend in BACKENDS.items() if backend.runs == "model"]


@pytest.mark.parametrize("name", SPEAKING)
def test_every_backend_is_installed_in_the_runtime(name: str) -> None:
    assert name in registry.available()


@pytest.mark.parametrize("name", SPEAKING)
def test_every_default_model_can_be_resolved(name: str, tmp_path: Path) -> None:
    source = resolve(BACKENDS[name].model_source, Workspace(tmp_path, Web, lambda _: None))
    if not BACKENDS[name].model_source.startswith("hf://"):  # the Hub is not asked
        assert source.list()


def test_kokoros_presets_are_the_voices_of_its_model(tmp_path: Path) -> None:
    kokoro = BACKENDS["kokoro"]
    files = resolve(kokoro.model_source, Workspace(tmp_path, Web, lambda _: None)).list()
    paths = [PurePosixPath(entry.name) for entry in files]
    voices = {path.stem for path in paths if path.parent.name == "voices"}
    assert len(kokoro.presets) == len(voices)
    assert set(kokoro.presets) == voices


@pytest.mark.parametrize("name", SPEAKING)
def test_the_licence_to_accept_is_that_of_the_default_model(name: str, tmp_path: Path) -> None:
    backend = BACKENDS[name]
    recipe = registry.recipe(name)
    if recipe is None:
        source = resolve(backend.model_source, Workspace(tmp_path, Web, lambda _: None))
        assert source.license() == backend.accept_license
    else:
        assert recipe.license == backend.accept_license


@pytest.mark.parametrize("name", SPEAKING)
def test_backends_that_make_files_of_their_own_are_known(name: str) -> None:
    assert BACKENDS[name].converts is (registry.recipe(name) is not None)


@pytest.mark.parametrize(
    ("model", "admitted"),
    [
        ({"acceptLicense": "CPML"}, True),
        ({"acceptLicense": "MIT"}, False),
        ({}, False),
        ({"source": "hf://owner/free@main"}, True),
    ],
)
def test_a_backend_whose_model_restricts_its_use_wants_the_licence_named(
    model: dict[str, Any], admitted: bool
) -> None:
    restricted = replace(BACKENDS["kokoro"], name="restricted", accept_license="CPML")
    (rule,) = license_rules([restricted])
    assert celenv.holds(rule.expression, {"backend": "restricted", "model": model}) is admitted
    assert celenv.holds(rule.expression, {"backend": "kokoro"})
    assert "write model: {acceptLicense: CPML}" in rule.message
