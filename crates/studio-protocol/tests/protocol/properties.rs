//! Arbitrary frames survive the wire, arbitrary text does no harm.

use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use studio_protocol::*;

use crate::samples::{self, claim::claim, offer};

/// Numbers that JSON carries exactly: what is tested is the frame, not the last bit of a fraction.
fn number() -> impl Strategy<Value = f64> {
    any::<i32>().prop_map(|n| f64::from(n) / 64.0)
}

fn job() -> impl Strategy<Value = JobId> {
    any::<String>().prop_map(JobId::from)
}

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            btree_map(any::<String>(), inner, 0..4)
                .prop_map(|fields| Value::Object(fields.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

fn features() -> impl Strategy<Value = FeatureSet> {
    vec(proptest::sample::select(Feature::ALL.as_slice()), 0..12).prop_map(|list| FeatureSet::of(&list))
}

fn capabilities() -> impl Strategy<Value = Capabilities> {
    let names = (any::<String>(), any::<String>(), number(), number());
    let flags = any::<[bool; 5]>();
    let presence = option::of(prop_oneof![Just(UserPresence::Idle), Just(UserPresence::Active)]);
    let lists = (
        vec(any::<String>(), 0..3),
        btree_map(any::<String>(), vec(any::<String>(), 0..3), 0..3),
        features(),
        btree_map(any::<String>(), any::<u32>(), 0..3),
    );
    (names, flags, presence, lists).prop_map(
        |((machine_name, engine, total, threshold), flags, presence, lists)| Capabilities {
            machine_name,
            engine,
            vram_total_gb: total,
            vram_threshold_gb: threshold,
            auto_enabled: flags[0],
            auto_start: flags[1],
            auto_update: flags[2],
            start_minimised: flags[3],
            only_when_idle: flags[4],
            user_presence: presence,
            task_kinds: lists.0.clone(),
            supported_models: lists.0,
            supported_models_per_kind: lists.1,
            features: lists.2,
            slots: lists.3,
            ..Capabilities::default()
        },
    )
}

fn log_entry() -> impl Strategy<Value = LogEntry> {
    let level = prop_oneof![Just(LogLevel::Info), Just(LogLevel::Warn), Just(LogLevel::Error)];
    (any::<i64>(), level, any::<String>(), any::<String>(), option::of(job())).prop_map(
        |(millis, level, category, message, job_id)| LogEntry {
            ts: Timestamp::from_millis(millis),
            level,
            category,
            message,
            job_id,
        },
    )
}

fn progress() -> impl Strategy<Value = Progress> {
    let stage = prop_oneof![
        Just(Stage::Queued),
        Just(Stage::Downloading),
        Just(Stage::Loading),
        Just(Stage::Running),
        Just(Stage::Uploading)
    ];
    (job(), any::<[u32; 2]>(), option::of(any::<u64>()), option::of(stage), option::of(any::<u32>()))
        .prop_map(|(job_id, [step, steps], number, stage, attempt)| Progress {
            job_id,
            step,
            steps,
            eta_ms: number,
            stage,
            bytes: number,
            total_bytes: number.map(|n| n / 2),
            attempt,
        })
}

fn worker_frame() -> impl Strategy<Value = WorkerFrame> {
    let attempt = || option::of(any::<u32>());
    let code = option::of(prop_oneof![
        Just(RejectCode::Busy),
        Just(RejectCode::Paused),
        Just(RejectCode::InsufficientMemory)
    ]);
    prop_oneof![
        (any::<String>(), capabilities()).prop_map(|(auth_token, capabilities)| WorkerFrame::Hello(
            Box::new(Hello { auth_token, capabilities })
        )),
        (capabilities(), option::of(job()), option::of(vec(job(), 0..4))).prop_map(
            |(capabilities, current_job_id, held_jobs)| WorkerFrame::Heartbeat(Box::new(Heartbeat {
                capabilities,
                current_job_id,
                held_jobs
            }))
        ),
        (job(), attempt()).prop_map(|(job_id, attempt)| WorkerFrame::Accept(Accept { job_id, attempt })),
        (job(), any::<String>(), code, attempt()).prop_map(|(job_id, reason, code, attempt)| {
            WorkerFrame::Reject(Reject { job_id, reason, code, attempt })
        }),
        (job(), json_value(), option::of(any::<String>()), attempt()).prop_map(
            |(job_id, result, prompt, attempt)| WorkerFrame::CompleteJson(CompleteJson {
                job_id,
                result: RawValue::from_string(result.to_string()).unwrap(),
                prompt,
                attempt
            })
        ),
        (job(), any::<String>(), any::<bool>(), attempt()).prop_map(|(job_id, error, retryable, attempt)| {
            WorkerFrame::Fail(Fail { job_id, error, retryable, attempt })
        }),
        vec(log_entry(), 0..4).prop_map(|entries| WorkerFrame::LogBatch(LogBatch { entries })),
        Just(WorkerFrame::ReadyForMore),
        progress().prop_map(WorkerFrame::Progress),
        (job(), any::<String>(), any::<String>())
            .prop_map(|(job_id, mime, data)| WorkerFrame::Preview(Preview { job_id, mime, data })),
        (job(), any::<u64>(), any::<String>(), option::of(any::<String>()), attempt()).prop_map(
            |(job_id, index, text, reasoning, attempt)| WorkerFrame::Delta(Delta {
                job_id,
                index,
                text,
                reasoning,
                attempt
            })
        ),
        (job(), any::<String>(), attempt())
            .prop_map(|(job_id, reason, attempt)| WorkerFrame::Release(Release { job_id, reason, attempt })),
        any::<String>().prop_map(|reason| WorkerFrame::Goodbye(Goodbye { reason })),
    ]
}

fn image_task() -> impl Strategy<Value = Task> {
    let texts = (any::<String>(), option::of(any::<String>()), any::<String>());
    // What the model's defaults would fill in is stated, so that a task reads back as it was.
    (texts, any::<[u32; 3]>(), option::of(any::<u64>()), number()).prop_map(
        |((prompt, text, ext), [width, height, steps], seed, scale)| {
            Task::Image(ImageTask {
                prompt,
                negative_prompt: text.clone(),
                init_image_url: text.clone(),
                mask_url: None,
                ref_image_url: text.clone(),
                denoise: Some(scale),
                cfg_scale: Some(scale),
                sampling_method: text,
                width,
                height,
                steps,
                seed,
                ext,
                ..ImageTask::default()
            })
        },
    )
}

fn chat_task() -> impl Strategy<Value = Task> {
    let messages = vec((any::<String>(), any::<String>()), 0..4);
    (messages, any::<u32>(), number(), option::of(json_value()), vec(any::<String>(), 0..3)).prop_map(
        |(messages, max_tokens, temperature, schema, images)| {
            Task::Llm(LlmTask {
                messages: messages
                    .into_iter()
                    .map(|(role, content)| ChatMessage { role, content, ..ChatMessage::default() })
                    .collect(),
                system: None,
                max_tokens,
                temperature,
                top_p: None,
                stop: Some(images.clone()),
                // A schema of `null` is no schema: it reads back as absent.
                json_schema: schema.filter(|schema| !schema.is_null()),
                reasoning: None,
                chat_template_kwargs: None,
                images,
                ..LlmTask::default()
            })
        },
    )
}

fn studio_frame() -> impl Strategy<Value = StudioFrame> {
    let ack = || (job(), any::<bool>()).prop_map(|(job_id, stale)| JobAck { job_id, stale });
    let code = prop_oneof![
        Just(ErrorCode::AuthFailed),
        Just(ErrorCode::ProtocolViolation),
        Just(ErrorCode::DuplicateWorker),
        Just(ErrorCode::WorkerDeleted),
        Just(ErrorCode::InternalError)
    ];
    prop_oneof![
        (any::<String>(), any::<i64>(), features()).prop_map(|(id, millis, features)| StudioFrame::Welcome(
            Welcome { worker_id: id.into(), server_time: Timestamp::from_millis(millis), features }
        )),
        (
            prop_oneof![image_task(), chat_task()],
            option::of(any::<u32>()),
            option::of(any::<u64>()),
            number()
        )
            .prop_map(|(task, attempt, lease_ms, vram_gb_estimate)| offer(OfferClaim {
                attempt,
                lease_ms,
                vram_gb_estimate,
                ..claim(task)
            })),
        Just(StudioFrame::HeartbeatAck),
        ack().prop_map(StudioFrame::CompleteAck),
        ack().prop_map(StudioFrame::FailAck),
        (code, any::<String>()).prop_map(|(code, message)| StudioFrame::Error(ErrorFrame { code, message })),
        (job(), any::<String>()).prop_map(|(job_id, reason)| StudioFrame::Cancel(Cancel { job_id, reason })),
        (any::<String>(), option::of(number())).prop_map(|(model, vram_gb_estimate)| {
            StudioFrame::LoadModel(ModelCommand { model, model_source: None, vram_gb_estimate })
        }),
    ]
}

/// A golden frame, cut, spliced or with bytes exchanged: text that is nearly a frame.
fn nearly_a_frame() -> impl Strategy<Value = String> {
    let names: Vec<String> = ["worker", "studio"].into_iter().flat_map(samples::names).collect();
    (proptest::sample::select(names), any::<prop::sample::Index>(), ".{0,4}", any::<bool>()).prop_map(
        |(name, at, splice, cut)| {
            let text: Vec<char> = samples::text(&name).chars().collect();
            let at = at.index(text.len());
            let rest = if cut { &[][..] } else { &text[at + 1..] };
            text[..at].iter().chain(splice.chars().collect::<Vec<_>>().iter()).chain(rest).collect()
        },
    )
}

proptest! {
    #[test]
    fn worker_frames_survive_the_wire(frame in worker_frame()) {
        let text = encode(&frame);
        let read = decode_worker_frame(&text).unwrap();
        prop_assert_eq!(encode(&read), text);
        prop_assert_eq!(format!("{read:?}"), format!("{frame:?}"));
    }

    #[test]
    fn studio_frames_survive_the_wire(frame in studio_frame()) {
        let text = encode(&frame);
        let read = decode_studio_frame(&text).unwrap();
        prop_assert_eq!(encode(&read), text);
        prop_assert_eq!(format!("{read:?}"), format!("{frame:?}"));
    }

    #[test]
    fn arbitrary_text_does_no_harm(text in any::<String>()) {
        let _ = (decode_worker_frame(&text).is_ok(), decode_studio_frame(&text).is_ok());
    }

    #[test]
    fn nearly_frames_do_no_harm_and_what_is_read_can_be_written(text in nearly_a_frame()) {
        if let Ok(frame) = decode_worker_frame(&text) {
            prop_assert!(decode_worker_frame(&encode(&frame)).is_ok());
        }
        match decode_studio_frame(&text) {
            Ok(StudioFrame::BadOffer(offer)) => prop_assert!(!offer.problem.is_empty()),
            Ok(frame) => prop_assert!(decode_studio_frame(&encode(&frame)).is_ok()),
            Err(error) => prop_assert!(!error.to_string().is_empty()),
        }
    }

    #[test]
    fn an_arbitrary_body_under_a_known_type_does_no_harm(
        tag in proptest::sample::select(&["hello", "heartbeat", "completeJson", "progress", "offer", "welcome"][..]),
        body in btree_map("jobId|claim|capabilities|result|task|[a-z]{1,4}", json_value(), 0..5),
    ) {
        let mut frame: Map<String, Value> = body.into_iter().collect();
        frame.insert("type".into(), tag.into());
        let text = Value::Object(frame).to_string();
        let _ = (decode_worker_frame(&text).is_ok(), decode_studio_frame(&text).is_ok());
    }

    #[test]
    fn any_base_address_is_refused_or_stays_stable(url in "(https?|wss?|ftp)://[a-z0-9:@/?#.\\[\\] -]{0,30}") {
        if let Ok(base) = ApiBase::parse(&url) {
            let again = ApiBase::parse(&base.to_string()).unwrap();
            prop_assert_eq!(again.to_string(), base.to_string());
        }
    }
}
