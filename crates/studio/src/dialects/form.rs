//! Forms of requests: their files are stored while they come.

use std::time::Duration;

use axum::extract::multipart::{Field, Multipart, MultipartError};
use axum::extract::{DefaultBodyLimit, FromRequest, Request};
use axum::http::header;
use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt, stream};
use studio_dialects::media::{self, Media, Sort};
use studio_dialects::openai::form::Form;
use studio_dialects::openai::images::mask;
use studio_dialects::{Failure, Kind};
use studio_protocol::{MAX_INPUT_BYTES, MAX_INPUTS};

use super::uploads;
use crate::api::auth::Caller;
use crate::api::pace::Held;
use crate::api::problem::Problem;
use crate::state::AppState;

/// The field of a mask.
const MASK: &str = "mask";
/// The field of a picture.
const IMAGE: &str = "image";
/// A field of text: the longest prompt that any model reads, several times over.
const MAX_TEXT_BYTES: usize = 64 * 1024;
/// Fields of text: twice what any address knows.
const MAX_TEXTS: usize = 64;
/// A form that brings nothing for this long: its client is gone, or stuck.
const SILENCE_LIMIT: Duration = Duration::from_mins(1);

/// Reads a form to its end; its files become inputs of jobs.
///
/// What is transparent in a `mask` becomes white, as tasks want it. `holes` says whether those of the only `image` of a
/// form without a mask are one.
pub(super) async fn read(
    state: &AppState,
    caller: &Caller,
    request: Request,
    sort: Sort,
    holes: bool,
) -> Result<Form, Failure> {
    let length = request.headers().get(header::CONTENT_LENGTH);
    let announced = length.and_then(|value| value.to_str().ok()?.parse().ok());
    let held = Held::default();
    let mut request = request.map(|body| held.guard(body));
    // Every part has a limit of its own.
    DefaultBodyLimit::disable().apply(&mut request);
    let multipart = Multipart::from_request(request, &()).await.map_err(|rejection| {
        let why = format!("send the fields as multipart/form-data: {}", rejection.body_text());
        Failure::new(Kind::MediaType, why)
    })?;
    let reader = Reader {
        state,
        caller,
        sort,
        holes,
        form: Form::default(),
        texts: 0,
        files: Vec::new(),
        hole: None,
        announced,
        held,
    };
    reader.read(multipart).await
}

struct Reader<'a> {
    state: &'a AppState,
    caller: &'a Caller,
    sort: Sort,
    holes: bool,
    form: Form,
    texts: usize,
    /// Their names.
    files: Vec<String>,
    /// The mask that the holes of the first picture stand for.
    hole: Option<Vec<u8>>,
    /// The length of the whole form, where it is said.
    announced: Option<u64>,
    held: Held,
}

