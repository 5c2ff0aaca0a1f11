//! What goes wrong: bad input, servers that are not there, panics, answers that are cut or refused.

use std::sync::Arc;

use jotrack_core::{
    AiProvider, AnalysisKind, AnalysisRequest, Engine, ErrorCode, Protocol, ResultSource, Tier,
};
use jotrack_tests::{
    Lab, code, options,
    provider::{COMPANIES, FaultServer, Reply, Script, Transcript, about, named_by_operator},
};

use super::lab;

#[tokio::test]
async fn bad_input_is_told_by_field_and_nothing_is_stored() {
    let (lab, server) = lab(Script::always(Reply::answer(Protocol::Chat, COMPANIES))).await;
    for name in ["two\nlines", &"x".repeat(10_000), ""] {
        let refused = lab.engine.start_analysis(&about(name), &options()).await;
        assert_eq!(code(refused), ErrorCode::Validation, "{:?}", name.get(..9));
    }
    let job = lab.job("Acme", "Engineer").await;
    let request = AnalysisRequest::of_job(AnalysisKind::MatchScore, job);
    assert_eq!(
        code(lab.engine.start_analysis(&request, &options()).await),
        ErrorCode::AlreadyExists
    );
    let elsewhere = AnalysisRequest { provider: Some(AiProvider::Anthropic), ..about("Acme") };
    let elsewhere = AnalysisRequest { model: Some("some-model".into()), ..elsewhere };
    let refused = lab.engine.start_analysis(&elsewhere, &options()).await;
    assert_eq!(code(refused), ErrorCode::AiNotConfigured);
    assert!(lab.engine.analyses_of_job(job, &[], 10).await.unwrap().is_empty());
    assert_eq!(server.count(), 0);
}

#[tokio::test]
async fn a_server_that_is_not_there_is_told_as_a_network_failure() {
    let dead = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}", listener.local_addr().unwrap())
    };
    let lab = Lab::with(|config| {
        config.ai.provider = AiProvider::OpenAiCompatible;
        config.ai.base_url = Some(dead);
        config.ai.model = Some("m".to_owned());
        config.ai.retries = 0;
        config.ai.local_tier = Tier::Free;
    })
    .await;
    for n in 0..12 {
        let error = lab.engine.analyze(&about(&format!("Company {n}"))).await.unwrap_err();
        assert_eq!((error.code(), error.retryable()), (ErrorCode::AiProvider, true));
    }
}

/// A provider that panics.
#[derive(Debug)]
struct Panics;

impl jotrack_core::ai::Provider for Panics {
    fn stream(
        &self,
        _: jotrack_core::ai::ModelRequest,
    ) -> futures_util::stream::BoxStream<
        'static,
        Result<jotrack_core::ai::ModelEvent, jotrack_core::ai::AiError>,
    > {
        panic!("a bug in a host's provider")
    }
}

#[tokio::test]
async fn a_provider_that_panics_fails_its_callers_and_nobody_else() {
    let lab = Lab::with(|config| {
        config.ai.provider = AiProvider::OpenAiCompatible;
        config.ai.base_url = Some("http://127.0.0.1:1".into());
        config.ai.model = Some("m".to_owned());
        config.ai.custom = Some(Arc::new(Panics));
    })
    .await;
    let error = lab.engine.analyze(&about("Acme")).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::Internal, "{error:?}");
    lab.job("Acme", "Engineer").await;
    lab.engine.close().await.unwrap();
}

#[tokio::test]
async fn a_match_is_answered_by_the_engine_itself_and_kept_for_its_user() {
    let lab = Lab::new().await;
    let job = lab.job("Acme", "Rust engineer").await;
    let texts = [
        (jotrack_core::AttachmentKind::Resume, "Rust engineer. Five years of Rust and PostgreSQL."),
        (jotrack_core::AttachmentKind::Jd, "We want a Rust engineer. PostgreSQL is required."),
    ];
    for (kind, text) in texts {
        lab.paste(job, kind, text).await;
    }
    let request = AnalysisRequest::of_job(AnalysisKind::MatchScore, job);
    let first = lab.engine.analyze(&request).await.unwrap();
    assert_eq!((first.provider, first.cost_micros), (AiProvider::Local, Some(0)));
    assert!(first.result.unwrap()["matchScore"]["overallScore"].is_number());
    let again = lab.engine.start_analysis(&request, &options()).await.unwrap();
    assert_eq!((again.source, again.analysis.id), (ResultSource::Cache, first.id));
    let stored = lab.engine.analyses_of_job(job, &[AnalysisKind::MatchScore], 5).await.unwrap();
    assert_eq!(stored.len(), 1);
}

