from openai import NotFoundError, OpenAI

client = OpenAI(base_url="http://127.0.0.1:8080/v1", api_key="none")
try:
    print(client.models.retrieve("tts-1").owned_by)
except NotFoundError as error:
    print(error.code, error.message)
