from openai import OpenAI

client = OpenAI(base_url="http://127.0.0.1:8080/v1", api_key="none")
service = client.get("/audio/capabilities", cast_to=dict[str, object])
print(service["languages"], service["max_input_characters"])