/// An engine that asks a server as if it were the public service of a protocol.
async fn strict(protocol: Protocol, script: Script) -> (Lab, FaultServer) {
    let server = FaultServer::start(script).await;
    let url = server.url();
    let lab = Lab::with(|config| {
        config.ai.provider = match protocol {
            Protocol::Messages => AiProvider::Anthropic,
            Protocol::Chat | Protocol::Responses => AiProvider::OpenAi,
        };
        config.ai.protocol = protocol;
        config.ai.base_url = Some(url);
        config.ai.model = Some("test-model".to_owned());
        config.ai.api_key = Some("sk-test-0123456789".to_owned().into());
        config.ai.retries = 0;
        config.ai.concurrency = 64;
    })
    .await;
    (lab, server)
}

const PROTOCOLS: [Protocol; 3] = [Protocol::Chat, Protocol::Responses, Protocol::Messages];

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_cut_at_any_byte_is_never_kept() {
    for protocol in PROTOCOLS {
        let whole = Reply::answer(protocol, COMPANIES);
        let bytes = whole.body_bytes();
        let script = Script::function(move |call| {
            let prompt = call.prompt();
            let (_, rest) = prompt.split_once("Cut at ").expect("the company's name");
            let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
            Reply::answer(protocol, COMPANIES).cut(digits.parse().expect("a number"))
        });
        let (lab, server) = strict(protocol, script).await;
        let mut kept = 0;
        let cuts: Vec<usize> = (0..bytes).collect();
        for some in cuts.chunks(32) {
            let asked = some.iter().map(|cut| {
                let engine = lab.engine.clone();
                async move { (*cut, engine.analyze(&about(&format!("Cut at {cut}"))).await) }
            });
            for (cut, answered) in futures_util::future::join_all(asked).await {
                // Only the blank line after the terminal event may be missing.
                assert!(
                    answered.is_err() || cut + 2 >= bytes,
                    "{protocol} at {cut} of {bytes}: {answered:?}"
                );
                kept += u64::from(answered.is_ok());
            }
        }
        let stats = lab.engine.cache_stats().await.unwrap();
        assert_eq!(stats.iter().map(|stats| stats.entries).sum::<u64>(), kept, "{protocol}");
        assert_eq!(server.count(), bytes, "{protocol}");
    }
}

#[tokio::test]
async fn an_answer_that_was_refused_or_hit_the_limit_is_not_kept() {
    for protocol in PROTOCOLS {
        let ends = [Transcript::refusal(protocol), Transcript::max_tokens(protocol)];
        let replies = ends.map(|end| {
            Reply::events(&Transcript::start(protocol).text(COMPANIES).usage_and_stop(end))
        });
        let (lab, server) = strict(protocol, Script::queue(replies)).await;
        for expected in [ErrorCode::AiRefused, ErrorCode::AiProvider] {
            let error = lab.engine.analyze(&about("Acme")).await.unwrap_err();
            assert_eq!(error.code(), expected, "{protocol}");
        }
        assert!(lab.engine.cache_stats().await.unwrap().is_empty(), "{protocol}");
        assert_eq!(server.count(), 2);
    }
}

#[tokio::test]
async fn a_kept_answer_that_was_damaged_is_asked_for_anew() {
    let (lab, server) = lab(Script::always(Reply::answer(Protocol::Chat, COMPANIES))).await;
    let (blob, end) = if lab.database.is_some() { (r"'\x", "'") } else { ("X'", "'") };
    lab.engine.analyze(&about("Acme")).await.unwrap();
    // Not JSON, another form, more than one line, no text.
    let broken = [&b"{\"companies\""[..], b"{\"companies\":5}", b"{\"companies\":\n[]}", b"\xff"];
    for (n, body) in broken.into_iter().enumerate() {
        // The engine that called remembers the call for a moment.
        let mut config = lab.config();
        named_by_operator(&server)(&mut config);
        let other = Engine::open(config).await.unwrap();
        let found = other.start_analysis(&about("Acme"), &options()).await.unwrap();
        assert_eq!(found.source, ResultSource::Shared, "it was found valid before it broke");
        let body: String = body.iter().map(|byte| format!("{byte:02x}")).collect();
        lab.execute(&format!("UPDATE ai_cache SET body = {blob}{body}{end}")).await;

        let analysis = other.analyze(&about("Acme")).await.unwrap();

        assert_eq!(analysis.source, Some(ResultSource::Fresh));
        assert_eq!(analysis.result.unwrap()["companies"][0]["name"], "Globex");
        assert_eq!(server.count(), n + 2);
        other.close().await.unwrap();
    }
}
