import OpenAI from "openai";

const client = new OpenAI({ baseURL: "http://127.0.0.1:8080/v1", apiKey: "none" });
const service = await client.get("/audio/capabilities");
console.log(service.languages, service.max_input_characters);
