use uuid::Uuid;

use super::{counting, kek, unhex};
use crate::{
    Error, ErrorCode, UserId,
    enums::AiProvider,
    meta::hex,
    secret::{
        SealedColumn,
        body::UserKey,
        envelope::{self, Place},
    },
};

const USER: Uuid = Uuid::from_u128(0x0198_a000_0000_7000_8000_0000_0000_00aa);
const RECORD: Uuid = Uuid::from_u128(0x0198_a000_0000_7000_8000_0000_0000_00bb);
const SECRET: &[u8] = b"sk-test-0123456789";
/// Made by Python's and Node's own AES.
const VECTOR: &str = "4a544b0101d8b2e4e3b5a89025222222222222222222222222e021a480d6570bdd8905e27be3b7e1ce299e51508e3e8e9fbf2b8cc62dba26890d497c2e4391402b1d7a7570f7189442333333333333333333333333f7e87f32afe101018289d95e931ed51f3ef182c63db45e5bcb32c1c46fc72dfe181c";
/// Made by Node's own AES, HKDF and HMAC, for the data key that counts up from 0.
const BODY_VECTOR: &str = "4a544b0102e5628b814808afde222222222222222222222222ad63566d6ed13cd0a40b46e993b764ddb43c8b9a25fbde338e";
const MAC_KEY: &str = "7cb1251ec8da05123d4781c3e3be00eca340646fabfee1031352011627a6d1d3";

fn place() -> Place {
    Place::provider_key(UserId::from_uuid(USER), RECORD, AiProvider::Anthropic, None)
}

fn user_key() -> UserKey {
    UserKey::new(UserId::from_uuid(USER), &counting(0)).unwrap()
}

fn is_crypto<T: std::fmt::Debug>(result: Result<T, Error>) -> bool {
    result.is_err_and(|error| error.code() == ErrorCode::Crypto)
}

#[test]
fn a_secret_has_the_bytes_that_other_programs_make() {
    let sealed =
        envelope::seal_for_test(&kek(0), place().context(), SECRET, [0x11; 32], 0x22, 0x33);

    assert_eq!(hex(&sealed), VECTOR);
    assert_eq!(sealed.len(), 101 + SECRET.len());
    assert_eq!(kek(0).id.to_string(), "d8b2e4e3b5a89025");
    assert_eq!(envelope::open(&kek(0), place().context(), &sealed).unwrap().as_slice(), SECRET);
}

#[test]
fn a_body_has_the_bytes_that_other_programs_make() {
    let key = user_key();

    let opened = key.open(SealedColumn::AiCacheBody, RECORD.as_bytes(), &unhex(BODY_VECTOR));

    assert_eq!(opened.unwrap(), b"an answer");
    assert_eq!(hex(key.mac_key()), MAC_KEY);
}

#[test]
fn a_secret_with_any_flipped_bit_or_missing_byte_does_not_open() {
    let (sealed, place) = (unhex(VECTOR), place());

    for bit in 0..sealed.len() * 8 {
        let mut flipped = sealed.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(is_crypto(envelope::open(&kek(0), place.context(), &flipped)), "bit {bit}");
    }
    for length in 0..sealed.len() {
        let cut = &sealed[..length];
        assert!(is_crypto(envelope::open(&kek(0), place.context(), cut)), "length {length}");
    }
    let longer = [sealed.as_slice(), &[0]].concat();
    assert!(is_crypto(envelope::open(&kek(0), place.context(), &longer)));
}

#[test]
fn a_body_with_any_flipped_bit_or_missing_byte_does_not_open() {
    let (sealed, key) = (unhex(BODY_VECTOR), user_key());
    let open = |sealed: &[u8]| key.open(SealedColumn::AiCacheBody, RECORD.as_bytes(), sealed);

    for bit in 0..sealed.len() * 8 {
        let mut flipped = sealed.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(is_crypto(open(&flipped)), "bit {bit}");
    }
    for length in 0..sealed.len() {
        assert!(is_crypto(open(&sealed[..length])), "length {length}");
    }
}

