//! What an engine really sends: a proxy before the server that notes every statement with the types
//! of its parameters.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt, copy},
    net::{TcpListener, TcpStream},
};

/// The oids of the types that each text was sent with; one list per text, unless the engine sends
/// the same text in two ways.
pub(super) type Sent = BTreeMap<String, BTreeSet<Vec<u32>>>;

/// The message that asks for a statement to be parsed.
const PARSE: u8 = b'P';
/// What stands for a protocol version in the wish for TLS.
const SSL_REQUEST: u32 = 80_877_103;

pub(super) struct Recorder {
    pub(super) address: SocketAddr,
    sent: Arc<Mutex<Sent>>,
}

impl Recorder {
    /// Listens on a free port before a server on this machine.
    pub(super) async fn before(port: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let sent = Arc::new(Mutex::new(Sent::new()));
        let notes = Arc::clone(&sent);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(pass(client, port, Arc::clone(&notes)));
            }
        });
        Self { address, sent }
    }

    pub(super) fn sent(&self) -> Sent {
        self.sent.lock().unwrap().clone()
    }
}

/// Passes bytes on both ways until either side is gone.
async fn pass(mut client: TcpStream, port: u16, notes: Arc<Mutex<Sent>>) {
    let mut server = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    client.set_nodelay(true).unwrap();
    server.set_nodelay(true).unwrap();
    let (mut from_client, mut to_client) = client.split();
    let (mut from_server, mut to_server) = server.split();
    let asking = async {
        let mut started = false;
        while let Some(message) = message(&mut from_client, started).await {
            if started && message[0] == PARSE {
                let (text, types) = parsed(&message[5..]);
                notes.lock().unwrap().entry(text).or_default().insert(types);
            }
            started |= !message.starts_with(&[0, 0, 0, 8])
                || u32::from_be_bytes(message[4..8].try_into().unwrap()) != SSL_REQUEST;
            if to_server.write_all(&message).await.is_err() {
                return;
            }
        }
    };
    // The end of either side ends both.
    tokio::select! {
        () = asking => {}
        _ = copy(&mut from_server, &mut to_client) => {}
    }
}

/// Reads one message whole; the first ones have no letter.
async fn message(from: &mut (impl AsyncRead + Unpin), started: bool) -> Option<Vec<u8>> {
    let mut message = vec![0; if started { 5 } else { 4 }];
    from.read_exact(&mut message).await.ok()?;
    let head = message.len();
    let length = u32::from_be_bytes(message[head - 4..].try_into().unwrap());
    message.resize(head - 4 + usize::try_from(length).unwrap(), 0);
    from.read_exact(&mut message[head..]).await.ok()?;
    Some(message)
}

/// Reads name, text and types.
fn parsed(body: &[u8]) -> (String, Vec<u32>) {
    let mut parts = body.splitn(3, |byte| *byte == 0);
    let name = parts.next().unwrap();
    assert!(name.is_empty(), "a named statement, which PgBouncer would lose");
    let text = String::from_utf8(parts.next().unwrap().to_vec()).unwrap();
    let types = parts.next().unwrap()[2..].chunks_exact(4);
    (text, types.map(|oid| u32::from_be_bytes(oid.try_into().unwrap())).collect())
}
