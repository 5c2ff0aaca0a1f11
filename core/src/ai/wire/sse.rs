//! Server-sent events out of bytes that come in any pieces.

use super::super::AiError;

/// Longest line of a stream, in bytes.
pub(super) const LINE_BYTES: usize = 1024 * 1024;
/// Most bytes of one event, which may have many lines.
const EVENT_BYTES: usize = 2 * 1024 * 1024;

const TOO_LONG: AiError = AiError::Invalid("an event of the answer is too long");

/// One event. Undecodable bytes are U+FFFD.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct SseEvent {
    /// Empty where the stream names none.
    pub(super) name: String,
    /// The lines of data, joined by line feeds.
    pub(super) data: String,
    /// The field `error`, which llama.cpp sends in the place of data.
    pub(super) error: Option<String>,
}

/// The state of one stream.
#[derive(Debug, Default)]
pub(super) struct SseDecoder {
    /// The line that is being received.
    line: Vec<u8>,
    /// A line ended with a carriage return: a line feed right after it belongs to it.
    after_return: bool,
    /// The first line is over, before which a byte order mark may stand.
    begun: bool,
    event: SseEvent,
    has_data: bool,
}

impl SseDecoder {
    /// Takes the next bytes and adds the events that they complete to `events`.
    ///
    /// # Errors
    /// [`AiError::Invalid`] for a line over 1 MiB or an event over 2 MiB; the stream is lost then.
    pub(super) fn push(
        &mut self,
        mut bytes: &[u8],
        events: &mut Vec<SseEvent>,
    ) -> Result<(), AiError> {
        while let Some((first, rest)) = bytes.split_first() {
            if std::mem::take(&mut self.after_return) && *first == b'\n' {
                bytes = rest;
                continue;
            }
            let end = bytes.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
            let (piece, rest) = bytes.split_at(end.unwrap_or(bytes.len()));
            if self.line.len() + piece.len() > LINE_BYTES {
                return Err(TOO_LONG);
            }
            self.line.extend_from_slice(piece);
            bytes = rest;
            if let Some((end, rest)) = rest.split_first() {
                self.after_return = *end == b'\r';
                bytes = rest;
                self.end_line(events)?;
            }
        }
        Ok(())
    }

    fn end_line(&mut self, events: &mut Vec<SseEvent>) -> Result<(), AiError> {
        let line = std::mem::take(&mut self.line);
        let mut content = line.as_slice();
        if !std::mem::replace(&mut self.begun, true) {
            content = content.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(content);
        }
        let result = self.field(content, events);
        // The room of the line is kept for the next one.
        self.line = line;
        self.line.clear();
        result
    }