impl Reader<'_> {
    async fn read(mut self, mut multipart: Multipart) -> Result<Form, Failure> {
        while let Some(field) = in_time(&self.held, multipart.next_field()).await? {
            let name = field.name().unwrap_or_default();
            let name = name.strip_suffix("[]").unwrap_or(name).to_owned();
            if field.file_name().is_some() || self.sort.takes_as_file(&name) {
                self.file(name, field).await?;
            } else {
                self.text(name, field).await?;
            }
        }
        if let (Some(mask), ["image"]) =
            (self.hole.take(), &self.files.iter().map(String::as_str).collect::<Vec<_>>()[..])
        {
            let address = self.store(MASK, Media::PNG, once(mask.into())).await?;
            self.form.add_file(MASK, address);
        }
        Ok(self.form)
    }

    async fn text(&mut self, name: String, mut field: Field<'_>) -> Result<(), Failure> {
        self.texts += 1;
        if self.texts > MAX_TEXTS {
            return Err(Failure::new(Kind::Invalid, format!("the form has more than {MAX_TEXTS} fields")));
        }
        let mut bytes = Vec::new();
        while let Some(chunk) = in_time(&self.held, field.chunk()).await? {
            if bytes.len() + chunk.len() > MAX_TEXT_BYTES {
                return Err(Failure::invalid(name, format!("has more than {MAX_TEXT_BYTES} bytes")));
            }
            bytes.extend_from_slice(&chunk);
        }
        let text = String::from_utf8(bytes).map_err(|_| Failure::invalid(name.as_str(), "is not UTF-8"))?;
        self.form.add_text(name, text);
        Ok(())
    }

    async fn file(&mut self, name: String, mut field: Field<'_>) -> Result<(), Failure> {
        if self.files.len() == MAX_INPUTS {
            return Err(Failure::new(Kind::Invalid, format!("the form has more than {MAX_INPUTS} files")));
        }
        let head = head(&self.held, &mut field).await?;
        let media = media::check(self.sort, &head, field.content_type())
            .map_err(|why| Failure::invalid(name.as_str(), why))?;
        let is_first = self.files.is_empty();
        self.files.push(name.clone());
        let looked_at =
            self.sort == Sort::Picture && (name == MASK || (self.holes && is_first && name == IMAGE));
        let address = if looked_at {
            let bytes = whole(&self.held, &name, head, field).await?;
            let mask = mask_of(&name, bytes.clone()).await?;
            match mask {
                Some(mask) if name == MASK => self.store(&name, Media::PNG, once(mask.into())).await?,
                mask => {
                    self.hole = if name == IMAGE { mask } else { None };
                    self.store(&name, media, once(bytes)).await?
                }
            }
        } else {
            let rest = stream::try_unfold((field, self.held.clone()), |(mut field, held)| async move {
                let chunk = in_time(&held, field.chunk()).await.map_err(|failure| failure.message)?;
                Ok::<_, String>(chunk.map(|chunk| (chunk, (field, held))))
            });
            self.store(&name, media, stream::iter([Ok(head)]).chain(rest)).await?
        };
        self.form.add_file(name, address);
        Ok(())
    }

    async fn store(
        &self,
        name: &str,
        media: Media,
        bytes: impl Stream<Item = Result<Bytes, String>> + Send,
    ) -> Result<String, Failure> {
        uploads::store(self.state, self.caller, name, media, self.announced, bytes).await
    }
}

/// The first bytes of a file, as many as tell what it is.
async fn head(guard: &Held, field: &mut Field<'_>) -> Result<Bytes, Failure> {
    let mut head = BytesMut::new();
    while head.len() < media::HEAD_BYTES {
        let Some(chunk) = in_time(guard, field.chunk()).await? else { break };
        head.extend_from_slice(&chunk);
    }
    Ok(head.freeze())
}

async fn whole(guard: &Held, name: &str, head: Bytes, mut field: Field<'_>) -> Result<Bytes, Failure> {
    let mut bytes = BytesMut::from(head);
    while let Some(chunk) = in_time(guard, field.chunk()).await? {
        if (bytes.len() + chunk.len()) as u64 > MAX_INPUT_BYTES {
            return Err(uploads::too_large(name, MAX_INPUT_BYTES));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes.freeze())
}

/// Decoding takes long enough to keep others waiting.
async fn mask_of(name: &str, bytes: Bytes) -> Result<Option<Vec<u8>>, Failure> {
    let name = name.to_owned();
    let decoded = tokio::task::spawn_blocking(move || mask::of_alpha(&name, &bytes)).await;
    decoded.map_err(|error| Problem::internal(&error))?
}

fn once(bytes: Bytes) -> impl Stream<Item = Result<Bytes, String>> {
    stream::iter([Ok(bytes)])
}

async fn in_time<T>(
    held: &Held,
    step: impl Future<Output = Result<T, MultipartError>>,
) -> Result<T, Failure> {
    let step = async { step.await.inspect(|_| held.got_on()) };
    match tokio::time::timeout(SILENCE_LIMIT, step).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => {
            Err(Failure::new(Kind::Invalid, format!("the form cannot be read: {}", error.body_text())))
        }
        Err(_) => Err(Failure::new(Kind::Invalid, format!("nothing came for {} s", SILENCE_LIMIT.as_secs()))),
    }
}