#[test]
fn a_secret_opens_in_its_own_place_only() {
    let (sealed, user) = (unhex(VECTOR), UserId::from_uuid(USER));
    let other = UserId::from_uuid(RECORD);
    let url = Some("https://elsewhere.example");
    let elsewhere = [
        Place::provider_key(other, RECORD, AiProvider::Anthropic, None),
        Place::provider_key(user, USER, AiProvider::Anthropic, None),
        Place::provider_key(user, RECORD, AiProvider::OpenAi, None),
        Place::provider_key(user, RECORD, AiProvider::Anthropic, url),
        Place::user_key(user),
        Place::root_secret(1),
        Place::kek_check(kek(0).id),
    ];

    for place in elsewhere {
        assert!(is_crypto(envelope::open(&kek(0), place.context(), &sealed)), "{place:?}");
    }
}

#[test]
fn a_body_opens_in_its_own_place_only() {
    let (sealed, key) = (unhex(BODY_VECTOR), user_key());
    let others = UserKey::new(UserId::from_uuid(RECORD), &counting(0)).unwrap();
    let another = UserKey::new(UserId::from_uuid(USER), &counting(1)).unwrap();
    let (column, record) = (SealedColumn::AiCacheBody, RECORD.as_bytes());

    assert!(is_crypto(others.open(column, record, &sealed)), "another user");
    assert!(is_crypto(another.open(column, record, &sealed)), "another key");
    assert!(is_crypto(key.open(column, USER.as_bytes(), &sealed)), "another row");
    for column in [SealedColumn::AiRunRequest, SealedColumn::AiRunOutput] {
        assert!(is_crypto(key.open(column, record, &sealed)), "{column:?}");
    }
}

#[test]
fn no_key_and_no_nonce_is_used_twice() {
    let place = place();
    let seals: Vec<_> =
        (0..50).map(|_| envelope::seal(&kek(0), place.context(), SECRET).unwrap()).collect();
    let bodies: Vec<_> = (0..50)
        .map(|_| user_key().seal(SealedColumn::AiRunOutput, &[1], b"the same").unwrap())
        .collect();

    let distinct = |all: &[Vec<u8>], at: std::ops::Range<usize>| {
        let parts: std::collections::HashSet<_> = all.iter().map(|one| &one[at.clone()]).collect();
        parts.len()
    };
    assert_eq!(distinct(&seals, 13..25), 50, "nonces of the wrapped keys");
    assert_eq!(distinct(&seals, 25..73), 50, "wrapped keys");
    assert_eq!(distinct(&seals, 73..85), 50, "nonces of the secrets");
    assert_eq!(distinct(&bodies, 13..25), 50, "nonces of the bodies");
}

#[test]
fn a_rewrapped_secret_opens_with_the_new_key_only_and_keeps_its_inner_seal() {
    let (sealed, place) = (unhex(VECTOR), place());

    let rewrapped = envelope::rewrap(&kek(0), &kek(1), place.context(), &sealed).unwrap();

    let opened = envelope::open(&kek(1), place.context(), &rewrapped).unwrap();
    assert_eq!(opened.as_slice(), SECRET);
    assert!(is_crypto(envelope::open(&kek(0), place.context(), &rewrapped)));
    assert_eq!(rewrapped[73..], sealed[73..]);
    assert!(is_crypto(envelope::rewrap(&kek(1), &kek(0), place.context(), &sealed)));
}

#[test]
fn only_sensible_lengths_are_sealed() {
    let (place, key) = (place(), user_key());
    let seal = |length| envelope::seal(&kek(0), place.context(), &vec![b'x'; length]);

    assert!(seal(0).is_err());
    assert!(seal(16_385).is_err());
    let longest = seal(16_384).unwrap();
    assert_eq!(envelope::open(&kek(0), place.context(), &longest).unwrap().len(), 16_384);

    let body = |length| key.seal(SealedColumn::AiRunRequest, &[1], &vec![b'x'; length]);
    let opened = |sealed: &[u8]| key.open(SealedColumn::AiRunRequest, &[1], sealed).unwrap().len();
    assert_eq!(body(2 * 1024 * 1024 + 1).unwrap_err().code(), ErrorCode::TooLarge);
    assert_eq!(opened(&body(2 * 1024 * 1024).unwrap()), 2 * 1024 * 1024);
    assert_eq!(opened(&body(0).unwrap()), 0);
}

#[test]
fn no_key_shows_in_a_debug_text() {
    let shown = format!("{:?} {:?}", kek(0), user_key());

    assert!(!shown.contains("0, 1, 2") && !shown.contains(MAC_KEY), "{shown}");
}
