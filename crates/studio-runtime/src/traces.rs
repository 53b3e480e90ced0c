//! Spans for a collector, by OTLP over HTTP; `OTEL_EXPORTER_OTLP_ENDPOINT` and its like say where it is.
//!
//! A span is handed over once it has ended, under ids of the caller's choice: jobs outlive requests and processes.
//! Nothing waits for the collector; spans that it does not take in time are dropped.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use opentelemetry::trace::{SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId, TraceState};
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_otlp::SpanExporter;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{BatchSpanProcessor, SpanData, SpanEvents, SpanLinks, SpanProcessor};

/// How long the last spans may take to leave when the process ends.
const LAST_SPANS: Duration = Duration::from_secs(2);
/// Any of them says that there is a collector.
const ENDPOINTS: [&str; 2] = ["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"];

/// Where spans go; nowhere unless the environment names a collector. Clones go to the same place.
#[derive(Debug, Clone, Default)]
pub struct Traces(Option<Arc<BatchSpanProcessor>>);

/// What sort of work a span is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// A request that was answered.
    Answer,
    /// Work that waited for somebody to do it.
    Queued,
    /// A part of something else.
    Part,
}

/// A piece of work that has ended.
#[derive(Debug, Clone)]
pub struct Span {
    /// What was done.
    pub name: &'static str,
    /// Its trace.
    pub trace: u128,
    /// Its own id.
    pub id: u64,
    /// The span that it is a part of; 0 for none.
    pub parent: u64,
    /// What sort of work.
    pub work: Work,
    /// Begin.
    pub began: SystemTime,
    /// End.
    pub ended: SystemTime,
    /// More, without secrets.
    pub attributes: Vec<(&'static str, String)>,
    /// Why it failed.
    pub error: Option<String>,
}

impl Traces {
    /// As the environment says; an exporter that cannot be made is said in the log and left out.
    pub fn from_env(service: &'static str, version: &'static str) -> Self {
        let is_set = |name: &&str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let disabled = std::env::var("OTEL_SDK_DISABLED").is_ok_and(|text| text.eq_ignore_ascii_case("true"));
        if disabled || !ENDPOINTS.iter().any(is_set) {
            return Self(None);
        }
        match SpanExporter::builder().with_http().build() {
            Ok(exporter) => {
                let mut processor = BatchSpanProcessor::builder(exporter).build();
                let name = std::env::var("OTEL_SERVICE_NAME").unwrap_or_else(|_| service.to_owned());
                let version = KeyValue::new("service.version", version);
                let resource = Resource::builder().with_service_name(name).with_attribute(version).build();
                processor.set_resource(&resource);
                Self(Some(Arc::new(processor)))
            }
            Err(error) => {
                tracing::warn!("spans are not exported: {error}");
                Self(None)
            }
        }
    }

    /// Whether there is a collector.
    pub fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// Hands a span over; never waits.
    pub fn record(&self, span: Span) {
        let Some(processor) = &self.0 else { return };
        let context = SpanContext::new(
            TraceId::from_bytes(span.trace.to_be_bytes()),
            SpanId::from_bytes(span.id.to_be_bytes()),
            TraceFlags::SAMPLED,
            false,
            TraceState::default(),
        );
        processor.on_end(SpanData {
            span_context: context,
            parent_span_id: SpanId::from_bytes(span.parent.to_be_bytes()),
            parent_span_is_remote: false,
            span_kind: match span.work {
                Work::Answer => SpanKind::Server,
                Work::Queued => SpanKind::Consumer,
                Work::Part => SpanKind::Internal,
            },
            name: span.name.into(),
            start_time: span.began,
            end_time: span.ended.max(span.began),
            attributes: span.attributes.into_iter().map(|(key, value)| KeyValue::new(key, value)).collect(),
            dropped_attributes_count: 0,
            events: SpanEvents::default(),
            links: SpanLinks::default(),
            status: span.error.map_or(Status::Unset, Status::error),
            instrumentation_scope: InstrumentationScope::builder("studio").build(),
        });
    }

    /// Sends what waits, for a while. Blocks: call it where nothing else has to go on.
    pub fn close(&self) {
        if let Some(processor) = &self.0
            && let Err(error) = processor.shutdown_with_timeout(LAST_SPANS)
        {
            tracing::debug!("the last spans were not exported: {error}");
        }
    }
}
