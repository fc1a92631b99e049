// Speaks once through a client that tries again as often as it does by itself, and tells how.

import OpenAI from "openai";

const attempts = [];
const client = new OpenAI({
  baseURL: `${process.env.SPEAKER_TTS_URL}/v1`,
  apiKey: "none",
  fetch: async (...call) => {
    const at = performance.now();
    const answer = await fetch(...call);
    attempts.push({ at, status: answer.status, retryAfter: answer.headers.get("retry-after") });
    return answer;
  },
});
const answer = await client.audio.speech.create({
  model: "tts-1",
  voice: "low",
  input: process.env.TEXT,
  response_format: "pcm",
});
console.log(JSON.stringify({ attempts, bytes: (await answer.arrayBuffer()).byteLength }));
