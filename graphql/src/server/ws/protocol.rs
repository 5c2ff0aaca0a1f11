//! Messages and close codes of graphql-transport-ws.
//!
//! Source: <https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md>

use axum::extract::ws::{CloseFrame, Message, close_code};
use jotrack_core::Position;
use serde_json::{Map, Value, json};

use super::super::request;
use crate::schema::GraphqlRequest;

/// Name of the protocol. Its predecessor is called `graphql-ws` and is not spoken here.
pub(super) const SUBPROTOCOL: &str = "graphql-transport-ws";

/// Why a socket ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Close {
    GoingAway,
    Protocol,
    TooBig,
    BadMessage,
    Unauthorized,
    Forbidden,
    InitTimeout,
    DuplicateId,
    SecondInit,
    /// The client ends it.
    ByClient,
    /// Nobody is there to be told.
    Lost,
}

impl Close {
    fn code_and_reason(self) -> Option<(u16, &'static str)> {
        Some(match self {
            Self::GoingAway => (close_code::AWAY, "The server stops"),
            Self::Protocol => (close_code::PROTOCOL, "Protocol error"),
            Self::TooBig => (close_code::SIZE, "Message too big"),
            Self::BadMessage => (4400, "Invalid message"),
            Self::Unauthorized => (4401, "Unauthorized"),
            Self::Forbidden => (4403, "Forbidden"),
            Self::InitTimeout => (4408, "Connection initialisation timeout"),
            Self::DuplicateId => (4409, "Subscriber already exists"),
            Self::SecondInit => (4429, "Too many initialisation requests"),
            Self::ByClient | Self::Lost => return None,
        })
    }

    pub(super) fn message(self) -> Option<Message> {
        let (code, reason) = self.code_and_reason()?;
        Some(Message::Close(Some(CloseFrame { code, reason: reason.into() })))
    }
}

/// What a client says.
#[derive(Debug)]
pub(super) enum ClientMessage {
    Init {
        authorization: Option<String>,
        /// What the socket's reads must see.
        position: Option<Position>,
    },
    Ping {
        payload: Option<Value>,
    },
    Pong,
    Subscribe {
        id: String,
        graphql: GraphqlRequest,
    },
    Complete {
        id: String,
    },
}

impl ClientMessage {
    /// Reads a message; `None` for anything that the protocol does not know.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let Ok(Value::Object(mut fields)) = serde_json::from_str(text) else {
            return None;
        };
        let payload = match fields.remove("payload") {
            None | Some(Value::Null) => None,
            Some(Value::Object(payload)) => Some(payload),
            Some(_) => return None,
        };
        match fields.get("type")?.as_str()? {
            "connection_init" => {
                let payload = payload.unwrap_or_default();
                let position = match text_of(&payload, "position")? {
                    Some(position) => Some(Position::parse(position)?),
                    None => None,
                };
                let authorization = text_of(&payload, "authorization")?.map(str::to_owned);
                Some(Self::Init { authorization, position })
            }
            "ping" => Some(Self::Ping { payload: payload.map(Value::Object) }),
            "pong" => Some(Self::Pong),
            "subscribe" => {
                let graphql = request::from_object(payload?).ok()?;
                Some(Self::Subscribe { id: id(&mut fields)?, graphql })
            }
            "complete" => Some(Self::Complete { id: id(&mut fields)? }),
            _ => None,
        }
    }
}

fn id(fields: &mut Map<String, Value>) -> Option<String> {
    match fields.remove("id") {
        Some(Value::String(id)) if !id.is_empty() => Some(id),
        _ => None,
    }
}

/// Finds a text; `None` when the value is none. Keys arrive as somebody typed them into a headers
/// editor.
fn text_of<'a>(payload: &'a Map<String, Value>, name: &str) -> Option<Option<&'a str>> {
    match payload.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)) {
        None => Some(None),
        Some((_, Value::String(value))) => Some(Some(value)),
        Some(_) => None,
    }
}

pub(super) fn ack() -> Message {
    Message::text(r#"{"type":"connection_ack"}"#)
}

pub(super) fn pong(payload: Option<Value>) -> Message {
    let mut message = json!({"type": "pong"});
    if let (Some(fields), Some(payload)) = (message.as_object_mut(), payload) {
        fields.insert("payload".to_owned(), payload);
    }
    Message::text(message.to_string())
}

/// `payload` is JSON already.
pub(super) fn next(id: &str, payload: &str) -> Message {
    Message::text(format!(r#"{{"id":{},"type":"next","payload":{payload}}}"#, json!(id)))
}

pub(super) fn error(id: &str, errors: &Value) -> Message {
    Message::text(json!({"id": id, "type": "error", "payload": errors}).to_string())
}

pub(super) fn complete(id: &str) -> Message {
    Message::text(json!({"id": id, "type": "complete"}).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_outside_the_protocol_are_not_understood() {
        for text in [
            "",
            "x",
            "[]",
            "{}",
            r#"{"type":1}"#,
            r#"{"type":"start","id":"1","payload":{"query":"{a}"}}"#,
            r#"{"type":"connection_init","payload":"token"}"#,
            r#"{"type":"connection_init","payload":{"authorization":1}}"#,
            r#"{"type":"connection_init","payload":{"position":1}}"#,
            r#"{"type":"connection_init","payload":{"position":"0/16B3748"}}"#,
            r#"{"type":"subscribe","payload":{"query":"{a}"}}"#,
            r#"{"type":"subscribe","id":"","payload":{"query":"{a}"}}"#,
            r#"{"type":"subscribe","id":1,"payload":{"query":"{a}"}}"#,
            r#"{"type":"subscribe","id":"1"}"#,
            r#"{"type":"subscribe","id":"1","payload":{"query":1}}"#,
            r#"{"type":"complete"}"#,
        ] {
            assert!(ClientMessage::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn authorization_is_found_however_it_is_spelled() {
        for name in ["authorization", "Authorization", "AUTHORIZATION"] {
            let text = json!({"type": "connection_init", "payload": {"x": 1, name: "Bearer t"}});
            let Some(ClientMessage::Init { authorization, position: None }) =
                ClientMessage::parse(&text.to_string())
            else {
                panic!("not understood");
            };
            assert_eq!(authorization.as_deref(), Some("Bearer t"));
        }
    }

    #[test]
    fn a_socket_may_begin_with_a_position() {
        let text = r#"{"type":"connection_init","payload":{"position":"00000000016b3748"}}"#;

        let Some(ClientMessage::Init { authorization: None, position }) =
            ClientMessage::parse(text)
        else {
            panic!("not understood");
        };

        assert!(position.is_some());
        assert_eq!(position, Position::parse("00000000016b3748"));
    }

    #[test]
    fn ids_are_written_as_json() {
        let Message::Text(text) = next("a\"b", r#"{"data":null}"#) else { panic!("not a text") };

        let message: Value = serde_json::from_str(&text).unwrap();

        assert_eq!(message, json!({"id": "a\"b", "type": "next", "payload": {"data": null}}));
    }
}
