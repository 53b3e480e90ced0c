//! Answers as they grow.

use serde_json::{Value, json};

use crate::client::{Client, Holding, Said, Stream, chat, ours};
use crate::served::Served;

fn content(chunk: &Value) -> &str {
    chunk["choices"][0]["delta"]["content"].as_str().unwrap_or_default()
}

/// Text until it is `whole`.
async fn read(stream: &mut Stream, whole: &str) {
    let mut text = String::new();
    while text != whole {
        let chunk = stream.json().await;
        text.push_str(content(&chunk));
        assert!(whole.starts_with(&text), "{text:?} {chunk}");
    }
}

#[tokio::test]
async fn chunks_come_in_openais_order_and_each_piece_at_once() {
    let studio = Served::start().await;
    let (_, session) = studio.worker(&ours()).await;
    let body = chat(json!({"stream": true, "stream_options": {"include_usage": true}}));
    let mut stream = Client::of(&studio).stream("/v1/chat/completions", &body).await;
    assert_eq!(stream.said().await, Said::Comment("waiting, 0 ahead".to_owned()));
    let (mut holding, _) = Holding::next(session).await;
    let first = stream.json().await;
    assert_eq!(first["object"], "chat.completion.chunk");
    assert_eq!(first["choices"][0]["delta"], json!({"role": "assistant", "content": "", "refusal": null}));
    assert_eq!(first["usage"], Value::Null);
    holding.say_and_think("", Some("Hm.")).await;
    assert_eq!(stream.json().await["choices"][0]["delta"], json!({"reasoning_content": "Hm."}));
    for piece in ["Once ", "upon "] {
        holding.say(piece).await;
        assert_eq!(stream.json().await["choices"][0]["delta"], json!({"content": piece}));
    }
    // The last piece comes with the result only, and so do calls.
    let call =
        json!({"id": "call_1", "type": "function", "function": {"name": "add", "arguments": "{\"a\":1}"}});
    let message = json!({"role": "assistant", "content": "Once upon a time", "reasoning_content": "Hm.",
        "tool_calls": [call]});
    holding.done(message, "tool_calls").await;
    let rest = stream.rest().await;
    let deltas: Vec<&Value> = rest.iter().map(|chunk| &chunk["choices"][0]["delta"]).collect();
    assert_eq!(*deltas[0], json!({"content": "a time"}));
    let head =
        json!({"index": 0, "id": "call_1", "type": "function", "function": {"name": "add", "arguments": ""}});
    assert_eq!(*deltas[1], json!({"tool_calls": [head]}));
    assert_eq!(*deltas[2], json!({"tool_calls": [{"index": 0, "function": {"arguments": "{\"a\":1}"}}]}));
    assert_eq!((deltas[3], &rest[3]["choices"][0]["finish_reason"]), (&json!({}), &json!("tool_calls")));
    assert_eq!((&rest[4]["choices"], &rest[4]["usage"]["total_tokens"]), (&json!([]), &json!(8)));
    assert_eq!(rest[5], "[DONE]");
    assert_eq!(rest.len(), 6);
    assert!(rest[..5].iter().all(|chunk| chunk["id"] == first["id"]));
}

#[tokio::test]
async fn messages_and_responses_stream_their_events() {
    let studio = Served::start().await;
    let client = Client::of(&studio);
    let (_, session) = studio.worker(&ours()).await;
    let body = json!({"model": "synthetic-chat", "max_tokens": 9, "stream": true,
        "messages": [{"role": "user", "content": "hi"}]});
    let mut stream = client.stream("/v1/messages", &body).await;
    let (mut holding, _) = Holding::next(session).await;
    holding.say("Hello").await;
    let mut names = Vec::new();
    let mut session = None;
    while let Some((name, data)) = stream.event().await {
        let (name, data): (String, Value) = (name.unwrap(), serde_json::from_str(&data).unwrap());
        assert_eq!(data["type"], name.as_str());
        if name == "content_block_delta" && session.is_none() {
            assert_eq!(data["delta"], json!({"type": "text_delta", "text": "Hello"}));
            session = Some(holding);
            break;
        }
        names.push(name);
    }
    let session = session.unwrap().said("Hello.").await;
    while let Some((name, _)) = stream.event().await {
        names.push(name.unwrap());
    }
    assert_eq!(
        names,
        [
            "message_start",
            "ping",
            "content_block_start",
            "content_block_delta",
            "content_block_stop",
            "message_delta",
            "message_stop"
        ]
    );
    let mut stream = client
        .stream("/v1/responses", &json!({"model": "synthetic-chat", "input": "hi", "stream": true}))
        .await;
    let (mut holding, _) = Holding::next(session).await;
    holding.say("Hello").await;
    holding.said("Hello.").await;
    let events = stream.rest().await;
    assert_eq!(events[0]["type"], "response.created");
    assert!(events.iter().enumerate().all(|(at, event)| event["sequence_number"] == at), "{events:?}");
    let text: String = events
        .iter()
        .filter(|e| e["type"] == "response.output_text.delta")
        .map(|e| e["delta"].as_str().unwrap())
        .collect();
    assert_eq!(text, "Hello.");
    let last = events.last().unwrap();
    assert_eq!(
        (&last["type"], &last["response"]["output"][0]["content"][0]["text"]),
        (&json!("response.completed"), &json!("Hello."))
    );
}

