import { createWriteStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import OpenAI from "openai";

const client = new OpenAI({ baseURL: "http://127.0.0.1:8080/v1", apiKey: "none" });
const speech = await client.audio.speech.create({
  model: "tts-1",
  voice: "alloy",
  input: "Every word arrives as soon as it is spoken.",
  response_format: "mp3",
  seed: 7,
  language: "en-US",
});
await pipeline(speech.body, createWriteStream("speech.mp3"));