    fn field(&mut self, line: &[u8], events: &mut Vec<SseEvent>) -> Result<(), AiError> {
        if line.is_empty() {
            let event = std::mem::take(&mut self.event);
            if std::mem::take(&mut self.has_data) || event.error.is_some() {
                events.push(event);
            }
            return Ok(());
        }
        let colon = line.iter().position(|byte| *byte == b':').unwrap_or(line.len());
        let (name, value) = line.split_at(colon);
        let value = value.strip_prefix(b":").unwrap_or(value);
        let value = String::from_utf8_lossy(value.strip_prefix(b" ").unwrap_or(value));
        if self.event.data.len() + value.len() > EVENT_BYTES {
            return Err(TOO_LONG);
        }
        match name {
            b"data" => {
                if std::mem::replace(&mut self.has_data, true) {
                    self.event.data.push('\n');
                }
                self.event.data.push_str(&value);
            }
            b"event" => self.event.name = value.into_owned(),
            b"error" => self.event.error = Some(value.into_owned()),
            // Comments have no name; ids and times to wait mean nothing to one call.
            _ => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn decoded<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<SseEvent> {
        let mut decoder = SseDecoder::default();
        let mut events = Vec::new();
        for piece in pieces {
            decoder.push(piece, &mut events).unwrap();
        }
        events
    }

    fn data(stream: &str) -> Vec<String> {
        decoded([stream.as_bytes()]).into_iter().map(|event| event.data).collect()
    }

    #[test]
    fn line_feeds_returns_and_both_end_lines() {
        for end in ["\n", "\r", "\r\n"] {
            let stream = ["event: a", "data: 1", "data: 2", "", "data: 3", "", ""].join(end);

            let events = decoded([stream.as_bytes()]);

            assert_eq!(events.len(), 2, "{end:?}");
            assert_eq!((events[0].name.as_str(), events[0].data.as_str()), ("a", "1\n2"));
            assert_eq!((events[1].name.as_str(), events[1].data.as_str()), ("", "3"));
        }
    }

    #[test]
    fn a_mark_comments_unknown_fields_and_bare_names_are_no_data() {
        let stream = "\u{feff}data: 1\n: alive\nid: 7\nretry: 3\nnonsense\n\n:\n\n\ndata\n\n";

        assert_eq!(data(stream), ["1", ""]);
    }

    #[test]
    fn one_space_after_the_colon_is_not_data() {
        assert_eq!(data("data:a\n\ndata: b\n\ndata:  c \n\n"), ["a", "b", " c "]);
    }

    #[test]
    fn an_event_without_its_empty_line_is_none() {
        assert_eq!(data("data: 1\n\ndata: 2\n"), ["1"]);
    }

    #[test]
    fn an_error_field_is_an_event() {
        let events = decoded([b"error: {\"code\":500}\n\n".as_slice()]);

        assert_eq!(events[0].error.as_deref(), Some("{\"code\":500}"));
    }

    #[test]
    fn undecodable_bytes_are_replaced_and_replacements_are_kept() {
        let events = decoded([b"data: a\xFFb\xEF\xBF\xBD\n\n".as_slice()]);

        assert_eq!(events[0].data, "a\u{fffd}b\u{fffd}");
    }

    #[test]
    fn a_line_of_a_mebibyte_is_the_longest() {
        let mut line = b"data:".to_vec();
        line.resize(LINE_BYTES, b'x');
        let mut events = Vec::new();

        let mut decoder = SseDecoder::default();
        decoder.push(&line, &mut events).unwrap();
        decoder.push(b"\n\n", &mut events).unwrap();
        assert_eq!(events[0].data.len(), LINE_BYTES - 5);

        decoder.push(&line, &mut events).unwrap();
        assert_eq!(decoder.push(b"x", &mut events), Err(TOO_LONG));
    }

    #[test]
    fn an_event_of_many_lines_has_an_end_too() {
        let mut line = b"data:".to_vec();
        line.resize(LINE_BYTES, b'x');
        line.push(b'\n');
        let mut decoder = SseDecoder::default();

        let results: Vec<_> = (0..3).map(|_| decoder.push(&line, &mut Vec::new())).collect();

        assert_eq!(results, [Ok(()), Ok(()), Err(TOO_LONG)]);
    }

    proptest! {
        #[test]
        fn every_split_of_any_bytes_gives_the_same_events(
            words in proptest::collection::vec(
                prop_oneof![
                    Just("\n"), Just("\r"), Just("\r\n"), Just("data: "), Just("event:"),
                    Just("error: "), Just(":"), Just("é𝄞"), Just("\u{feff}"), Just("x"),
                ],
                0..40,
            ),
            at in proptest::collection::vec(0_usize..200, 0..6),
        ) {
            let stream = words.concat().into_bytes();
            let mut cuts: Vec<_> = at.into_iter().map(|at| at % (stream.len() + 1)).collect();
            cuts.sort_unstable();
            let mut pieces = Vec::new();
            let mut from = 0;
            for cut in cuts.into_iter().chain([stream.len()]) {
                pieces.push(&stream[from..cut]);
                from = cut;
            }

            prop_assert_eq!(decoded(pieces), decoded([stream.as_slice()]));
            prop_assert_eq!(decoded(stream.chunks(1)), decoded([stream.as_slice()]));
        }
    }
}
