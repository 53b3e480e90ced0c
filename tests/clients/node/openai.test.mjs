// OpenAI's client for Node, against the fleet that tests/clients.rs started.

import assert from "node:assert/strict";
import { test } from "node:test";
import OpenAI, { toFile } from "openai";

const url = process.env.STUDIO_URL;
const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: process.env.STUDIO_KEY, maxRetries: 0 });
const say = (text) => [{ role: "user", content: text }];
const model = "synthetic-chat";

/** What the studio's own API says, as its administrator. */
async function api(path) {
  const headers = { authorization: `Bearer ${process.env.STUDIO_ADMIN_KEY}` };
  const answer = await fetch(`${url}/api/v1${path}`, { headers });
  assert.equal(answer.status, 200);
  return answer.json();
}

/** Waits for a condition and returns what it found. */
async function until(what, holds) {
  const end = Date.now() + 30_000;
  for (;;) {
    const found = await holds();
    if (found) return found;
    assert.ok(Date.now() < end, `not within 30 s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

test("a chat is answered, whole and as a stream", async () => {
  const whole = await client.chat.completions.create({ model, messages: say("Hello"), seed: 5 });
  const stream = await client.chat.completions.create({ model, messages: say("Hello"), seed: 5, stream: true });
  let text = "";
  for await (const chunk of stream) text += chunk.choices[0]?.delta?.content ?? "";
  assert.equal(text, whole.choices[0].message.content);
  assert.ok(whole.usage.total_tokens > 0);
});

test("tools stream", async () => {
  const tools = [{
    type: "function",
    function: {
      name: "weather",
      parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
    },
  }];
  const runner = client.chat.completions.stream({ model, messages: say("Weather?"), tools, tool_choice: "required" });
  const message = await runner.finalMessage();
  assert.equal(message.tool_calls[0].function.name, "weather");
  assert.equal(typeof JSON.parse(message.tool_calls[0].function.arguments).city, "string");
});

test("a response", async () => {
  const answer = await client.responses.create({ model, input: "Hello" });
  assert.ok(answer.output_text.length > 0);
  const stream = client.responses.stream({ model, input: "Hello" });
  const final = await stream.finalResponse();
  assert.equal(final.output_text, answer.output_text);
});

test("a picture", async () => {
  const answer = await client.images.generate({ model: "synthetic", prompt: "a fox", size: "256x256", response_format: "b64_json" });
  const png = Buffer.from(answer.data[0].b64_json, "base64");
  assert.equal(png.readUInt32BE(16), 256);
  const edited = await client.images.edit({
    model: "synthetic",
    image: await toFile(png, "fox.png", { type: "image/png" }),
    prompt: "a red fox",
    response_format: "b64_json",
  });
  assert.ok(edited.data[0].b64_json.length > 0);
});

test("speech and its transcription", async () => {
  const speech = await client.audio.speech.create({ model: "synthetic-tts", voice: "alloy", input: "Good evening", response_format: "wav" });
  const wav = Buffer.from(await speech.arrayBuffer());
  assert.equal(wav.subarray(0, 4).toString(), "RIFF");
  const heard = await client.audio.transcriptions.create({
    model: "synthetic-stt",
    file: await toFile(wav, "evening.wav", { type: "audio/wav" }),
  });
  assert.ok(heard.text.length > 0);
});

test("embeddings", async () => {
  const answer = await client.embeddings.create({ model: "synthetic-chat", input: "a fox" });
  assert.ok(answer.data[0].embedding.length > 0);
});

test("errors are OpenAI's", async () => {
  await assert.rejects(client.chat.completions.create({ model: "no-such-model", messages: say("x") }), (error) => {
    assert.ok(error instanceof OpenAI.NotFoundError);
    assert.equal(error.code, "model_not_found");
    return true;
  });
  const stranger = new OpenAI({ baseURL: `${url}/v1`, apiKey: "sk-wrong", maxRetries: 0 });
  await assert.rejects(stranger.models.list(), OpenAI.AuthenticationError);
});

test("a stream that is aborted cancels its job", async () => {
  const stream = await client.chat.completions.create({ model, messages: say("[[delay=60000]] d"), stream: true });
  const job = await until("the job runs", async () => {
    const [latest] = (await api(`/jobs?model=${model}&limit=1`)).items;
    return latest.state === "running" && latest;
  });
  stream.controller.abort();
  await until("the job is cancelled", async () => (await api(`/jobs/${job.id}`)).state === "cancelled");
});
