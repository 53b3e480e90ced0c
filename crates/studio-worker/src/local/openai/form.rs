//! Forms of requests: their files are written where engines find them.

use std::path::Path;

use axum::body::Bytes;
use axum::extract::multipart::{Field, Multipart, MultipartError};
use axum::extract::{FromRequest, Request};
use studio_dialects::media::{self, Media, Sort};
use studio_dialects::openai::form::Form;
use studio_dialects::openai::images::mask;
use studio_dialects::{Failure, Kind};
use studio_protocol::MAX_INPUTS;

use super::aside;
use super::files::Files;

/// The field of a mask.
const MASK: &str = "mask";
/// The field of a picture.
const IMAGE: &str = "image";
/// A field of text: the longest prompt that any model reads, several times over.
const MAX_TEXT_BYTES: usize = 64 * 1024;
/// Fields of text: twice what any address knows.
const MAX_TEXTS: usize = 64;

/// Reads a form, whose size the guard has limited.
///
/// What is transparent in a `mask` becomes white, as tasks want it. `holes` says whether those of the only `image` of a
/// form without a mask are one.
pub(super) async fn read(
    work: &Path,
    request: Request,
    sort: Sort,
    holes: bool,
) -> Result<(Form, Files), Failure> {
    let mut multipart = Multipart::from_request(request, &()).await.map_err(|rejection| {
        let why = format!("send the fields as multipart/form-data: {}", rejection.body_text());
        Failure::new(Kind::MediaType, why)
    })?;
    let (mut form, mut files) = (Form::default(), Files::default());
    let (mut texts, mut names, mut hole) = (0, Vec::new(), None);
    while let Some(field) = multipart.next_field().await.map_err(|error| unreadable(&error))? {
        let name = field.name().unwrap_or_default();
        let name = name.strip_suffix("[]").unwrap_or(name).to_owned();
        if field.file_name().is_none() && !sort.takes_as_file(&name) {
            texts += 1;
            if texts > MAX_TEXTS {
                let why = format!("the form has more than {MAX_TEXTS} fields");
                return Err(Failure::new(Kind::Invalid, why));
            }
            form.add_text(name.as_str(), text(&name, field).await?);
            continue;
        }
        if names.len() == MAX_INPUTS {
            let why = format!("the form has more than {MAX_INPUTS} files");
            return Err(Failure::new(Kind::Invalid, why));
        }
        let declared = field.content_type().map(str::to_owned);
        let bytes = field.bytes().await.map_err(|error| unreadable(&error))?;
        let head = &bytes[..bytes.len().min(media::HEAD_BYTES)];
        let media = media::check(sort, head, declared.as_deref())
            .map_err(|why| Failure::invalid(name.as_str(), why))?;
        let is_only = names.is_empty();
        let (media, bytes) = match name.as_str() {
            MASK if sort == Sort::Picture => match mask_of(&name, bytes.clone()).await? {
                Some(mask) => (Media::PNG, mask.into()),
                None => (media, bytes),
            },
            IMAGE if sort == Sort::Picture && holes && is_only => {
                hole = mask_of(&name, bytes.clone()).await?;
                (media, bytes)
            }
            _ => (media, bytes),
        };
        form.add_file(name.as_str(), files.store(work, media, &bytes).await?);
        names.push(name);
    }
    if let (Some(mask), [only]) = (hole, &names[..])
        && only == IMAGE
    {
        form.add_file(MASK, files.store(work, Media::PNG, &mask).await?);
    }
    Ok((form, files))
}

async fn text(name: &str, field: Field<'_>) -> Result<String, Failure> {
    let bytes = field.bytes().await.map_err(|error| unreadable(&error))?;
    if bytes.len() > MAX_TEXT_BYTES {
        return Err(Failure::invalid(name, format!("has more than {MAX_TEXT_BYTES} bytes")));
    }
    String::from_utf8(bytes.into()).map_err(|_| Failure::invalid(name, "is not UTF-8"))
}

async fn mask_of(name: &str, bytes: Bytes) -> Result<Option<Vec<u8>>, Failure> {
    let name = name.to_owned();
    aside(move || mask::of_alpha(&name, &bytes)).await?
}

fn unreadable(error: &MultipartError) -> Failure {
    Failure::new(Kind::Invalid, format!("the form cannot be read: {}", error.body_text()))
}
