//! Analyses and their events as JSON, for faces that have no types of their own: the C library and
//! the command line.

use serde_json::{Map, Value, json};

use super::Analysis;
use crate::{
    ai::{AnalysisEvent, EventData, TokenUsage},
    enums::ResultSource,
    error::Error,
    time::Timestamp,
};

impl Analysis {
    /// Returns it as the answer to one request that found it finished: where that request had it
    /// from, and nothing spent, because the call was paid for by an earlier one.
    #[must_use]
    pub fn given_from(self, source: ResultSource) -> Self {
        Self { source: Some(source), usage: TokenUsage::default(), cost_micros: Some(0), ..self }
    }

    /// Returns it as one JSON object: ids as bare UUIDs, times in RFC 3339, absent things null,
    /// enum values in their upper-case words. The answer is under `result`.
    pub fn to_json(&self) -> Value {
        let time = |at: Option<Timestamp>| at.map(Timestamp::to_rfc3339);
        json!({
            "id": self.id.to_string(),
            "kind": self.kind,
            "state": self.state,
            "source": self.source,
            "provider": self.provider,
            "model": self.model,
            "promptVersion": self.prompt_version,
            "jobId": self.job_id.map(|id| id.to_string()),
            "attachmentId": self.attachment_id.map(|id| id.to_string()),
            "company": self.company,
            "persona": self.persona,
            "result": self.result,
            "error": self.error,
            "usage": self.usage,
            "costMicros": self.cost_micros,
            "providerRequestId": self.provider_request_id,
            "ttftMs": self.ttft_ms,
            "totalMs": self.total_ms,
            "createdAt": time(Some(self.created_at)),
            "startedAt": time(self.started_at),
            "finishedAt": time(self.finished_at),
            "runAt": time(Some(self.run_at)),
            "expiresAt": time(self.expires_at),
            "cacheKey": self.key,
            "lastSequence": self.last_sequence,
        })
    }
}

impl AnalysisEvent {
    /// Returns it as one JSON object with `sequence`, `epoch`, `kind` (`QUEUED`, `STARTED`,
    /// `DELTA`, `RESET`, `DONE`, `FAILED`, `CANCELLED`) and what belongs to the kind.
    pub fn to_json(&self) -> Value {
        let (kind, more) = match &self.data {
            EventData::Queued { run_at, reason } => {
                ("QUEUED", json!({ "runAt": run_at.to_rfc3339(), "reason": reason }))
            }
            EventData::Started { provider, model } => {
                ("STARTED", json!({ "provider": provider, "model": model }))
            }
            EventData::Delta(text) => ("DELTA", json!({ "text": text })),
            EventData::Reset(reason) => ("RESET", json!({ "reason": reason })),
            EventData::Done => ("DONE", json!({})),
            EventData::Failed(error) => ("FAILED", json!({ "error": failure(error) })),
            EventData::Cancelled => ("CANCELLED", json!({})),
        };
        let mut object = Map::new();
        object.insert("sequence".to_owned(), json!(self.sequence));
        object.insert("epoch".to_owned(), json!(self.epoch()));
        object.insert("kind".to_owned(), json!(kind));
        if let Value::Object(more) = more {
            object.extend(more);
        }
        Value::Object(object)
    }
}

fn failure(error: &Error) -> Value {
    json!({
        "code": error.code().name(),
        "message": error.client_message(),
        "retryable": error.retryable(),
        "retryAfterMs": error.retry_after_ms(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_carry_place_kind_and_what_belongs_to_it() {
        let delta = AnalysisEvent { sequence: 20_000_007, data: EventData::Delta("ab".to_owned()) };
        let failed = AnalysisEvent { sequence: 4, data: EventData::Failed(Error::Cancelled) };

        let (delta, failed) = (delta.to_json(), failed.to_json());

        let expected = json!({ "sequence": 20_000_007, "epoch": 2, "kind": "DELTA", "text": "ab" });
        assert_eq!(delta, expected);
        assert_eq!(failed["error"]["code"], "CANCELLED");
        assert_eq!(failed["error"]["retryable"], false);
    }
}
