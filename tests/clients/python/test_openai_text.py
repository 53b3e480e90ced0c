"""OpenAI's client: chat, completions, responses, embeddings, models."""

import json

import openai
import pytest
from conftest import KEY, OTHER_KEY, URL, api, latest_job, until

CHAT = "synthetic-chat"
TOOL = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "The weather somewhere",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
        },
    },
}


def say(text):
    return [{"role": "user", "content": text}]


def test_models_are_listed_and_found(client):
    ids = [model.id for model in client.models.list()]
    assert CHAT in ids and "synthetic" in ids
    assert client.models.retrieve(CHAT).id == CHAT
    with pytest.raises(openai.NotFoundError) as refused:
        client.models.retrieve("no-such-model")
    assert "no-such-model" in str(refused.value)


def test_a_chat_is_answered_with_its_usage(client):
    answer = client.chat.completions.create(model=CHAT, messages=say("Hello there"), seed=7)
    choice = answer.choices[0]
    assert choice.finish_reason == "stop" and choice.message.role == "assistant" and choice.message.content
    assert answer.usage.completion_tokens > 0
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens
    again = client.chat.completions.create(model=CHAT, messages=say("Hello there"), seed=7)
    assert again.choices[0].message.content == choice.message.content


def test_a_stream_says_what_the_answer_says(client):
    whole = client.chat.completions.create(model=CHAT, messages=say("A stream [[pace=60]]"), seed=3)
    pieces, usage, finish = [], None, None
    stream = client.chat.completions.create(
        model=CHAT, messages=say("A stream [[pace=60]]"), seed=3, stream=True, stream_options={"include_usage": True}
    )
    for chunk in stream:
        usage = chunk.usage or usage
        for choice in chunk.choices:
            finish = choice.finish_reason or finish
            pieces.append(choice.delta.content or "")
    assert "".join(pieces) == whole.choices[0].message.content
    assert len([piece for piece in pieces if piece]) > 1
    assert finish == "stop" and usage.completion_tokens == whole.usage.completion_tokens


def test_max_tokens_ends_an_answer(client):
    answer = client.chat.completions.create(model=CHAT, messages=say("Long"), max_completion_tokens=3)
    assert answer.choices[0].finish_reason == "length" and answer.usage.completion_tokens == 3


def test_tools_are_called_and_answered(client):
    first = client.chat.completions.create(
        model=CHAT, messages=say("What is the weather?"), tools=[TOOL], tool_choice="required"
    )
    choice = first.choices[0]
    call = choice.message.tool_calls[0]
    assert choice.finish_reason == "tool_calls" and call.function.name == "weather"
    assert isinstance(json.loads(call.function.arguments)["city"], str)
    messages = [
        *say("What is the weather?"),
        choice.message.model_dump(exclude_none=True),
        {"role": "tool", "tool_call_id": call.id, "content": "rain"},
    ]
    second = client.chat.completions.create(model=CHAT, messages=messages, tools=[TOOL], tool_choice="none")
    assert second.choices[0].message.content and not second.choices[0].message.tool_calls


def test_tools_stream(client):
    with client.chat.completions.stream(
        model=CHAT, messages=say("What is the weather?"), tools=[TOOL], tool_choice="required"
    ) as stream:
        for _ in stream:
            pass
        final = stream.get_final_completion()
    call = final.choices[0].message.tool_calls[0]
    assert call.function.name == "weather" and "city" in json.loads(call.function.arguments)


def test_an_answer_follows_a_schema(client):
    schema = {
        "type": "object",
        "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
        "required": ["name", "age"],
        "additionalProperties": False,
    }
    answer = client.chat.completions.create(
        model=CHAT,
        messages=say("Somebody"),
        response_format={"type": "json_schema", "json_schema": {"name": "person", "schema": schema, "strict": True}},
    )
    person = json.loads(answer.choices[0].message.content)
    assert isinstance(person["name"], str) and isinstance(person["age"], int)


def test_completions(client):
    answer = client.completions.create(model=CHAT, prompt="Once upon a time", max_tokens=5)
    assert answer.choices[0].text and answer.usage.completion_tokens <= 5
    pieces = client.completions.create(model=CHAT, prompt="Once upon a time", max_tokens=5, stream=True)
    assert "".join(piece.choices[0].text for piece in pieces if piece.choices) == answer.choices[0].text


