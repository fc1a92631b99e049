"""The language model against transformers' own, and a stream alone against in company."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import LlamaForCausalLM

from speaker_runtime.backends.glm_tts.llama import Llama, Place
from speaker_runtime.backends.glm_tts.llama_config import LlamaConfig
from speaker_runtime.backends.glm_tts.shards import INDEX_FILE, Shards
from speaker_runtime.backends.glm_tts.tensors import Tensors
from speaker_runtime.contract import ExitCode
from speaker_runtime.models.errors import ModelError
from tests.support.glm_models import LLM_CONFIG, llm_weights, write_llm

CPU = torch.device("cpu")
SLOTS = 6
POSITIONS = 300
UNTIED = {**LLM_CONFIG, "tie_word_embeddings": False}
PLAIN = {**LLM_CONFIG, "num_key_value_heads": 8, "rope_theta": 500000.0}
"""Without shared heads."""


def opened(directory: Path, **options: Any) -> Llama:
    return Llama(
        Tensors(directory, Shards.indexed(directory / INDEX_FILE)),
        LlamaConfig.read(directory / "config.json"),
        Place(CPU, SLOTS, POSITIONS),
        **options,
    )


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("llm")
    write_llm(made, UNTIED)
    return made


@pytest.fixture(params=[False, True], ids=["row by row", "together"])
def llama(directory: Path, request: pytest.FixtureRequest) -> Llama:
    return opened(directory, together=request.param)


def tokens(count: int, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, LLM_CONFIG["vocab_size"], (count,), generator=generator)


def greedy(llama: Llama, slot: int, prompt: torch.Tensor, count: int) -> list[int]:
    known = llama.read(slot, 0, prompt)
    said: list[int] = []
    for at in range(count):
        said.append(int(llama.logits(known).argmax()))
        known = llama.step([slot], [len(prompt) + at], torch.tensor(said[-1:]))
    return said


@pytest.mark.parametrize("config", [LLM_CONFIG, UNTIED, PLAIN], ids=["tied", "untied", "plain"])
def test_it_is_transformers_llama(tmp_path: Path, config: Mapping[str, Any]) -> None:
    write_llm(tmp_path, config)
    reference: Any = LlamaForCausalLM.from_pretrained(tmp_path, dtype=torch.float32)
    prompt = tokens(90)

    with torch.inference_mode():
        ours = opened(tmp_path)
        expected = reference(prompt[None]).logits[0, -1]
        found = ours.logits(ours.read(2, 0, prompt))[0]
        said = greedy(ours, 4, prompt, 40)
        generated = reference.generate(
            prompt[None], do_sample=False, max_new_tokens=40, eos_token_id=-1, pad_token_id=0
        )

    torch.testing.assert_close(found, expected, rtol=0, atol=1e-3)
    assert said == generated[0, 90:].tolist()


@pytest.mark.parametrize("parts", [(64, 26), (1, 89), (30, 30, 30), (89, 1)])
def test_a_prompt_read_in_parts_is_the_whole(llama: Llama, parts: tuple[int, ...]) -> None:
    prompt = tokens(90)
    whole = llama.logits(llama.read(0, 0, prompt))

    begin = 0
    for count in parts:
        known = llama.read(1, begin, prompt[begin : begin + count])
        begin += count

    torch.testing.assert_close(llama.logits(known), whole, rtol=0, atol=1e-4)


def test_steps_are_what_reading_is(llama: Llama) -> None:
    prompt = tokens(40)
    whole = llama.logits(llama.read(0, 0, prompt))

    llama.read(1, 0, prompt[:30])
    for at in range(30, 40):
        known = llama.step([1], [at], prompt[at : at + 1])

    torch.testing.assert_close(llama.logits(known), whole, rtol=0, atol=1e-4)


def test_streams_join_and_leave_without_a_trace(directory: Path) -> None:
    llama = opened(directory, together=False)
    prompts = [tokens(10 + 7 * each, each) for each in range(SLOTS)]
    alone = [greedy(opened(directory, together=False), 0, each, 30) for each in prompts]
    exact = llama.logits(llama.read(0, 0, prompts[0]))

    # Each stream begins three steps after the one before it, and is over after thirty.
    known: dict[int, torch.Tensor] = {}
    said: list[list[int]] = [[] for _ in prompts]
    for tick in range(30 + 3 * SLOTS):
        if tick % 3 == 0 and tick // 3 < SLOTS:
            stream = tick // 3
            known[stream] = llama.read(stream, 0, prompts[stream])
            if stream == 0:
                assert torch.equal(llama.logits(known[0]), exact)
        going = [stream for stream in reversed(range(SLOTS)) if stream in known]
        if not going:
            continue
        for stream in going:
            said[stream].append(int(llama.logits(known[stream]).argmax()))
        stepped = llama.step(
            going,
            [len(prompts[stream]) + len(said[stream]) - 1 for stream in going],
            torch.tensor([said[stream][-1] for stream in going]),
        )
        for row, stream in enumerate(going):
            known[stream] = stepped[row : row + 1]
            if len(said[stream]) == 30:
                del known[stream]

    assert said == alone


def test_a_row_is_the_same_bit_by_bit_in_any_company(directory: Path) -> None:
    llama = opened(directory, together=False)
    prompts = [tokens(10 + 7 * each, each) for each in range(SLOTS)]
    for slot, prompt in enumerate(prompts):
        llama.read(slot, 0, prompt)
    places = [len(prompt) for prompt in prompts]
    following = tokens(SLOTS, 99)

    company = llama.logits(llama.step(range(SLOTS), places, following))

    for slot in range(SLOTS):
        row = following[slot : slot + 1]
        alone = llama.logits(llama.step([slot], [places[slot]], row))
        assert torch.equal(alone[0], company[slot])


def test_only_the_tokens_that_are_asked_for_are_scored(directory: Path) -> None:
    outputs = torch.tensor([7, *range(100, 600)])
    some, every = opened(directory, outputs=outputs), opened(directory)
    prompt = tokens(12)

    found = some.logits(some.read(0, 0, prompt))

    assert found.shape == (1, 501)
    expected = every.logits(every.read(0, 0, prompt))[:, outputs]
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)


def test_weights_of_sixteen_bits_are_computed_with_in_full(tmp_path: Path) -> None:
    halved = {name: each.bfloat16() for name, each in llm_weights(UNTIED).items()}
    write_llm(tmp_path / "half", UNTIED, halved, shards=1)
    write_llm(tmp_path / "full", UNTIED, {name: each.float() for name, each in halved.items()})
    prompt = tokens(20)

    half, full = (opened(tmp_path / name) for name in ("half", "full"))

    found = half.logits(half.read(0, 0, prompt))
    assert torch.equal(found, full.logits(full.read(0, 0, prompt)))
    assert found.dtype is torch.float32


def changed(directory: Path, **fields: Any) -> Path:
    path = directory / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **fields}))
    return path


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"model_type": "gpt2"}, "model_type is 'gpt2'"),
        ({"attention_bias": True}, "attention_bias is True"),
        ({"rope_scaling": {"rope_type": "llama3"}}, r"scaled \(llama3\)"),
        ({"num_key_value_heads": 3}, "8 heads cannot share 3"),
        ({"hidden_size": "wide"}, "invalid literal"),
    ],
)
def test_another_kind_of_model_is_told(tmp_path: Path, fields: dict[str, Any], said: str) -> None:
    write_llm(tmp_path)
    path = changed(tmp_path, **fields)
    with pytest.raises(ModelError, match=f"{path} .*{said}") as failed:
        LlamaConfig.read(path)
    assert failed.value.exit_code is ExitCode.MODEL_CORRUPT


def test_what_is_no_configuration_is_told(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    for content, said in ((None, "No such file"), ("[]", "no JSON object"), ("{", "Expecting")):
        if content is not None:
            path.write_text(content)
        with pytest.raises(ModelError, match=f"{path} .*{said}"):
            LlamaConfig.read(path)
    path.write_text(json.dumps({"hidden_size": 8, "num_attention_heads": 2}))
    with pytest.raises(ModelError, match=f"{path} .*it has no vocab_size"):
        LlamaConfig.read(path)


def test_a_damaged_shard_is_named(tmp_path: Path) -> None:
    write_llm(tmp_path)
    shard = tmp_path / "model-00002-of-00002.safetensors"
    content = shard.read_bytes()
    shard.write_bytes(content[:-7])
    with pytest.raises(ModelError, match=str(shard)):
        opened(tmp_path)
    shard.unlink()
    with pytest.raises(ModelError, match=str(shard)):
        opened(tmp_path)
    shard.write_bytes((tmp_path / "model-00001-of-00002.safetensors").read_bytes())
    with pytest.raises(ModelError, match=f"{shard} .*it has"):
        opened(tmp_path)
    (tmp_path / INDEX_FILE).write_text("{}")
    with pytest.raises(ModelError, match=f"{tmp_path / INDEX_FILE} .*weight_map"):
        opened(tmp_path)


def test_weights_of_other_sizes_than_the_configuration_says_are_told(tmp_path: Path) -> None:
    write_llm(tmp_path)
    changed(tmp_path, intermediate_size=100)
    with pytest.raises(ModelError, match=r"gate_proj\.weight has the shape \[96, 64\]"):
        opened(tmp_path)
