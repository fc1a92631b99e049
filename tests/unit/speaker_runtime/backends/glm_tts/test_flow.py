"""The flow stage against its formulas, alone against in company, and its lengths."""

from typing import NamedTuple

import numpy as np
import pytest
import torch
from torch import Tensor

from speaker_runtime.backends.glm_tts.code_features import stretched
from speaker_runtime.backends.glm_tts.flow import Flow
from speaker_runtime.backends.glm_tts.flow_requests import FlowConfig, FlowRequest, FlowVoice
from speaker_runtime.backends.glm_tts.streaming import reach
from speaker_runtime.backends.glm_tts.tensors import Tensors
from speaker_runtime.contract import ExitCode
from speaker_runtime.models.errors import ModelError
from tests.support.glm_models import FLOW_CONFIG, flow_weights
from tests.unit.speaker_runtime.backends.glm_tts.flow_formulas import Formulas

CODES = 512
STREAMED = (3, 2, 3)
"""Blocks that hide something in a short piece."""


class Case(NamedTuple):
    """What a piece is made of."""

    codes: Tensor
    prompt_mel: Tensor
    speaker: Tensor
    noise: Tensor


def case(codes: int, prompt_frames: int, seed: int = 0) -> Case:
    generator = torch.Generator().manual_seed(seed)
    return Case(
        torch.randint(0, CODES, (codes,), generator=generator),
        torch.randn(prompt_frames, 80, generator=generator) - 4,
        torch.randn(192, generator=generator),
        torch.randn(FlowConfig().frames(codes), 80, generator=generator),
    )


def request(
    voice: FlowVoice, each: Case, reached: Tensor | None = None, before: Tensor | None = None
) -> FlowRequest:
    return FlowRequest(each.codes, each.prompt_mel, voice, each.noise, reached, before)


def built(**changed: bool) -> Flow:
    described = {**FLOW_CONFIG, **changed}
    config = FlowConfig(
        speaker_modulates=bool(described["spkr_emb_adaLN"]),
        speaker_is_condition=not described["remove_spkr_concat_condition"],
        codes_are_guided=bool(described["speech_token_cfg"]),
    )
    return Flow(Tensors("flow.pt", flow_weights(described)), config)


def formulas(**changed: bool) -> Formulas:
    described = {**FLOW_CONFIG, **changed}
    weights = {name: each.double().numpy() for name, each in flow_weights(described).items()}
    return Formulas(weights, described)


@pytest.fixture(scope="module")
def flow() -> Flow:
    return built()


@pytest.fixture(scope="module")
def expected() -> Formulas:
    return formulas()


def close(found: Tensor, wanted: np.ndarray, limit: float) -> None:
    np.testing.assert_allclose(found.numpy(), wanted, rtol=0, atol=limit)


def test_each_part_of_a_call_is_that_of_the_formulas(flow: Flow, expected: Formulas) -> None:
    piece = case(29, 20)
    x, speaker = piece.noise.double().numpy(), piece.speaker.double().numpy()
    speaker = speaker / np.linalg.norm(speaker)
    frames = len(x)
    condition = np.random.default_rng(0).normal(size=(frames, 80))
    features = expected.features(piece.codes.tolist(), frames)
    network = flow.network

    time = torch.tensor([0.29289323])
    close(network.time_vectors(time)[0], expected.time_vector(float(time)), 1e-4)
    own = network.codes(stretched(piece.codes, frames)[None])
    close(own[0], features, 1e-4)
    modulation = network.modulation(time, torch.from_numpy(speaker).float())
    rows = network.rows(torch.from_numpy(condition).float()[None], own)
    found = network.velocity(piece.noise[None], rows, modulation.blocks, modulation.last)
    wanted = expected.network(
        x, condition, features, float(time), speaker=speaker, reach=[frames] * frames
    )
    close(found[0], wanted, 1e-4)


@pytest.mark.parametrize(
    ("codes", "prompt_frames"),
    [(29, 20), (29, 31), (12, 24), (12, 27)],
    ids=["short mel", "long mel", "all of it prompt", "mel longer than everything"],
)
def test_ten_steps_are_those_of_the_formulas(
    flow: Flow, expected: Formulas, codes: int, prompt_frames: int
) -> None:
    piece = case(codes, prompt_frames)
    wanted, wanted_steps = expected.run(
        piece.codes.tolist(),
        piece.prompt_mel.double().numpy(),
        piece.speaker.double().numpy(),
        piece.noise.double().numpy(),
    )

    with torch.inference_mode():
        (found,) = flow([request(flow.voice(piece.speaker), piece)], keep=True)

    assert found.mel.shape == wanted.shape
    close(found.mel, wanted, 1e-3)
    close(found.steps, np.stack(wanted_steps), 1e-3)


