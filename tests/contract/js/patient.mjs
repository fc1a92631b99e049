// Speaks once through a client that comes back RETRIES times, and tells how it went.

import OpenAI from "openai";

const attempts = [];
const client = new OpenAI({
  baseURL: `${process.env.SPEAKER_TTS_URL}/v1`,
  apiKey: process.env.KEY,
  maxRetries: Number(process.env.RETRIES),
  fetch: async (...call) => {
    const at = performance.now();
    const answer = await fetch(...call);
    attempts.push({ at, status: answer.status, retryAfter: answer.headers.get("retry-after") });
    return answer;
  },
});
const order = { model: "tts-1", voice: "low", input: process.env.TEXT, response_format: "pcm" };
try {
  const answer = await client.audio.speech.create(order);
  console.log(JSON.stringify({ attempts, bytes: (await answer.arrayBuffer()).byteLength }));
} catch (error) {
  const { status, code } = error;
  console.log(JSON.stringify({ attempts, error: { name: error.constructor.name, status, code } }));
}
