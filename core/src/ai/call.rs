//! One answer from a provider: attempts, waits, checks and the one repair. Owns no task and no row.

use std::{sync::Arc, time::Duration};

use futures_util::StreamExt;
use serde_json::Value;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{
    AiError, ModelEvent, ModelRequest, Phase, Provider, Refusal, Repair, StopReason, TokenUsage,
    capability::Capability, gate::Gate, guard::CanaryFilter, log::Log,
};
use crate::{config::AiConfig, enums::AiProvider, id::random_bytes};

/// First pause between attempts and the longest one, as anthropics/anthropic-sdk-python has them.
const BACKOFF: Duration = Duration::from_millis(500);
const BACKOFF_MOST: Duration = Duration::from_secs(8);
/// Longest wait that a provider may ask for within a call.
const ASKED_MOST_MS: i64 = 60_000;
/// Visible tries of one flight lie in this many epochs; more than retries and a repair can use.
pub(crate) const EPOCHS: u64 = 16;

/// What one call is made of.
pub(crate) struct Call<'a> {
    pub(crate) capability: &'static Capability,
    pub(crate) input: &'a Value,
    pub(crate) provider: AiProvider,
    pub(crate) model: &'a str,
    pub(crate) upstream: Arc<dyn Provider>,
    pub(crate) gate: Arc<Gate>,
    pub(crate) config: &'a AiConfig,
    pub(crate) canary: &'a str,
    pub(crate) log: &'a Log,
    /// The first epoch this call may use.
    pub(crate) epoch: u64,
    pub(crate) cancel: CancellationToken,
    /// Told once, at the first output that the provider charges for.
    pub(crate) billable: &'a (dyn Fn() + Sync),
}

/// One exchange with the provider.
#[derive(Debug, Clone)]
pub(crate) struct Attempt {
    /// `ok`, or the class of its error.
    pub(crate) outcome: &'static str,
    pub(crate) retry_after_ms: Option<i64>,
    pub(crate) ttft_ms: Option<i64>,
    pub(crate) total_ms: i64,
    pub(crate) usage: TokenUsage,
}

/// How a call went.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) result: Result<Value, AiError>,
    pub(crate) attempts: Vec<Attempt>,
    pub(crate) request_id: Option<String>,
    /// Milliseconds from the start to the first text.
    pub(crate) ttft_ms: Option<i64>,
    pub(crate) total_ms: i64,
    /// Whether the provider has charged for something.
    pub(crate) billed: bool,
}

impl Report {
    /// Returns a report of a call that never was.
    pub(crate) fn failed(error: AiError) -> Self {
        Self {
            result: Err(error),
            attempts: Vec::new(),
            request_id: None,
            ttft_ms: None,
            total_ms: 0,
            billed: false,
        }
    }

    /// Returns the tokens of all attempts.
    pub(crate) fn usage(&self) -> TokenUsage {
        self.attempts.iter().fold(TokenUsage::default(), |sum, attempt| TokenUsage {
            input: sum.input + attempt.usage.input,
            output: sum.output + attempt.usage.output,
            cached: sum.cached + attempt.usage.cached,
            estimated: sum.estimated || attempt.usage.estimated,
        })
    }
}

/// What the attempts of a call have in common.
struct Course<'a> {
    call: &'a Call<'a>,
    began: Instant,
    epoch: u64,
    /// Whether the current epoch has begun, and whether it has shown text.
    begun: bool,
    shown: bool,
    why: &'static str,
    /// When the exchange under way began, and the bytes it sent.
    under_way: Option<(Instant, usize)>,
    report: Report,
}

/// Makes the call. Never longer than `flight_ms`; dropping it stops the exchange.
pub(crate) async fn call(call: &Call<'_>) -> Report {
    let mut course = Course {
        call,
        began: Instant::now(),
        epoch: call.epoch,
        begun: false,
        shown: false,
        why: "",
        under_way: None,
        report: Report::failed(AiError::Internal),
    };
    let limit = Duration::from_millis(call.config.flight_ms);
    let result = tokio::select! {
        result = course.run() => result,
        () = tokio::time::sleep(limit) => Err(AiError::Timeout(Phase::Attempt)),
        () = call.cancel.cancelled() => Err(AiError::Cancelled),
    };
    course.note(result.as_ref().err());
    course.report.result = result;
    course.report.total_ms = ms(course.began.elapsed());
    course.report
}

