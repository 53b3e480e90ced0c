//! A project with something of everything, which keys of another project must neither see nor change.

use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};

use crate::desk::{Answer, Desk, image};

/// Stands in every text of the project.
pub const MARK: &str = "azure-mystery";

/// What there is of the project `blue`.
pub struct Blue {
    pub queued: String,
    pub running: String,
    pub done: String,
    pub failed: String,
    pub batch: String,
    pub artefact: String,
    pub input: String,
    pub hook: String,
    pub delivery: String,
    pub key: String,
    pub worker: String,
    pub registration: String,
    pub user: String,
}

fn of_blue(name: &str) -> Value {
    let mut job = image(&format!("{MARK} {name}"));
    job["project"] = json!("blue");
    job["assetName"] = json!(format!("{MARK}/{name}"));
    job
}

/// A picture of one pixel.
pub const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x02\0\0\0\x90wS\xde\0\0\0\x0cIDATx\x9cc\xf8\xcf\xc0\0\0\x03\x01\x01\0\xc9\xfe\x92\xef\0\0\0\0IEND\xaeB`\x82";

impl Blue {
    pub async fn of(desk: &Desk) -> Self {
        let worker = desk.worker().await;
        let project = json!({ "weight": 1, "maxQueued": 50 });
        desk.call(&desk.admin, "PUT", "/api/v1/projects/blue", Some(project)).await.ok();
        let hook = json!({ "url": "https://hooks.example/azure-mystery", "events": ["job.done"], "project": "blue" });
        let hook = desk.id_of("/api/v1/webhooks", hook).await;
        let delivery = desk.id_of(&format!("/api/v1/webhooks/{hook}/test"), json!({})).await;
        let done = desk.id_of("/api/v1/jobs", of_blue("done")).await;
        let artefact = desk.finish(&worker, &done, "png", PNG).await.to_string();
        let failed = desk.id_of("/api/v1/jobs", of_blue("failed")).await;
        desk.fail(&worker, &failed, "azure-mystery went wrong").await;
        let running = desk.id_of("/api/v1/jobs", of_blue("running")).await;
        desk.start(&worker, &running).await;
        let queued = desk.id_of("/api/v1/jobs", of_blue("queued")).await;
        let mut one = of_blue("of a batch");
        one.as_object_mut().expect("an object").remove("project");
        let batch = json!({ "name": MARK, "project": "blue", "jobs": [one] });
        let batch = desk.id_of("/api/v1/batches", batch).await;
        let bring = Request::post("/api/v1/inputs?project=blue")
            .header("authorization", format!("Bearer {}", desk.admin))
            .header("content-type", "image/png")
            .body(Body::from(PNG))
            .expect("a request");
        let input = Answer::read(desk.send(bring).await).await.ok()["id"].as_str().expect("an id").to_owned();
        let key = json!({ "name": MARK, "role": "viewer", "project": "blue" });
        let key = desk.id_of("/api/v1/keys", key).await;
        let limits = json!({ "limits": { "projects": ["blue"] } });
        desk.call(&desk.admin, "PATCH", &format!("/api/v1/workers/{worker}"), Some(limits)).await.ok();
        let registration = desk.registration().await.to_string();
        let user = desk.user("somebody", "viewer").await;
        let worker = worker.to_string();
        Self {
            queued,
            running,
            done,
            failed,
            batch,
            artefact,
            input,
            hook,
            delivery,
            key,
            worker,
            registration,
            user,
        }
    }

    /// An address of the table with the ids of this project's things, each that fits.
    pub fn fill(&self, path: &str) -> Vec<String> {
        let with = |ids: &[&str]| ids.iter().map(|id| path.replacen("{id}", id, 1)).collect::<Vec<_>>();
        let thing =
            path.trim_start_matches("/api/v1/").trim_start_matches('/').trim_start_matches("settings/");
        let filled = match thing.split('/').next().unwrap_or_default() {
            _ if !path.contains('{') => vec![path.to_owned()],
            "jobs" => with(&[&self.queued, &self.running, &self.done, &self.failed]),
            "batches" => with(&[&self.batch]),
            "artefacts" => with(&[&self.artefact]),
            "inputs" => with(&[&self.input]),
            "webhooks" => with(&[&self.hook]),
            "keys" => with(&[&self.key]),
            "projects" => with(&["blue"]),
            "workers" => with(&[&self.worker]),
            "registrations" => with(&[&self.registration]),
            "users" => with(&[&self.user]),
            "models" => with(&["synthetic"]),
            _ => vec![path.to_owned()],
        };
        let rest = |path: String| {
            path.replace("{delivery}", &self.delivery)
                .replace("{model}", "synthetic")
                .replace("{filename}", "x.gguf")
        };
        filled.into_iter().map(rest).collect()
    }

    /// Every id that only this project's people should come across.
    pub fn ids(&self) -> [&str; 10] {
        [
            &self.queued,
            &self.running,
            &self.done,
            &self.failed,
            &self.batch,
            &self.artefact,
            &self.input,
            &self.hook,
            &self.delivery,
            &self.key,
        ]
    }

    /// All that could be changed, as an admin of the studio sees it.
    pub async fn snapshot(&self, desk: &Desk) -> Vec<Value> {
        let mut seen = Vec::new();
        for path in [
            "/api/v1/jobs?project=blue",
            "/api/v1/batches?project=blue",
            "/api/v1/artefacts?project=blue",
            "/api/v1/webhooks",
            "/api/v1/projects/blue",
            "/api/v1/workers",
            "/api/v1/registrations",
            "/api/v1/users",
            "/api/v1/models",
            "/api/v1/queue",
        ] {
            let mut shown = desk.get(path).await.ok();
            // A webhook of the attacker's own project may be there as well.
            if let Some(items) = shown.get_mut("items").and_then(Value::as_array_mut) {
                items.retain(|item| item.get("project").is_none_or(|project| project != "red"));
            }
            seen.push(shown);
        }
        let path = format!("/api/v1/webhooks/{}/deliveries", self.hook);
        let deliveries = desk.get(&path).await.ok();
        seen.push(json!(deliveries["items"].as_array().map(Vec::len)));
        let input = desk.get(&format!("/api/v1/inputs/{}", self.input)).await;
        seen.push(json!(input.status.as_u16()));
        let keys = desk.get("/api/v1/keys").await.ok();
        seen.push(json!(keys.to_string().contains(&self.key)));
        seen
    }
}
