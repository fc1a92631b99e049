from openai import OpenAI

client = OpenAI(base_url="http://127.0.0.1:8080", api_key="none")
preview = client.post(
    "/tts/preview",
    body={"model": "tts-1", "voice": "alloy", "input": "Hello there! How are you?"},
    cast_to=dict[str, list[dict[str, object]]],
)
for sentence in preview["sentences"]:
    print(sentence["start"], sentence["text"], sentence["audio"])
