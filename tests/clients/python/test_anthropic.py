"""Anthropic's client."""

import anthropic
import pytest
from conftest import URL, api, latest_job, until

CHAT = "synthetic-chat"
TOOL = {
    "name": "weather",
    "description": "The weather somewhere",
    "input_schema": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
    },
}


def say(text):
    return [{"role": "user", "content": text}]


def test_a_message_is_answered(claude):
    answer = claude.messages.create(model=CHAT, max_tokens=100, system="Be brief", messages=say("Hello"))
    assert answer.type == "message" and answer.role == "assistant"
    assert answer.content[0].type == "text" and answer.content[0].text
    assert answer.stop_reason == "end_turn" and answer.usage.output_tokens > 0


def test_a_message_streams(claude):
    whole = claude.messages.create(model=CHAT, max_tokens=100, messages=say("A stream"))
    with claude.messages.stream(model=CHAT, max_tokens=100, messages=say("A stream")) as stream:
        text = "".join(stream.text_stream)
        final = stream.get_final_message()
    assert text == whole.content[0].text == final.content[0].text
    assert final.stop_reason == "end_turn" and final.usage.output_tokens == whole.usage.output_tokens


def test_max_tokens(claude):
    answer = claude.messages.create(model=CHAT, max_tokens=3, messages=say("Long"))
    assert answer.stop_reason == "max_tokens"


def test_tools_are_called_and_answered(claude):
    first = claude.messages.create(
        model=CHAT, max_tokens=200, messages=say("Weather?"), tools=[TOOL], tool_choice={"type": "any"}
    )
    call = next(block for block in first.content if block.type == "tool_use")
    assert first.stop_reason == "tool_use" and call.name == "weather" and isinstance(call.input["city"], str)
    second = claude.messages.create(
        model=CHAT,
        max_tokens=200,
        tools=[TOOL],
        tool_choice={"type": "none"},
        messages=[
            *say("Weather?"),
            {"role": "assistant", "content": [block.model_dump() for block in first.content]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": call.id, "content": "rain"}]},
        ],
    )
    assert second.content[0].type == "text" and second.stop_reason == "end_turn"


def test_tools_stream(claude):
    with claude.messages.stream(
        model=CHAT, max_tokens=200, messages=say("Weather?"), tools=[TOOL], tool_choice={"type": "any"}
    ) as stream:
        final = stream.get_final_message()
    call = next(block for block in final.content if block.type == "tool_use")
    assert call.name == "weather" and "city" in call.input


def test_errors_have_their_own_shape(claude):
    with pytest.raises(anthropic.NotFoundError) as refused:
        claude.messages.create(model="no-such-model", max_tokens=10, messages=say("x"))
    assert refused.value.body["type"] == "error" and refused.value.body["error"]["type"] == "not_found_error"
    stranger = anthropic.Anthropic(base_url=URL, api_key="sk-wrong", max_retries=0)
    with pytest.raises(anthropic.AuthenticationError):
        stranger.messages.create(model=CHAT, max_tokens=10, messages=say("x"))
    with pytest.raises(anthropic.BadRequestError):
        claude.messages.create(model=CHAT, max_tokens=10, messages=[])
    with pytest.raises(anthropic.APIStatusError) as busy:
        claude.messages.create(model="nobody-runs-this", max_tokens=10, messages=say("x"))
    assert busy.value.status_code in (503, 529) and busy.value.response.headers["retry-after"]


def test_a_stream_that_is_closed_cancels_its_job(claude):
    with claude.messages.stream(model=CHAT, max_tokens=100, messages=say("[[delay=60000]] c")):
        job = until("the job runs", lambda: latest_job(CHAT) if latest_job(CHAT)["state"] == "running" else None)
    until("the job is cancelled", lambda: api(f"/jobs/{job['id']}")["state"] == "cancelled")
