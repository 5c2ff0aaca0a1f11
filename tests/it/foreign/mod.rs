//! Servers that others wrote, as `tests/run` starts them: llama.cpp's own with a tiny random model,
//! and aimock, which plays a script of ours and keeps a journal. The engine speaks to both as to
//! any compatible server. Without them these tests are skipped.

mod aimock;
mod llama;

use std::{env, time::Duration};

use jotrack_core::{
    AiConfig, AiProvider, Analysis, AnalysisKind, AnalysisRequest, AnalysisTarget, Protocol,
};
use jotrack_tests::{Lab, program};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

const PROTOCOLS: [Protocol; 3] = [Protocol::Chat, Protocol::Responses, Protocol::Messages];
/// How long an answer may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// Returns the base URL of a server; says so and returns `None` where it was not started.
#[expect(clippy::disallowed_methods, reason = "tests/run says so where the servers are")]
fn server(variable: &str, test: &str) -> Option<String> {
    let url = env::var(variable).ok().filter(|url| !url.is_empty());
    if url.is_none() {
        program::skip(test, &format!("{variable} names no server; tests/run starts one"));
    }
    url
}

/// Settings that make a server the operator's provider.
fn ai(base_url: String, protocol: Protocol, model: &str) -> AiConfig {
    AiConfig {
        provider: AiProvider::OpenAiCompatible,
        base_url: Some(base_url),
        model: Some(model.to_owned()),
        protocol,
        ..AiConfig::default()
    }
}

/// A request that nobody made before; it has a short prompt.
fn about(company: &str) -> AnalysisRequest {
    let target = AnalysisTarget::Company(company.to_owned());
    AnalysisRequest::new(AnalysisKind::CompanyEcosystem, target)
}

/// Asks and waits for the end, whatever it is.
async fn end(lab: &Lab, request: &AnalysisRequest) -> Analysis {
    let started = lab.engine.start_analysis(request, &jotrack_tests::options()).await.unwrap();
    let id = started.analysis.id;
    let mut events = lab.engine.analysis_events(id, None).await.unwrap();
    let all = async { while events.next().await.unwrap().is_some() {} };
    timeout(PATIENCE, all).await.expect("an end in time");
    lab.engine.analysis(id).await.unwrap()
}

/// Gets a JSON document from a server.
async fn get(url: &str, path: &str) -> Value {
    let address = url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    // Of this version no answer comes in chunks.
    let request = format!("GET {path} HTTP/1.0\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    timeout(PATIENCE, stream.read_to_string(&mut answer)).await.unwrap().unwrap();
    let (_, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
    serde_json::from_str(body).unwrap_or_else(|e| panic!("{e}: {answer}"))
}