#[tokio::test]
async fn a_worker_that_streams_nothing_answers_all_the_same() {
    let studio = Served::start().await;
    let (_, session) = studio.worker(&testkit::RawWorker::synthetic()).await;
    let mut stream = Client::of(&studio).stream("/v1/chat/completions", &chat(json!({"stream": true}))).await;
    let (job, mut session) = {
        let mut session = session;
        let claim = session.offer().await;
        (claim.job_id.to_string(), session)
    };
    session.send_json(json!({"type": "accept", "jobId": job})).await;
    let result = json!({"choices": [{"message": {"role": "assistant", "content": "All at once."}, "finish_reason": "stop"}]});
    session.send_json(json!({"type": "completeJson", "jobId": job, "result": result, "prompt": "hi"})).await;
    read(&mut stream, "All at once.").await;
}

#[tokio::test]
async fn a_lost_try_that_is_repeated_goes_on_where_it_was() {
    let studio = Served::start().await;
    let (_, session) = studio.worker(&ours()).await;
    let mut stream = Client::of(&studio).stream("/v1/chat/completions", &chat(json!({"stream": true}))).await;
    let (mut holding, _) = Holding::next(session).await;
    holding.say("Once upon").await;
    read(&mut stream, "Once upon").await;
    let gone = holding.release().await;
    let (_, other) = studio.worker(&ours()).await;
    let (mut holding, claim) = Holding::next(other).await;
    assert!(claim.attempt > Some(1));
    for piece in ["Once ", "upon a ", "time"] {
        holding.say(piece).await;
    }
    read(&mut stream, " a time").await;
    holding.said("Once upon a time.").await;
    let rest = stream.rest().await;
    assert_eq!((content(&rest[0]), rest.last().unwrap()), (".", &json!("[DONE]")), "{rest:?}");
    drop(gone);
}

#[tokio::test]
async fn a_lost_try_that_is_answered_differently_ends_in_an_error() {
    let studio = Served::start().await;
    let (_, session) = studio.worker(&ours()).await;
    let mut stream = Client::of(&studio).stream("/v1/chat/completions", &chat(json!({"stream": true}))).await;
    let (mut holding, _) = Holding::next(session).await;
    holding.say("Once upon").await;
    read(&mut stream, "Once upon").await;
    // The connection goes, and the worker with it.
    holding.session.cut();
    let (_, other) = studio.worker(&ours()).await;
    studio.api.delete(&format!("/workers/{}", worker_of(&studio, &holding.job).await)).await;
    let (mut holding, _) = Holding::next(other).await;
    holding.say("Two").await;
    let rest = stream.rest().await;
    assert_eq!(rest.len(), 1, "{rest:?}");
    let message = rest[0]["error"]["message"].as_str().unwrap();
    assert!(message.contains("differs"), "{message}");
    holding.until_cancelled().await;
    studio.until(&holding.job, "cancelled").await;
}

async fn worker_of(studio: &Served, job: &str) -> String {
    studio.api.job(job).await["worker"].as_str().unwrap().to_owned()
}

/// More than the sockets and the live streams keep for a client that does not read.
const LONG_PIECES: usize = 1_500;
const PIECE_BYTES: usize = 8 * 1024;

#[tokio::test]
async fn a_client_that_reads_late_gets_every_character_and_holds_up_nobody() {
    let studio = Served::start().await;
    let (_, session) = studio.worker(&ours()).await;
    let body = chat(json!({"stream": true}));
    let mut stream = Client::of(&studio).stream("/v1/chat/completions", &body).await;
    let (mut holding, _) = Holding::next(session).await;
    let piece = |at: usize| format!("{at:0>PIECE_BYTES$}");
    let mut whole = String::new();
    for at in 0..LONG_PIECES {
        holding.say(&piece(at)).await;
        whole.push_str(&piece(at));
    }
    let job = holding.job.clone();
    let mut session = holding.said(&whole).await;
    // The job is done, and the worker is heard, while its client has not read a word.
    studio.until(&job, "done").await;
    session.heartbeat(&ours(), None).await;
    let mut text = String::new();
    let mut events = 0;
    for event in stream.rest().await {
        text.push_str(content(&event));
        events += 1;
    }
    assert!(text == whole, "{} of {} bytes", text.len(), whole.len());
    assert!(events < LONG_PIECES, "{events} events: the text was queued piece by piece");
}
