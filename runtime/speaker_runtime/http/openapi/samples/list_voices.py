from openai import OpenAI

client = OpenAI(base_url="http://127.0.0.1:8080/v1", api_key="none")
answer = client.get("/audio/voices", cast_to=dict[str, list[dict[str, object]]])
for voice in answer["voices"]:
    print(voice["id"], voice["name"], voice["languages"])