def test_responses(client):
    answer = client.responses.create(model=CHAT, instructions="Be brief", input="Hello")
    assert answer.status == "completed" and answer.output_text and answer.usage.output_tokens > 0
    kinds, text = [], []
    for event in client.responses.create(model=CHAT, instructions="Be brief", input="Hello", stream=True):
        kinds.append(event.type)
        if event.type == "response.output_text.delta":
            text.append(event.delta)
    assert kinds[0] == "response.created" and kinds[-1] == "response.completed"
    assert "".join(text) == answer.output_text


def test_a_wrong_request_names_its_parameter(client):
    with pytest.raises(openai.BadRequestError) as refused:
        client.chat.completions.create(model=CHAT, messages=say("x"), temperature="hot")
    assert refused.value.body["param"] == "temperature"
    with pytest.raises(openai.BadRequestError):
        client.chat.completions.create(model=CHAT, messages=[])


def test_unknown_models_and_keys_are_refused(client):
    with pytest.raises(openai.NotFoundError) as refused:
        client.chat.completions.create(model="no-such-model", messages=say("x"))
    assert refused.value.body["code"] == "model_not_found"
    stranger = openai.OpenAI(base_url=f"{URL}/v1", api_key="sk-wrong", max_retries=0)
    with pytest.raises(openai.AuthenticationError):
        stranger.chat.completions.create(model=CHAT, messages=say("x"))


def test_a_model_that_nobody_can_run_says_so(client):
    with pytest.raises(openai.APIStatusError) as refused:
        client.chat.completions.create(model="nobody-runs-this", messages=say("x"))
    assert refused.value.status_code == 503
    assert int(refused.value.response.headers["retry-after"]) >= 1
    assert "worker" in refused.value.message


def test_a_failed_job_is_told(client):
    # A status that clients do not try again by themselves: it would fail again.
    with pytest.raises(openai.UnprocessableEntityError) as failed:
        client.chat.completions.create(model=CHAT, messages=say("[[fail-for-good]]"))
    assert "fails for good" in failed.value.message and failed.value.response.headers["x-request-id"]


def test_a_client_that_gives_up_cancels_its_job(client):
    with pytest.raises(openai.APITimeoutError):
        client.with_options(timeout=1.5).chat.completions.create(model=CHAT, messages=say("[[delay=60000]] a"))
    job = latest_job(CHAT)
    until("the job is cancelled", lambda: api(f"/jobs/{job['id']}")["state"] == "cancelled")


def test_a_stream_that_is_closed_cancels_its_job(client):
    stream = client.chat.completions.create(model=CHAT, messages=say("[[delay=60000]] b"), stream=True)
    job = until("the job runs", lambda: latest_job(CHAT) if latest_job(CHAT)["state"] == "running" else None)
    stream.close()
    until("the job is cancelled", lambda: api(f"/jobs/{job['id']}")["state"] == "cancelled")


def test_jobs_belong_to_the_project_of_the_key(client):
    client.chat.completions.create(model=CHAT, messages=say("mine"))
    assert latest_job(CHAT)["project"] == "clients"
    other = openai.OpenAI(base_url=f"{URL}/v1", api_key=OTHER_KEY, max_retries=0)
    other.chat.completions.create(model=CHAT, messages=say("theirs"))
    assert latest_job(CHAT)["project"] == "others"


def test_many_at_once(client):
    import concurrent.futures

    def one(number):
        stream = client.chat.completions.create(model=CHAT, messages=say(f"number {number}"), stream=True)
        return "".join(c.choices[0].delta.content or "" for c in stream if c.choices)

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        texts = list(pool.map(one, range(64)))
    assert all(texts) and len(set(texts)) == 64


def test_async_clients(client):
    import asyncio

    async def ask():
        async with openai.AsyncOpenAI(base_url=f"{URL}/v1", api_key=KEY) as asynchronous:
            return await asynchronous.chat.completions.create(model=CHAT, messages=say("later"))

    assert asyncio.run(ask()).choices[0].message.content
