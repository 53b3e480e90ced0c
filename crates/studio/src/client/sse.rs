//! Reads server-sent events (the part of the format that the studio writes).

use reqwest::{Response, Url};

use super::ClientError;

/// One event: the studio's are far below; more is not a studio.
const MAX_EVENT_BYTES: usize = 4 * 1024 * 1024;

/// An event with its data unparsed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServerEvent {
    /// `job`, `progress`, ...
    pub name: String,
    /// JSON.
    pub data: String,
    /// Empty for what the stream says of itself.
    pub id: String,
}

/// Events as they come in.
#[derive(Debug)]
pub struct EventStream {
    base: Url,
    response: Response,
    reader: Reader,
}

impl EventStream {
    pub(super) fn new(base: Url, response: Response) -> Self {
        Self { base, response, reader: Reader::default() }
    }

    /// The next event; `None` when the studio ends the stream, as it does when it shuts down.
    pub async fn next(&mut self) -> Result<Option<ServerEvent>, ClientError> {
        loop {
            if let Some(event) = self.reader.pop() {
                return Ok(Some(event));
            }
            match self.response.chunk().await {
                Ok(Some(chunk)) if self.reader.buffer.len() + chunk.len() <= MAX_EVENT_BYTES => {
                    self.reader.buffer.extend_from_slice(&chunk);
                }
                Ok(Some(_)) => return Err(ClientError::NotOurs { url: self.base.to_string(), source: None }),
                Ok(None) => return Ok(None),
                Err(error) => return Err(ClientError::unreachable(self.base.as_str(), &error)),
            }
        }
    }
}

#[derive(Debug, Default)]
struct Reader {
    buffer: Vec<u8>,
    event: ServerEvent,
}

impl Reader {
    /// Takes whole lines until they make an event.
    fn pop(&mut self) -> Option<ServerEvent> {
        let mut taken = 0;
        let mut complete = None;
        while let Some(length) = self.buffer[taken..].iter().position(|byte| *byte == b'\n') {
            let line = String::from_utf8_lossy(&self.buffer[taken..taken + length]).into_owned();
            taken += length + 1;
            if self.take(line.trim_end_matches('\r')) {
                complete = Some(std::mem::take(&mut self.event));
                break;
            }
        }
        self.buffer.drain(..taken);
        complete
    }

    /// Whether the line ends an event.
    fn take(&mut self, line: &str) -> bool {
        if line.is_empty() {
            return !self.event.data.is_empty();
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut self.event.name),
            "id" => value.clone_into(&mut self.event.id),
            "data" => {
                if !self.event.data.is_empty() {
                    self.event.data.push('\n');
                }
                self.event.data.push_str(value);
            }
            // A comment (a sign of life), or a field of other servers.
            _ => {}
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_come_out_whole_however_they_are_cut() {
        let text = ": hello\n\nevent: job\ndata: {\"a\":1}\nid: 7\n\nevent: x\r\ndata: 1\r\ndata: 2\r\n\r\n";
        for size in [1, 2, 7, 1000] {
            let mut reader = Reader::default();
            let mut events = Vec::new();
            for chunk in text.as_bytes().chunks(size) {
                reader.buffer.extend_from_slice(chunk);
                while let Some(event) = reader.pop() {
                    events.push(event);
                }
            }
            let event = |name: &str, data: &str, id: &str| ServerEvent {
                name: name.to_owned(),
                data: data.to_owned(),
                id: id.to_owned(),
            };
            assert_eq!(events, [event("job", "{\"a\":1}", "7"), event("x", "1\n2", "")], "{size}");
        }
    }
}
