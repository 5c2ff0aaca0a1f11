//! What a server says when it does not answer, and what is made of it.

use super::*;

#[tokio::test]
async fn a_broken_connection_is_told_from_a_cut_answer() {
    for protocol in PROTOCOLS {
        let answer = Reply::answer(protocol, TEXT);
        let broken = Err(AiError::Network("the connection broke"));

        assert_eq!(end(protocol, answer.clone().reset(0)).await, broken, "{protocol}");
        assert_eq!(end(protocol, answer.clone().reset(300)).await, broken, "{protocol}");
        assert_eq!(end(protocol, answer.clone().reset_first()).await, broken, "{protocol}");
    }
}

#[tokio::test]
async fn nobody_listening_is_a_failure_of_the_network() {
    let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let provider = provider_of(&config(format!("http://{port}"), Protocol::Chat));

    let refused = Err(AiError::Network("no connection could be made"));
    assert_eq!(steps(&provider).await, [refused]);
}

#[tokio::test]
async fn every_form_of_a_wait_is_understood() {
    let forms = [
        ("retry-after", "7", Some(7_000)),
        ("retry-after", "0.25", Some(250)),
        ("retry-after", "Mon, 21 Sep 2026 14:13:50 GMT", Some(30_000)),
        ("retry-after", "Mon, 21 Sep 2026 14:13:00 GMT", None),
        ("retry-after", "0", None),
        ("retry-after", "-3", None),
        ("retry-after", "soon", None),
        ("retry-after-ms", "1500", Some(1_500)),
        ("x-nothing", "1", None),
    ];
    for (name, value, retry_after_ms) in forms {
        for (status, error) in [
            (429, AiError::RateLimited { retry_after_ms }),
            (503, AiError::Overloaded { retry_after_ms }),
            (529, AiError::Overloaded { retry_after_ms }),
            (500, AiError::Server { retry_after_ms, should_retry: None }),
        ] {
            let reply = Reply::status(status).header(name, value);
            assert_eq!(end(Protocol::Chat, reply).await, Err(error), "{status} {name}: {value}");
        }
    }
}

#[tokio::test]
async fn errors_are_classed_by_status_and_word() {
    for protocol in PROTOCOLS {
        let cases = [
            (401, "authentication_error", AiError::Auth),
            (402, "billing_error", AiError::Billing),
            (429, "insufficient_quota", AiError::Billing),
            (429, "rate_limit_error", AiError::RateLimited { retry_after_ms: None }),
        ];
        for (status, word, error) in cases {
            let reply = Reply::error(protocol, status, word);
            assert_eq!(end(protocol, reply).await, Err(error), "{protocol}: {status} {word}");
        }
        for (status, word) in [(400, "invalid_request_error"), (404, "x"), (413, "x"), (418, "x")] {
            assert!(is_invalid(&end(protocol, Reply::error(protocol, status, word)).await));
        }
    }
    let spent = json!({ "type": "error", "error": { "type": "rate_limit_error",
        "details": { "error_code": "enforced_spend_limit_reached" } } });
    let reply = Reply::status(429).json(&spent);
    assert_eq!(end(Protocol::Messages, reply).await, Err(AiError::Billing));
    let slower = Reply::error(Protocol::Chat, 429, "slow_down").header("retry-after", "2");
    let overloaded = AiError::Overloaded { retry_after_ms: Some(2_000) };
    assert_eq!(end(Protocol::Chat, slower).await, Err(overloaded));
    let never = Reply::status(500).header("x-should-retry", "false");
    let Err(never) = end(Protocol::Chat, never).await else { panic!("no error") };
    assert!(!never.is_transient());
}

#[tokio::test]
async fn an_error_inside_a_stream_is_the_error_of_the_answer() {
    let words = [
        ("overloaded_error", AiError::Overloaded { retry_after_ms: None }),
        ("rate_limit_error", AiError::RateLimited { retry_after_ms: None }),
        ("api_error", AiError::Server { retry_after_ms: None, should_retry: None }),
        ("insufficient_quota", AiError::Billing),
        ("authentication_error", AiError::Auth),
    ];
    for protocol in PROTOCOLS {
        for (word, error) in &words {
            let early = Transcript::start(protocol).error(word);
            let late = Transcript::start(protocol)
                .text("half")
                .error(word)
                .usage_and_stop(Transcript::natural(protocol));
            for transcript in [early, late] {
                let end = end(protocol, Reply::events(&transcript)).await;
                assert_eq!(end, Err(error.clone()), "{protocol}: {word}");
            }
        }
    }
}

