import OpenAI from "openai";

const client = new OpenAI({ baseURL: "http://127.0.0.1:8080/v1", apiKey: "none" });
const { voices } = await client.get("/audio/voices");
for (const voice of voices) console.log(voice.id, voice.name, voice.languages);