impl Course<'_> {
    async fn run(&mut self) -> Result<Value, AiError> {
        let mut repair: Option<Repair> = None;
        let mut failures = 0_u32;
        loop {
            let turn = self.call.gate.turn(Duration::from_millis(self.call.config.gate_ms)).await?;
            let exchanged = self.exchange(repair.clone()).await;
            turn.done(exchanged.as_ref().map(|_| ()));
            match exchanged {
                Ok(answer) => match self.call.capability.accept(self.call.input, &answer) {
                    Ok(value) => return Ok(value),
                    Err(_) if repair.is_some() => return Err(AiError::SchemaMismatch),
                    Err(complaint) => {
                        self.again("the answer did not have the promised form");
                        repair = Some(Repair { answer, complaint: complaint.message() });
                    }
                },
                Err(error) if error.is_transient() && failures < self.call.config.retries => {
                    let pause = pause(&error, failures)?;
                    failures += 1;
                    self.again("the answer broke off");
                    tokio::time::sleep(pause).await;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Makes the next exchange a new visible try, where the last one showed something.
    fn again(&mut self, why: &'static str) {
        if self.shown {
            self.epoch += 1;
            (self.begun, self.shown, self.why) = (false, false, why);
        }
    }

    /// One exchange; returns the whole answer of a model that was done.
    async fn exchange(&mut self, repair: Option<Repair>) -> Result<String, AiError> {
        let call = self.call;
        let rendered =
            call.capability.render(call.input, call.canary).map_err(|_| AiError::Internal)?;
        let request = ModelRequest {
            model: call.model.to_owned(),
            system: rendered.system,
            user: rendered.user,
            max_tokens: call.capability.max_tokens,
            schema: call.capability.schema(),
            repair,
        };
        let size = request.system.len() + request.user.len();
        self.report.attempts.push(Attempt {
            outcome: "cancelled",
            retry_after_ms: None,
            ttft_ms: None,
            total_ms: 0,
            usage: TokenUsage::default(),
        });
        self.under_way = Some((Instant::now(), size));
        let limit = Duration::from_millis(call.config.attempt_ms);
        let outcome = tokio::time::timeout(limit, self.read(request))
            .await
            .unwrap_or(Err(AiError::Timeout(Phase::Attempt)));
        self.note(outcome.as_ref().err());
        outcome
    }

    /// Writes down how the exchange under way ended; also one that was given up in the middle:
    /// what it used was paid.
    fn note(&mut self, error: Option<&AiError>) {
        let Some((began, size)) = self.under_way.take() else { return };
        let Some(attempt) = self.report.attempts.last_mut() else { return };
        attempt.total_ms = ms(began.elapsed());
        attempt.outcome = error.map_or("ok", AiError::class);
        attempt.retry_after_ms = error.and_then(AiError::retry_after_ms);
        if error.is_some() && attempt.ttft_ms.is_some() && attempt.usage == TokenUsage::default() {
            // The provider never came to its numbers: what was sent was read.
            attempt.usage.input = u64::try_from(size / 4).unwrap_or(u64::MAX);
            attempt.usage.estimated = true;
        }
    }

    async fn read(&mut self, request: ModelRequest) -> Result<String, AiError> {
        let call = self.call;
        let mut filter = CanaryFilter::new(call.canary);
        let mut answer = String::new();
        let mut events = call.upstream.stream(request);
        while let Some(event) = events.next().await {
            match event? {
                ModelEvent::Started { request_id, .. } => {
                    self.report.request_id = request_id.or(self.report.request_id.take());
                    self.begin();
                }
                ModelEvent::Text(text) => {
                    self.first_text();
                    answer.push_str(&text);
                    self.show(&filter.push(&text)?)?;
                }
                ModelEvent::Thinking => self.bill(),
                ModelEvent::Ping => {}
                ModelEvent::Usage(usage) => {
                    if let Some(attempt) = self.report.attempts.last_mut() {
                        attempt.usage = usage;
                    }
                }
                ModelEvent::Stop(StopReason::Natural) => {
                    self.show(&filter.finish())?;
                    // A provider that is read to its end may keep the connection for the next call.
                    while events.next().await.is_some() {}
                    return Ok(answer);
                }
                ModelEvent::Stop(StopReason::MaxTokens) => return Err(AiError::TooLong),
                ModelEvent::Stop(StopReason::Refusal) => {
                    return Err(AiError::Refused(Refusal::Model));
                }
                ModelEvent::Stop(StopReason::Other) => {
                    return Err(AiError::Invalid("the model stopped for a reason of its own"));
                }
            }
        }
        Err(AiError::Truncated)
    }

    fn first_text(&mut self) {
        let Some((began, _)) = self.under_way else { return };
        let Some(attempt) = self.report.attempts.last_mut() else { return };
        if attempt.ttft_ms.is_none() {
            attempt.ttft_ms = Some(ms(began.elapsed()));
            self.report.ttft_ms.get_or_insert(ms(self.began.elapsed()));
            self.bill();
        }
    }

    /// Begins a visible try, once.
    fn begin(&mut self) {
        if !std::mem::replace(&mut self.begun, true) {
            let model = self.call.model.to_owned();
            self.call.log.start(self.epoch, self.call.provider, model, self.why);
        }
    }

    fn show(&mut self, text: &str) -> Result<(), AiError> {
        if text.is_empty() {
            return Ok(());
        }
        self.begin();
        self.shown = true;
        self.call.log.push(text).map_err(|_| AiError::Invalid("the answer is too large"))
    }

    fn bill(&mut self) {
        if !std::mem::replace(&mut self.report.billed, true) {
            (self.call.billable)();
        }
    }
}

/// Returns how long to wait after a failure: what the provider asked for, else doubling pauses
/// less up to a quarter, so that many callers do not come back at once.
fn pause(error: &AiError, failures: u32) -> Result<Duration, AiError> {
    match error {
        AiError::RetryLater { .. } => Err(error.clone()),
        _ => match error.retry_after_ms().filter(|ms| *ms > 0) {
            Some(after_ms) if after_ms > ASKED_MOST_MS => Err(AiError::RetryLater { after_ms }),
            Some(after_ms) => Ok(Duration::from_millis(u64::try_from(after_ms).unwrap_or(0))),
            None => {
                let whole = BACKOFF.saturating_mul(1 << failures.min(8)).min(BACKOFF_MOST);
                let [random] = random_bytes::<1>().unwrap_or([0]);
                Ok(whole.mul_f64(1.0 - f64::from(random) / 1024.0))
            }
        },
    }
}

fn ms(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}