@pytest.mark.parametrize(
    "changed",
    [
        {"spkr_emb_adaLN": False, "remove_spkr_concat_condition": False},
        {"remove_spkr_concat_condition": False},
        {"speech_token_cfg": True},
    ],
    ids=["speaker beside the mel only", "speaker in both places", "codes guided"],
)
def test_other_configurations_are_those_of_the_formulas(changed: dict[str, bool]) -> None:
    flow, piece = built(**changed), case(11, 9)
    wanted, _ = formulas(**changed).run(
        piece.codes.tolist(),
        piece.prompt_mel.double().numpy(),
        piece.speaker.double().numpy(),
        piece.noise.double().numpy(),
    )

    (found,) = flow([request(flow.voice(piece.speaker), piece)])

    close(found.mel, wanted, 1e-3)


def test_a_masked_run_that_keeps_to_an_earlier_one_is_that_of_the_formulas(
    flow: Flow, expected: Formulas
) -> None:
    first, second = case(14, 9), case(24, 9)
    second = second._replace(speaker=first.speaker, prompt_mel=first.prompt_mel)
    voice = flow.voice(first.speaker)
    seen = [reach(STREAMED, len(each.noise)) for each in (first, second)]

    (earlier,) = flow([request(voice, first, seen[0])], keep=True)
    kept = earlier.steps[:, :21]
    (found,) = flow([request(voice, second, seen[1], kept)], keep=True)

    wanted, steps = expected.run(
        second.codes.tolist(),
        second.prompt_mel.double().numpy(),
        second.speaker.double().numpy(),
        second.noise.double().numpy(),
        reach=seen[1].tolist(),
        before=list(kept.double().numpy()),
    )
    assert seen[1].min() < len(second.noise)  # the mask hides something
    close(found.mel, wanted, 1e-3)
    close(found.steps, np.stack(steps), 1e-3)
    assert torch.equal(found.steps[:, :21], kept)


def test_a_run_that_keeps_to_all_of_itself_is_itself(flow: Flow) -> None:
    piece = case(20, 9)
    voice = flow.voice(piece.speaker)
    (whole,) = flow([request(voice, piece)], keep=True)

    other = piece._replace(noise=torch.zeros_like(piece.noise))
    (again,) = flow([request(voice, other, None, whole.steps)])

    torch.testing.assert_close(again.mel, whole.mel, rtol=0, atol=1e-5)


@pytest.mark.parametrize("streamed", [False, True])
def test_a_request_is_the_same_alone_and_in_a_batch(flow: Flow, streamed: bool) -> None:
    pieces = [
        case(codes, mel, seed) for seed, (codes, mel) in enumerate([(29, 20), (7, 3), (18, 40)])
    ]
    requests = []
    for number, piece in enumerate(pieces):
        seen = reach(STREAMED, len(piece.noise)) if streamed and number else None
        before = torch.randn(10, 5, 80) if streamed and number == 1 else None
        requests.append(request(flow.voice(piece.speaker), piece, seen, before))

    together = flow(requests, keep=True)

    for each, found in zip(requests, together, strict=True):
        (alone,) = flow([each], keep=True)
        torch.testing.assert_close(found.mel, alone.mel, rtol=0, atol=1e-4)
        torch.testing.assert_close(found.steps, alone.steps, rtol=0, atol=1e-4)


def test_a_speaker_is_as_good_as_its_direction_and_another_one_is_heard(flow: Flow) -> None:
    piece = case(9, 6)
    voices = (piece.speaker, 7 * piece.speaker, -piece.speaker)

    mels = [flow([request(flow.voice(each), piece)])[0].mel for each in voices]

    torch.testing.assert_close(mels[0], mels[1], rtol=0, atol=1e-4)
    assert (mels[0] - mels[2]).abs().max() > 0.05


def test_frames_are_counted_in_doubles_and_in_this_order() -> None:
    config = FlowConfig()

    short = [codes for codes in range(20000) if config.frames(codes) != 2 * codes]

    assert short[:7] == [29, 57, 58, 113, 114, 115, 116]
    assert len(short) == 1145
    assert all(config.frames(codes) == 2 * codes - 1 for codes in short)


def test_weights_that_do_not_fit_the_configuration_are_told_with_their_file() -> None:
    tensors = Tensors("flow.pt", flow_weights())
    with pytest.raises(ModelError, match=r"flow\.pt .*spkr_emb_adaLN is false") as failed:
        Flow(tensors, FlowConfig(speaker_modulates=False))
    assert failed.value.exit_code is ExitCode.MODEL_CORRUPT
    with pytest.raises(ModelError, match=r"spk_embed_affine_layer\.weight"):
        Flow(tensors, FlowConfig(speaker_is_condition=True))


@pytest.mark.parametrize(
    "name",
    ["estimator.proj_out.bias", "estimator.transformer_blocks.1.ff.ff.2.weight"],
)
def test_a_missing_or_misshapen_tensor_is_told_with_its_file(name: str) -> None:
    weights = flow_weights()
    there = weights.pop(name)
    with pytest.raises(ModelError, match=rf"flow\.pt .*it has no {name}"):
        Flow(Tensors("flow.pt", weights), FlowConfig())
    weights[name] = there[:-1]
    with pytest.raises(ModelError, match=rf"flow\.pt .*{name} has the shape"):
        Flow(Tensors("flow.pt", weights), FlowConfig())
