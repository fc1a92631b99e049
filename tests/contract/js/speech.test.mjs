// What the official JavaScript client asks for, and gets.
//
// SPEAKER_TTS_URL is a running service with the voice `ana`; SPEAKER_TTS_BROKEN_URL one whose model
// fails at every exclamation mark. Audio is left in the working directory for whoever can decode it.

import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { test } from "node:test";
import OpenAI from "openai";

const SERVICE = process.env.SPEAKER_TTS_URL;
const SENTENCE = "The quick brown fox jumps over the lazy dog.";
const sentences = (length) => Array.from({ length }, (_, n) => `This is sentence number ${n} of a text.`).join(" ");
const TEXT = sentences(8);
const LONG_TEXT = sentences(80); // as WAV, more than all buffers on the way hold
const TYPES = {
  mp3: "audio/mpeg",
  opus: "audio/ogg",
  aac: "audio/aac",
  flac: "audio/flac",
  wav: "audio/wav",
  pcm: "audio/pcm",
};
const MODELS = ["tts-1", "tts-1-hd", "gpt-4o-mini-tts"];
const VOICES = "alloy ash ballad cedar coral echo fable marin nova onyx sage shimmer verse".split(" ");
const GONE_WITHIN_MS = 10_000;

// Without retries, so that every refusal is seen.
const client = new OpenAI({ baseURL: `${SERVICE}/v1`, apiKey: "none", maxRetries: 0 });
const speak = (more) => client.audio.speech.create({ model: "tts-1", voice: "ana", input: SENTENCE, ...more });
const bytes = async (answer) => Buffer.from(await answer.arrayBuffer());

async function events(answer) {
  const lines = (await answer.text()).split("\n").filter(Boolean);
  assert.ok(lines.every((line) => line.startsWith("data: ")));
  return lines.map((line) => JSON.parse(line.slice("data: ".length)));
}

for (const [format, type] of Object.entries(TYPES)) {
  test(`${format} is whole speech`, async () => {
    const answer = await speak({ response_format: format });
    assert.equal(answer.headers.get("content-type"), type);
    await writeFile(`speech.${format}`, await bytes(answer));
  });

  test(`${format} streams`, async () => {
    const answer = await speak({ input: TEXT, response_format: format });
    let chunks = 0;
    for await (const chunk of answer.body) chunks += chunk.length > 0;
    assert.ok(chunks > 1);
  });
}

test("mp3 is the default", async () => {
  const answer = await speak({});
  assert.equal(answer.headers.get("content-type"), "audio/mpeg");
  await answer.arrayBuffer();
});

test("events carry the same audio", async () => {
  const order = { input: TEXT, response_format: "pcm" };
  const all = await events(await speak({ ...order, stream_format: "sse" }));
  const deltas = all.slice(0, -1);
  const done = all.at(-1);
  assert.ok(deltas.every((event) => event.type === "speech.audio.delta"));
  const audio = Buffer.concat(deltas.map((event) => Buffer.from(event.audio, "base64")));
  assert.ok(audio.equals(await bytes(await speak(order))));
  assert.equal(done.type, "speech.audio.done");
  assert.equal(done.usage.total_tokens, done.usage.input_tokens + done.usage.output_tokens);
});

for (const model of MODELS) {
  test(`${model} speaks with every voice of OpenAI`, async () => {
    for (const voice of VOICES) {
      const answer = await speak({ model, voice, input: "Yes.", response_format: "pcm" });
      assert.ok((await bytes(answer)).length > 10_000, voice);
    }
  });
}

test("a voice may be an object", async () => {
  const order = { response_format: "pcm" };
  const byName = await bytes(await speak(order));
  assert.ok(byName.equals(await bytes(await speak({ ...order, voice: { id: "ana" } }))));
});

test("fields beyond OpenAI's are passed on", async () => {
  const answer = await speak({ seed: 7, language: "en-US", normalize: false, response_format: "pcm" });
  assert.ok((await bytes(answer)).length > 10_000);
});

test("instructions that cannot be followed give a warning", async () => {
  const answer = await speak({ model: "gpt-4o-mini-tts", instructions: "Whisper." });
  assert.match(answer.headers.get("x-speaker-warning"), /instructions/);
  await answer.arrayBuffer();
});

test("the models are listed", async () => {
  const ids = [];
  for await (const model of client.models.list()) ids.push(model.id);
  assert.deepEqual(ids, ["hibari", ...MODELS]);
  assert.equal((await client.models.retrieve("hibari")).owned_by, "speaker-tts");
});

const REFUSED = [
  ["an unknown voice", OpenAI.BadRequestError, 400, "voice_not_found", "voice", { voice: "anna" }],
  ["a voice that failed", OpenAI.BadRequestError, 400, "voice_unavailable", "voice", { voice: "ghost" }],
  ["no input", OpenAI.BadRequestError, 400, "missing_required_parameter", "input", { input: undefined }],
  ["an empty input", OpenAI.BadRequestError, 400, "empty_input", "input", { input: "" }],
  ["too long an input", OpenAI.BadRequestError, 400, "string_above_max_length", "input", { input: "a".repeat(4097) }],
  ["an unknown field", OpenAI.BadRequestError, 400, "unknown_parameter", "vioce", { vioce: "ana" }],
  ["an unknown format", OpenAI.BadRequestError, 400, "invalid_value", "response_format", { response_format: "midi" }],
  ["a speed that is a word", OpenAI.BadRequestError, 400, "invalid_type", "speed", { speed: "fast" }],
  ["an unknown model", OpenAI.NotFoundError, 404, "model_not_found", "model", { model: "tts-2" }],
];

for (const [what, type, status, code, param, change] of REFUSED) {
  test(`${what} is refused`, async () => {
    const error = await speak(change).then(() => assert.fail("it was spoken"), (refusal) => refusal);
    assert.ok(error instanceof type, error);
    const got = [error.status, error.code, error.param, error.type];
    assert.deepEqual(got, [status, code, param, "invalid_request_error"]);
    assert.ok(error.message.startsWith(`${status} `));
    assert.ok(error.error.suggestion);
    assert.equal(error.requestID, error.headers.get("x-request-id"));
  });
}

test("a model that fails is a server error", async () => {
  const broken = new OpenAI({ baseURL: `${process.env.SPEAKER_TTS_BROKEN_URL}/v1`, apiKey: "none", maxRetries: 0 });
  const order = { model: "tts-1", voice: "alloy", input: "Broken!" };
  const error = await broken.audio.speech.create(order).catch((failure) => failure);
  assert.ok(error instanceof OpenAI.InternalServerError, error);
  assert.deepEqual([error.status, error.code, error.type], [500, "speech_failed", "server_error"]);
});

test("an abort frees the place", async () => {
  const controller = new AbortController();
  const order = { model: "tts-1", voice: "ana", input: LONG_TEXT, response_format: "wav" };
  const answer = await client.audio.speech.create(order, { signal: controller.signal });
  const reader = answer.body.getReader();
  await reader.read();
  controller.abort();
  await assert.rejects(async () => {
    while (!(await reader.read()).done);
  }, { name: "AbortError" });
  const until = Date.now() + GONE_WITHIN_MS;
  const running = async () => (await (await fetch(`${SERVICE}/status`)).json()).queue.running;
  while ((await running()) > 0) assert.ok(Date.now() < until, "it still runs");
});

test("an abort before the answer is the client's own error", async () => {
  const pending = client.audio.speech.create(
    { model: "tts-1", voice: "ana", input: SENTENCE },
    { signal: AbortSignal.abort() },
  );
  await assert.rejects(pending, OpenAI.APIUserAbortError);
});
