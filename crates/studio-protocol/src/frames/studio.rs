//! What a studio's frames carry.

use serde::{Deserialize, Serialize};

use crate::nulls::null_as_default;
use crate::{ErrorCode, FeatureSet, JobId, ModelSource, OfferClaim, OfferClaimRaw, Timestamp, WorkerId};

/// `hello` was accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Welcome {
    /// Who the worker is.
    pub worker_id: WorkerId,
    /// The studio's clock.
    pub server_time: Timestamp,
    /// What this session uses: what both sides announced.
    #[serde(default, skip_serializing_if = "FeatureSet::is_empty")]
    pub features: FeatureSet,
}

/// A job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Offer {
    /// What it is.
    #[serde(deserialize_with = "crate::object::one")]
    pub claim: OfferClaim,
}

/// A job, passed on unread.
#[derive(Debug, Clone, Serialize)]
pub struct OfferRaw {
    /// What it is.
    pub claim: OfferClaimRaw,
}

/// An offer that names a job but cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadOffer {
    /// The job.
    pub job_id: JobId,
    /// Its attempt number, where it could be read.
    pub attempt: Option<u32>,
    /// What is wrong with it.
    pub problem: String,
}

/// Something about a job is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct JobAck {
    /// The job.
    pub job_id: JobId,
    /// It was of an attempt that no longer counts, and changed nothing (extension `lease`).
    #[serde(default, skip_serializing_if = "std::ops::Not::not", deserialize_with = "null_as_default")]
    pub stale: bool,
}

/// Why the session ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorFrame {
    /// What the worker must do about it.
    pub code: ErrorCode,
    /// In words.
    pub message: String,
}

/// Extension `cancel`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Cancel {
    /// The job.
    pub job_id: JobId,
    /// In words.
    pub reason: String,
}

/// Extension `control`: about one model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ModelCommand {
    /// The registry's name.
    pub model: String,
    /// Where it comes from, for a worker that never saw it; absent from a studio that knows only names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model_source: Option<ModelSource>,
    /// Device memory that it needs, GiB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vram_gb_estimate: Option<f64>,
}
