"""OpenAI's client: pictures, sound, embeddings."""

import base64
import io
import struct
import wave

import openai
import pytest
from conftest import api, fetch, latest_job, until

PNG = b"\x89PNG\r\n\x1a\n"


def size_of(png):
    assert png.startswith(PNG)
    return struct.unpack(">II", png[16:24])


def test_a_picture_as_base64(client):
    answer = client.images.generate(
        model="synthetic", prompt="a fox", size="256x256", response_format="b64_json", n=2
    )
    pictures = [base64.b64decode(picture.b64_json) for picture in answer.data]
    assert [size_of(picture) for picture in pictures] == [(256, 256)] * 2
    assert pictures[0] != pictures[1]


def test_a_picture_as_an_address(client):
    answer = client.images.generate(model="synthetic", prompt="a hare", size="256x256", response_format="url")
    assert size_of(fetch(answer.data[0].url)) == (256, 256)
    with pytest.raises(Exception):
        fetch(answer.data[0].url[:-4] + "0000")


def test_an_edit_and_a_variation(client):
    drawn = client.images.generate(model="synthetic", prompt="a fox", size="256x256", response_format="b64_json")
    picture = base64.b64decode(drawn.data[0].b64_json)
    edited = client.images.edit(
        model="synthetic",
        image=("fox.png", io.BytesIO(picture), "image/png"),
        prompt="a red fox",
        size="256x256",
        response_format="b64_json",
    )
    assert size_of(base64.b64decode(edited.data[0].b64_json)) == (256, 256)
    varied = client.post(
        "/images/variations",
        cast_to=object,
        body={"model": "synthetic", "response_format": "b64_json", "size": "256x256"},
        files={"image": ("fox.png", io.BytesIO(picture), "image/png")},
        options={"headers": {"Content-Type": "multipart/form-data"}},
    )
    assert size_of(base64.b64decode(varied["data"][0]["b64_json"])) == (256, 256)


def test_a_picture_streams_previews(client):
    kinds = [
        event.type
        for event in client.images.generate(
            model="synthetic", prompt="a slow fox [[delay=500]]", size="256x256", stream=True, partial_images=2
        )
    ]
    assert kinds[-1] == "image_generation.completed"


def test_a_lying_upload_is_refused(client):
    with pytest.raises(openai.BadRequestError) as refused:
        client.images.edit(model="synthetic", image=("x.png", io.BytesIO(b"no picture"), "image/png"), prompt="x")
    assert "image" in str(refused.value)


def test_speech(client):
    answer = client.audio.speech.create(
        model="synthetic-tts", voice="alloy", input="Good evening", response_format="wav"
    )
    with wave.open(io.BytesIO(answer.read())) as sound:
        assert sound.getnframes() > 0
    with pytest.raises(openai.BadRequestError) as refused:
        client.audio.speech.create(model="synthetic-tts", voice="alloy", input="x", response_format="midi")
    assert "wav" in str(refused.value)


def spoken(client):
    speech = client.audio.speech.create(
        model="synthetic-tts", voice="alloy", input="Good evening", response_format="wav"
    )
    return ("evening.wav", io.BytesIO(speech.read()), "audio/wav")


def test_transcriptions(client):
    file = spoken(client)
    answer = client.audio.transcriptions.create(model="synthetic-stt", file=file)
    assert answer.text
    verbose = client.audio.transcriptions.create(
        model="synthetic-stt", file=spoken(client), response_format="verbose_json"
    )
    assert verbose.text and verbose.segments[0].end >= verbose.segments[0].start
    subtitles = client.audio.transcriptions.create(
        model="synthetic-stt", file=spoken(client), response_format="srt"
    )
    assert "-->" in str(subtitles)


def test_translations(client):
    assert client.audio.translations.create(model="synthetic-stt", file=spoken(client)).text


def test_embeddings(client):
    answer = client.embeddings.create(model="synthetic-chat", input=["a fox", "a hare"])
    assert len(answer.data) == 2 and len(answer.data[0].embedding) == len(answer.data[1].embedding) > 0
    assert answer.data[0].embedding != answer.data[1].embedding and answer.usage.prompt_tokens > 0
    plain = client.embeddings.create(model="synthetic-chat", input="a fox", encoding_format="float")
    assert plain.data[0].embedding == pytest.approx(answer.data[0].embedding, abs=1e-6)


def test_a_client_that_gives_up_on_pictures_cancels_all(client):
    with pytest.raises(openai.APITimeoutError):
        client.with_options(timeout=2).images.generate(
            model="synthetic", prompt="[[delay=60000]] many", size="256x256", n=3
        )
    latest_job("synthetic")
    until(
        "no job of it is open",
        lambda: not any(
            job["state"] in ("queued", "offered", "running") for job in api("/jobs?model=synthetic")["items"]
        ),
    )
