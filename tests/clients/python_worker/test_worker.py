"""OpenAI's client against a worker alone, which no studio is in reach of; started by tests/clients.rs."""

import base64
import io
import json
import os
import pathlib
import struct
import time
import urllib.request
import wave

import openai
import pytest

FOUND = json.loads((pathlib.Path(os.environ["WORKER_FOLDER"]) / "local-api.json").read_text())
CHAT = "synthetic-chat"
SOON = 30.0
TOOL = {
    "type": "function",
    "function": {
        "name": "weather",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
        },
    },
}


@pytest.fixture
def client():
    return openai.OpenAI(base_url=f"{FOUND['url']}/v1", api_key=FOUND["token"], max_retries=0, timeout=60)


def say(text):
    return [{"role": "user", "content": text}]


def running():
    """What the worker's owner sees."""
    headers = {"Authorization": f"Bearer {FOUND['token']}"}
    request = urllib.request.Request(f"{FOUND['url']}/api/v1/status", headers=headers)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)["jobs"]


def until(what, holds):
    end = time.monotonic() + SOON
    while not holds():
        assert time.monotonic() < end, f"not within {SOON} s: {what}"
        time.sleep(0.05)


def test_models(client):
    assert "synthetic" in [model.id for model in client.models.list()]
    assert client.models.retrieve(CHAT).id == CHAT
    with pytest.raises(openai.NotFoundError) as refused:
        client.chat.completions.create(model="no-such-model", messages=say("x"))
    assert refused.value.body["code"] == "model_not_found" and "studio-worker models add" in refused.value.message


def test_a_stream_says_what_the_answer_says(client):
    whole = client.chat.completions.create(model=CHAT, messages=say("A stream [[pace=60]]"), seed=3)
    pieces, usage = [], None
    stream = client.chat.completions.create(
        model=CHAT, messages=say("A stream [[pace=60]]"), seed=3, stream=True, stream_options={"include_usage": True}
    )
    for chunk in stream:
        usage = chunk.usage or usage
        pieces.extend(choice.delta.content or "" for choice in chunk.choices)
    assert "".join(pieces) == whole.choices[0].message.content and len([piece for piece in pieces if piece]) > 1
    assert usage.completion_tokens == whole.usage.completion_tokens > 0


def test_tools_and_schemas(client):
    with client.chat.completions.stream(
        model=CHAT, messages=say("What is the weather?"), tools=[TOOL], tool_choice="required"
    ) as stream:
        for _ in stream:
            pass
        call = stream.get_final_completion().choices[0].message.tool_calls[0]
    assert call.function.name == "weather" and "city" in json.loads(call.function.arguments)
    schema = {"type": "object", "properties": {"age": {"type": "integer"}}, "required": ["age"]}
    answer = client.chat.completions.create(
        model=CHAT,
        messages=say("Somebody"),
        response_format={"type": "json_schema", "json_schema": {"name": "person", "schema": schema}},
    )
    assert isinstance(json.loads(answer.choices[0].message.content)["age"], int)


def test_completions_and_responses(client):
    assert client.completions.create(model=CHAT, prompt="Once upon a time", max_tokens=5).choices[0].text
    answer = client.responses.create(model=CHAT, instructions="Be brief", input="Hello")
    assert answer.status == "completed" and answer.output_text


def test_embeddings(client):
    answer = client.embeddings.create(model=CHAT, input=["a fox", "a hare"])
    assert len(answer.data) == 2 and answer.data[0].embedding != answer.data[1].embedding


def test_pictures(client):
    # What a client asks for that says nothing of the format.
    drawn = client.images.generate(model="synthetic", prompt="a fox", size="256x256")
    picture = base64.b64decode(drawn.data[0].b64_json)
    assert struct.unpack(">II", picture[16:24]) == (256, 256)
    edited = client.images.edit(
        model="synthetic", image=("fox.png", io.BytesIO(picture), "image/png"), prompt="a red fox", size="256x256"
    )
    assert base64.b64decode(edited.data[0].b64_json).startswith(b"\x89PNG")
    events = client.images.generate(
        model="synthetic", prompt="a slow fox [[delay=500]]", size="256x256", stream=True, partial_images=2
    )
    assert [event.type for event in events][-1] == "image_generation.completed"


def test_speech_and_transcriptions(client):
    with client.audio.speech.with_streaming_response.create(
        model="synthetic-tts", voice="alloy", input="Good evening", response_format="wav"
    ) as spoken:
        sound = b"".join(spoken.iter_bytes())
    with wave.open(io.BytesIO(sound)) as opened:
        assert opened.getnframes() > 0
    recording = ("evening.wav", io.BytesIO(sound), "audio/wav")
    verbose = client.audio.transcriptions.create(
        model="synthetic-stt", file=recording, response_format="verbose_json"
    )
    assert verbose.text and verbose.segments[0].end >= verbose.segments[0].start


def test_a_client_that_gives_up_calls_its_job_off(client):
    with pytest.raises(openai.APITimeoutError):
        client.with_options(timeout=1.5).chat.completions.create(model=CHAT, messages=say("[[delay=60000]] a"))
    until("nothing runs", lambda: not running())
    stream = client.chat.completions.create(model=CHAT, messages=say("[[delay=60000]] b"), stream=True)
    until("it runs", running)
    stream.close()
    until("nothing runs", lambda: not running())


def test_wrong_requests_and_keys(client):
    with pytest.raises(openai.BadRequestError) as refused:
        client.chat.completions.create(model=CHAT, messages=say("x"), temperature="hot")
    assert refused.value.body["param"] == "temperature"
    stranger = openai.OpenAI(base_url=f"{FOUND['url']}/v1", api_key="sk-wrong", max_retries=0)
    with pytest.raises(openai.AuthenticationError):
        stranger.models.list()
    with pytest.raises(openai.UnprocessableEntityError) as failed:
        client.chat.completions.create(model=CHAT, messages=say("[[fail-for-good]]"))
    assert "fails for good" in failed.value.message
