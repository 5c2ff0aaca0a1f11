//! How long each phase of a call may take.

use super::*;

/// A change that makes one phase short.
type Shorten = fn(&mut AiConfig);

#[tokio::test]
async fn each_phase_has_its_own_end() {
    for protocol in PROTOCOLS {
        let answer = Reply::answer(protocol, TEXT);
        let begun = Transcript::start(protocol);
        let begun = Reply::events(&begun).body_bytes();
        let cases: [(Phase, Reply, Shorten); 3] = [
            (Phase::Headers, answer.clone().hang_first(), |config| {
                (config.connect_ms, config.headers_ms) = (50, 50);
            }),
            (Phase::FirstContent, answer.clone().hang(0), |config| config.first_content_ms = 50),
            (Phase::Idle, answer.clone().hang(begun), |config| config.idle_ms = 50),
        ];
        for (phase, reply, change) in cases {
            let end = end_with(protocol, reply, change).await;
            assert_eq!(end, Err(AiError::Timeout(phase)), "{protocol}");
        }
    }
}

/// Signs of life without end, close together.
fn alive(transcript: Transcript) -> Reply {
    let pings = (0..2_000).fold(transcript, |transcript, _| transcript.ping());
    Reply::events(&pings).paced(Duration::from_millis(10))
}

#[tokio::test]
async fn signs_of_life_are_no_progress() {
    for protocol in PROTOCOLS {
        let first = end_with(protocol, alive(Transcript::start(protocol)), |config| {
            config.first_content_ms = 200;
        });
        let later = end_with(protocol, alive(Transcript::start(protocol).text("half")), |config| {
            config.progress_ms = 200;
        });

        assert_eq!(first.await, Err(AiError::Timeout(Phase::FirstContent)), "{protocol}");
        assert_eq!(later.await, Err(AiError::Timeout(Phase::Progress)), "{protocol}");
    }
}

#[tokio::test]
async fn thoughts_are_progress_but_not_without_end() {
    for protocol in PROTOCOLS {
        let thinking = |pieces| (0..pieces).fold(Transcript::start(protocol), |t, _| t.thinking());
        let pause = Duration::from_millis(20);
        let answer = thinking(40).text("a").usage_and_stop(Transcript::natural(protocol));
        let answer = Reply::events(&answer).paced(pause);
        let change = |config: &mut AiConfig| {
            (config.first_content_ms, config.progress_ms) = (600, 600);
        };

        let end = end_with(protocol, answer, change).await;
        assert_eq!(end, Ok(ModelEvent::Stop(StopReason::Natural)), "{protocol}");

        let for_ever = Reply::events(&thinking(2_000)).paced(pause);
        let end = end_with(protocol, for_ever, |config| config.attempt_ms = 200).await;
        assert_eq!(end, Err(AiError::Timeout(Phase::Attempt)), "{protocol}");
    }
}

#[tokio::test]
async fn a_connection_that_does_not_stand_in_time_is_given_up() {
    // Nobody accepts: when the queue is full, the system answers no more.
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let mut waiting = Vec::new();
    let wait = Duration::from_millis(200);
    while let Ok(connected) = timeout(wait, TcpStream::connect(address)).await {
        waiting.push(connected.unwrap());
    }
    let mut config = config(format!("http://{address}"), Protocol::Chat);
    config.connect_ms = 100;

    let end = steps(&provider_of(&config)).await;

    assert_eq!(end, [Err(AiError::Timeout(Phase::Connect))]);
}
