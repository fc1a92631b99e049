import OpenAI from "openai";

const client = new OpenAI({ baseURL: "http://127.0.0.1:8080", apiKey: "none" });
const { sentences } = await client.post("/tts/preview", {
  body: { model: "tts-1", voice: "alloy", input: "Hello there! How are you?" },
});
for (const { start, text, audio } of sentences) console.log(start, text, audio);
