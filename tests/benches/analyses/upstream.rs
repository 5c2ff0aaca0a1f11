//! A provider inside this process: it counts its calls and says when each token left it.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use futures_util::{StreamExt as _, stream, stream::BoxStream};
use jotrack_core::{
    AiConfig, AiProvider, AnalysisKind, AnalysisRequest, AnalysisTarget, Config, Engine,
    StorageConfig,
    ai::{AiError, ModelEvent, ModelRequest, Provider, StopReason, TokenUsage},
};
use serde_json::json;
use tokio::sync::watch;

/// Streams one text, token by token.
#[derive(Debug)]
pub(crate) struct Upstream {
    tokens: Vec<String>,
    /// Before each token.
    pause: Duration,
    calls: AtomicUsize,
    left: Arc<Mutex<Vec<Sent>>>,
    /// Whether text may leave it.
    open: watch::Sender<bool>,
}

/// A token that left the provider: where it ends in the text, and when.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sent {
    pub(crate) end: usize,
    pub(crate) at: Instant,
}

impl Upstream {
    /// A provider of this text, in tokens of so many bytes.
    pub(crate) fn new(text: &str, token: usize, pause: Duration) -> Arc<Self> {
        assert!(text.is_ascii());
        let tokens = text.as_bytes().chunks(token);
        let tokens = tokens.map(|token| String::from_utf8(token.to_owned()).unwrap()).collect();
        let (calls, left) = (AtomicUsize::new(0), Arc::default());
        Arc::new(Self { tokens, pause, calls, left, open: watch::Sender::new(true) })
    }

    /// Holds the text of the next calls back, until it is let go.
    pub(crate) fn hold(&self, hold: bool) {
        self.open.send_replace(!hold);
    }

    /// How often it was called.
    pub(crate) fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }

    /// How many tokens one answer has.
    pub(crate) fn tokens(&self) -> usize {
        self.tokens.len()
    }

    /// The tokens that left it, in their order.
    pub(crate) fn sent(&self) -> Vec<Sent> {
        self.left.lock().unwrap().clone()
    }
}

impl Provider for Upstream {
    fn stream(&self, request: ModelRequest) -> BoxStream<'static, Result<ModelEvent, AiError>> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        self.left.lock().unwrap().clear();
        let (left, pause) = (Arc::clone(&self.left), self.pause);
        let started = ModelEvent::Started { request_id: None, model: request.model };
        let mut end = 0;
        let mut open = self.open.subscribe();
        let held = stream::once(async move {
            // The sender lives as long as the provider.
            open.wait_for(|open| *open).await.map(drop).unwrap();
            ModelEvent::Ping
        });
        let tokens = stream::iter(self.tokens.clone()).then(move |token| {
            end += token.len();
            let left = Arc::clone(&left);
            async move {
                if !pause.is_zero() {
                    tokio::time::sleep(pause).await;
                }
                left.lock().unwrap().push(Sent { end, at: Instant::now() });
                ModelEvent::Text(token)
            }
        });
        let usage = TokenUsage { input: 400, output: 200, ..TokenUsage::default() };
        let end = [ModelEvent::Usage(usage), ModelEvent::Stop(StopReason::Natural)];
        let events = stream::iter([started]).chain(held).chain(tokens).chain(stream::iter(end));
        events.map(Ok).boxed()
    }
}

/// An answer about the companies around a company of about so many bytes, with few and long texts.
pub(crate) fn ecosystem(companies: usize, reason: usize) -> String {
    let company = |n: usize| {
        json!({
            "name": format!("Neighbour {n} Metals"),
            "category": "SUPPLIER",
            "size": "about 500",
            "industry": "Metals",
            "location": "Lyon",
            "relevanceScore": 0.5,
            "reason": "It ships sheets. ".repeat(reason / 17 + 1)[..reason].trim(),
            "confidence": 0.5,
        })
    };
    json!({ "companies": (0..companies).map(company).collect::<Vec<_>>() }).to_string()
}

/// Asks about a company.
pub(crate) fn about(company: &str) -> AnalysisRequest {
    let target = AnalysisTarget::Company(company.to_owned());
    AnalysisRequest::new(AnalysisKind::CompanyEcosystem, target)
}

/// Opens an engine whose operator's provider is this one.
pub(crate) async fn engine(dir: &std::path::Path, upstream: &Arc<Upstream>) -> Engine {
    let custom: Arc<dyn Provider> = Arc::<Upstream>::clone(upstream);
    let ai = AiConfig {
        provider: AiProvider::OpenAiCompatible,
        model: Some(String::from("bench")),
        custom: Some(custom),
        ..AiConfig::default()
    };
    let storage = StorageConfig { statement_stats: true, ..StorageConfig::default() };
    Engine::open(Config { ai, storage, ..Config::in_dir(dir) }).await.unwrap()
}
