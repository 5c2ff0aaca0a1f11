//! An answer's bytes in, its steps out, whatever the protocol and however the bytes are cut.

use super::{
    answer::{Answer, Decode, Step},
    anthropic, openai_chat, openai_responses,
    sse::SseDecoder,
};
use crate::config::Protocol;

/// The state of one answer.
pub(super) struct Codec {
    lines: SseDecoder,
    decoder: Box<dyn Decode>,
    answer: Answer,
}

impl Codec {
    /// Begins an answer; `own` is OpenAI's own service, which keeps the protocol to the letter.
    pub(super) fn new(protocol: Protocol, own: bool, answer: Answer) -> Self {
        let decoder: Box<dyn Decode> = match protocol {
            Protocol::Messages => Box::new(anthropic::Decoder::default()),
            Protocol::Chat => Box::new(openai_chat::Decoder::new(own)),
            Protocol::Responses => Box::new(openai_responses::Decoder),
        };
        Self { lines: SseDecoder::default(), decoder, answer }
    }

    /// Takes the next bytes; reports whether they brought content: text or thought.
    pub(super) fn push(&mut self, bytes: &[u8]) -> bool {
        let before = self.answer.content();
        let mut events = Vec::new();
        let lines = self.lines.push(bytes, &mut events);
        for event in &events {
            self.answer.take(event, self.decoder.as_mut());
        }
        if let Err(error) = lines {
            self.answer.fail(error);
        }
        self.answer.content() != before
    }

    /// The bytes ended in good order; without the terminal event that is an error.
    pub(super) fn finish(&mut self) {
        self.answer.finish(self.decoder.as_mut());
    }

    /// Something else went wrong; nothing more is said after that.
    pub(super) fn fail(&mut self, error: super::AiError) {
        self.answer.fail(error);
    }

    /// Returns what is new.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = Step> + '_ {
        self.answer.drain()
    }

    /// Reports whether the terminal event or an error came.
    pub(super) const fn ended(&self) -> bool {
        self.answer.ended()
    }
}