#[tokio::test]
async fn a_model_that_stops_for_another_reason_says_so() {
    for protocol in PROTOCOLS {
        let ends = [
            (Transcript::max_tokens(protocol), StopReason::MaxTokens),
            (Transcript::refusal(protocol), StopReason::Refusal),
        ];
        for (word, reason) in ends {
            let transcript = Transcript::start(protocol).text("half").usage_and_stop(word);
            let end = end(protocol, Reply::events(&transcript)).await;
            assert_eq!(end, Ok(ModelEvent::Stop(reason)), "{protocol}: {word}");
        }
    }
}

#[tokio::test]
async fn lines_and_answers_have_a_largest_size() {
    let line = format!("data: {}", "x".repeat(1024 * 1024));
    let reply = Reply::status(200).header("content-type", "text/event-stream").bytes(line);
    for protocol in PROTOCOLS {
        assert!(is_invalid(&end(protocol, reply.clone()).await), "{protocol}");

        let piece = "x".repeat(512 * 1024);
        let long = (0..5).fold(Transcript::start(protocol), |long, _| long.text(&piece));
        assert!(is_invalid(&end(protocol, Reply::events(&long)).await), "{protocol}");
    }
}

#[tokio::test]
async fn malformed_frames_fail_and_odd_ones_do_not() {
    let failed = Err(AiError::Server { retry_after_ms: None, should_retry: None });
    for protocol in PROTOCOLS {
        for bad in [b"data: {\"half\":\n\n".as_slice(), b"data: 7\n\n", b"data: \xff\xfe\n\n"] {
            let transcript = Transcript::start(protocol).text("half").raw(bad);
            assert_eq!(end(protocol, Reply::events(&transcript)).await, failed, "{protocol}");
        }
        let odd = b":\n\nid: 1\n\nretry: 5\n\nevent: novelty\n\nevent: x\ndata: {}\n\nnonsense\n\n";
        let transcript = Transcript::start(protocol)
            .raw(odd)
            .text("a")
            .usage_and_stop(Transcript::natural(protocol));
        let end = end(protocol, Reply::events(&transcript)).await;
        assert_eq!(end, Ok(ModelEvent::Stop(StopReason::Natural)), "{protocol}");
    }
}

#[tokio::test]
async fn undecodable_text_is_replaced() {
    let start = Transcript::start(Protocol::Chat);
    let transcript = start
        .raw(b"data: {\"choices\":[{\"delta\":{\"content\":\"a\xffb\"}}]}\n\n")
        .usage_and_stop("stop");
    let server = FaultServer::start(Script::always(Reply::events(&transcript))).await;

    let steps = steps(&provider(&server, Protocol::Chat)).await;

    assert_eq!(text(&steps), "a\u{fffd}b");
}

#[tokio::test]
async fn an_answer_that_is_no_stream_is_named_so() {
    let whole = json!({ "choices": [{ "message": { "content": "{}" } }] });
    let page = Reply::status(200).header("content-type", "text/html").bytes("<html>");
    let error = json!({ "error": { "type": "overloaded_error" } });
    for protocol in PROTOCOLS {
        assert!(is_invalid(&end(protocol, Reply::status(200).json(&whole)).await));
        assert!(is_invalid(&end(protocol, page.clone()).await));
        let overloaded = AiError::Overloaded { retry_after_ms: None };
        assert_eq!(end(protocol, Reply::status(200).json(&error)).await, Err(overloaded));
        assert_eq!(end(protocol, Reply::status(200)).await, Err(AiError::Truncated));
    }
}

#[tokio::test]
async fn the_body_of_an_error_is_read_so_far_and_so_long() {
    let billing = json!({ "error": { "code": "insufficient_quota" } }).to_string();
    let long = format!("{billing}{}", " ".repeat(10 * 1024 * 1024));
    let limited = Err(AiError::RateLimited { retry_after_ms: Some(3_000) });
    let head = Reply::status(429).header("retry-after", "3");

    // Cut at 64 KiB, which still is JSON here.
    let end_of_long = end(Protocol::Chat, head.clone().bytes(long)).await;
    assert_eq!(end_of_long, Err(AiError::Billing));
    let silent = end_with(Protocol::Chat, head.clone().bytes("{").hang(1), |config| {
        config.idle_ms = 50;
    });
    assert_eq!(silent.await, limited);
    assert_eq!(end(Protocol::Chat, head.bytes("{\"err").reset(3)).await, limited);
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let server = FaultServer::start(Script::always(Reply::answer(Protocol::Chat, TEXT))).await;
    let away = Reply::status(307).header("location", server.url());

    assert!(is_invalid(&end(Protocol::Chat, away).await));
    assert_eq!(server.count(), 0);
}
