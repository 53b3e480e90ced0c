//! The registry of models, and their files, streamed to the studio.

use std::path::Path;

use futures_util::StreamExt;
use reqwest::{Body, Method, header};
use tokio::fs::File;
use tokio_util::io::ReaderStream;

use super::{Client, ClientError};
use crate::api::types::{Items, Model, ModelDetail, ModelPatch, PutModel};

/// What is read from the file at once.
const CHUNK_BYTES: usize = 256 * 1024;

impl Client {
    /// `GET /api/v1/models`
    pub async fn models(&self) -> Result<Vec<ModelDetail>, ClientError> {
        Ok(self.get::<Items<ModelDetail>>(&["models"], &()).await?.items)
    }

    /// `GET /api/v1/models/{id}`
    pub async fn model(&self, id: &str) -> Result<ModelDetail, ClientError> {
        self.get(&["models", id], &()).await
    }

    /// `PUT /api/v1/models/{id}`
    pub async fn put_model(&self, id: &str, model: &PutModel) -> Result<Model, ClientError> {
        self.json(self.request(Method::PUT, &["models", id])?.json(model)).await
    }

    /// `PATCH /api/v1/models/{id}`
    pub async fn enable_model(&self, id: &str, enabled: bool) -> Result<Model, ClientError> {
        self.json(self.request(Method::PATCH, &["models", id])?.json(&ModelPatch { enabled })).await
    }

    /// `DELETE /api/v1/models/{id}`
    pub async fn remove_model(&self, id: &str) -> Result<(), ClientError> {
        self.send(self.request(Method::DELETE, &["models", id])?).await.map(drop)
    }

    /// `POST /api/v1/models/{id}/fetch`
    pub async fn fetch_model(&self, id: &str) -> Result<ModelDetail, ClientError> {
        self.post(&["models", id, "fetch"], &()).await
    }

    /// `DELETE /api/v1/models/{id}/files`
    pub async fn drop_model_files(&self, id: &str) -> Result<ModelDetail, ClientError> {
        self.json(self.request(Method::DELETE, &["models", id, "files"])?).await
    }

    /// `PUT /api/v1/models/{id}/files/{filename}`; `moved` hears of the bytes as they leave.
    pub async fn upload_model_file(
        &self,
        id: &str,
        filename: &str,
        path: &Path,
        moved: impl Fn(u64) + Send + Sync + 'static,
    ) -> Result<ModelDetail, ClientError> {
        let failed = |source| ClientError::File { path: path.to_owned(), source };
        let file = File::open(path).await.map_err(failed)?;
        let bytes = file.metadata().await.map_err(failed)?.len();
        let stream = ReaderStream::with_capacity(file, CHUNK_BYTES).inspect(move |chunk| {
            if let Ok(chunk) = chunk {
                moved(chunk.len() as u64);
            }
        });
        let request = self.request_by(&self.uploads, Method::PUT, &["models", id, "files", filename])?;
        // With its length known the studio can say at once that there is no room for it.
        let request = request.header(header::CONTENT_LENGTH, bytes).body(Body::wrap_stream(stream));
        self.json(request).await
    }
}
