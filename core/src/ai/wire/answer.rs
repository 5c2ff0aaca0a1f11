//! What the decoders of all protocols share: the events that are out, the counts, the end.

use serde_json::Value;

use super::{
    super::{AiError, ModelEvent, ModelRequest, StopReason, TokenUsage},
    errors,
    sse::SseEvent,
};

/// Most bytes of the text of an answer.
pub(super) const ANSWER_BYTES: usize = 2 * 1024 * 1024;
/// Longest name that is taken from a server, in characters.
const NAME_CHARS: usize = 200;
/// Bytes of a token, where nobody counted.
const TOKEN_BYTES: usize = 4;

/// One step of an answer, or what ended it.
pub(super) type Step = Result<ModelEvent, AiError>;

/// The decoder of one protocol.
pub(super) trait Decode: Send {
    /// Takes one event and says through `answer` what it means.
    fn event(&mut self, event: &Value, name: &str, answer: &mut Answer);

    /// Takes data that is no JSON; reports whether it meant something.
    fn word(&mut self, _word: &str, _answer: &mut Answer) -> bool {
        false
    }

    /// The stream ended in good order, without the terminal event.
    fn end(&mut self, answer: &mut Answer) {
        answer.fail(AiError::Truncated);
    }
}

/// An answer as far as it is known.
#[derive(Debug)]
pub(super) struct Answer {
    /// What the consumer has not got yet.
    steps: Vec<Step>,
    request_id: Option<String>,
    model: String,
    started: bool,
    ended: bool,
    /// The model said no, whatever reason for its end it gives.
    pub(super) refused: bool,
    prompt_bytes: usize,
    text_bytes: usize,
    /// Pieces of text and thought so far.
    content: u64,
    counts: Counts,
}

/// Tokens as a provider counted them, as far as it did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Counts {
    pub(super) input: Option<u64>,
    pub(super) output: Option<u64>,
    pub(super) cached: Option<u64>,
}

impl Answer {
    /// Nothing yet of the answer to `request`, whose response named the exchange `request_id`.
    pub(super) fn new(request: &ModelRequest, request_id: Option<&str>) -> Self {
        let repair = request
            .repair
            .as_ref()
            .map_or(0, |repair| repair.answer.len() + repair.complaint.len());
        Self {
            steps: Vec::new(),
            request_id: request_id.and_then(name),
            model: request.model.clone(),
            started: false,
            ended: false,
            refused: false,
            prompt_bytes: request.system.len() + request.user.len() + repair,
            text_bytes: 0,
            content: 0,
            counts: Counts::default(),
        }
    }

    /// Takes one event of the stream.
    pub(super) fn take(&mut self, event: &SseEvent, decoder: &mut dyn Decode) {
        if self.ended {
            return;
        }
        if let Some(error) = &event.error {
            let error = serde_json::from_str(error).unwrap_or(Value::Null);
            return self.fail(errors::in_stream(&error));
        }
        match serde_json::from_str::<Value>(&event.data) {
            Ok(data) if data.is_object() => decoder.event(&data, &event.name, self),
            _ if decoder.word(event.data.trim(), self) => {}
            // Half an event says that the sender is broken, not that the request was wrong.
            _ => self.fail(errors::FAILED),
        }
    }

    /// The stream ended in good order.
    pub(super) fn finish(&mut self, decoder: &mut dyn Decode) {
        if !self.ended {
            decoder.end(self);
        }
    }

    /// Returns what is new.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = Step> + '_ {
        self.steps.drain(..)
    }

    /// Reports whether the terminal event or an error came.
    pub(super) const fn ended(&self) -> bool {
        self.ended
    }

    /// The provider began: with which exchange, where no header said so, and which model.
    pub(super) fn start(&mut self, id: &Value, model: &Value) {
        if self.started {
            return;
        }
        self.started = true;
        let request_id = self.request_id.take().or_else(|| id.as_str().and_then(name));
        let model = model.as_str().and_then(name).unwrap_or_else(|| self.model.clone());
        self.say(ModelEvent::Started { request_id, model });
    }

    /// The next piece of the text.
    pub(super) fn text(&mut self, piece: &Value) {
        let Some(piece) = piece.as_str().filter(|piece| !piece.is_empty()) else { return };
        self.text_bytes += piece.len();
        if self.text_bytes > ANSWER_BYTES {
            return self.fail(AiError::Invalid("the answer is longer than 2 MiB"));
        }
        self.content += 1;
        self.say(ModelEvent::Text(piece.to_owned()));
    }

    /// Reports whether any text came.
    pub(super) const fn has_text(&self) -> bool {
        self.text_bytes > 0
    }

    /// Returns how many pieces of text and thought came: what counts as progress.
    pub(super) const fn content(&self) -> u64 {
        self.content
    }

    pub(super) fn thinking(&mut self) {
        self.content += 1;
        self.say(ModelEvent::Thinking);
    }

    pub(super) fn ping(&mut self) {
        self.say(ModelEvent::Ping);
    }

    /// Replaces the counts that are given.
    pub(super) fn count(&mut self, counts: Counts) {
        let new = Counts {
            input: counts.input.or(self.counts.input),
            output: counts.output.or(self.counts.output),
            cached: counts.cached.or(self.counts.cached),
        };
        if new != self.counts {
            self.counts = new;
            self.say(ModelEvent::Usage(TokenUsage {
                input: new.input.unwrap_or_default(),
                output: new.output.unwrap_or_default(),
                cached: new.cached.unwrap_or_default(),
                estimated: false,
            }));
        }
    }

    /// The terminal event came.
    pub(super) fn stop(&mut self, reason: StopReason) {
        let Counts { input, output, cached } = self.counts;
        if input.is_none() || output.is_none() {
            self.say(ModelEvent::Usage(TokenUsage {
                input: input.unwrap_or_else(|| tokens(self.prompt_bytes)),
                output: output.unwrap_or_else(|| tokens(self.text_bytes)),
                cached: cached.unwrap_or_default(),
                estimated: true,
            }));
        }
        self.say(ModelEvent::Stop(if self.refused { StopReason::Refusal } else { reason }));
        self.ended = true;
    }

    /// Nothing more can come.
    pub(super) fn fail(&mut self, error: AiError) {
        if !self.ended {
            self.ended = true;
            self.steps.push(Err(error));
        }
    }

    /// Every answer begins with its start, also where a server forgets to say who it is.
    fn say(&mut self, event: ModelEvent) {
        if self.ended {
            return;
        }
        if !self.started && !matches!(event, ModelEvent::Started { .. } | ModelEvent::Ping) {
            self.start(&Value::Null, &Value::Null);
        }
        self.steps.push(Ok(event));
    }
}

/// Returns what stands at a path of names, null where there is nothing.
pub(super) fn at<'a>(value: &'a Value, path: &str) -> &'a Value {
    static NOTHING: Value = Value::Null;
    value.pointer(path).unwrap_or(&NOTHING)
}

/// Estimates the tokens of a text.
fn tokens(bytes: usize) -> u64 {
    u64::try_from(bytes.div_ceil(TOKEN_BYTES)).unwrap_or(u64::MAX)
}

/// A name that a server gave, fit to be stored and shown.
fn name(text: &str) -> Option<String> {
    let name: String = text.chars().filter(|c| !c.is_control()).take(NAME_CHARS).collect();
    (!name.is_empty()).then_some(name)
}
