//! Addresses of pages with what they filter by.

/// `path` with those of `pairs` that have a value; the rest is left out, so that an address is as short as it can be.
pub fn address(path: &str, pairs: &[(&str, Option<&str>)]) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    for (name, value) in pairs {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            query.append_pair(name, value);
        }
    }
    let query = query.finish();
    if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
}

/// Where a job is looked at.
pub fn job(id: &str) -> String {
    format!("/jobs/{id}")
}

/// Where a batch is looked at.
pub fn batch(id: &str) -> String {
    format!("/batches/{id}")
}

/// Where the bytes of an artefact come from.
pub fn artefact(id: &str) -> String {
    format!("/api/v1/artefacts/{id}")
}

/// The same for a small picture of it, that fits into a square of `size` pixels.
pub fn thumbnail(id: &str, size: u32) -> String {
    format!("/api/v1/artefacts/{id}/thumbnail?size={size}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_said_is_left_out() {
        assert_eq!(address("/jobs", &[("state", None), ("q", Some(""))]), "/jobs");
        assert_eq!(
            address("/jobs", &[("state", Some("done")), ("q", Some("a&b c"))]),
            "/jobs?state=done&q=a%26b+c"
        );
    }
}
