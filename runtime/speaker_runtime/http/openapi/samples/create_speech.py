from openai import OpenAI

client = OpenAI(base_url="http://127.0.0.1:8080/v1", api_key="none")
with client.audio.speech.with_streaming_response.create(
    model="tts-1",
    voice="alloy",
    input="Every word arrives as soon as it is spoken.",
    response_format="mp3",
    extra_body={"seed": 7, "language": "en-US"},
) as speech:
    speech.stream_to_file("speech.mp3")
