//! RFC vectors and the rules of query strings. The venue's own vectors are in `tests/parity/test_signer.py`.

use ed25519_dalek::SigningKey;
use hmac::EagerHash;
use proptest::prelude::*;
use sha2::Sha256;
use zeroize::ZeroizeOnDrop;

use super::{KeyError, NotFinite, Query, Signer, Value};

/// RFC 8032, section 7.1, test 1.
const PEM: &str = "-----BEGIN PRIVATE KEY-----\n\
    MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n\
    -----END PRIVATE KEY-----\n";

#[test]
fn rfc_4231_vectors() {
    let short = Signer::hmac(b"Jefe").unwrap();
    assert_eq!(
        short.sign(b"what do ya want for nothing?").as_str(),
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    );
    let long = Signer::hmac(&[0xaa; 131]).unwrap();
    assert_eq!(
        long.sign(b"Test Using Larger Than Block-Size Key - Hash Key First").as_str(),
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
    );
}

#[test]
fn rfc_8032_vector() {
    let signer = Signer::ed25519(PEM).unwrap();
    assert_eq!(
        signer.sign(b"").as_str(),
        "5VZDAMNgrHKQhuLMgG6CioSHfx645dl02HPgZSJJAVVfuIIVkKM7rMYeOXAc+bRr0lv18FlbviRlUUFDjnoQCw=="
    );
}

#[test]
fn keys_are_never_shown() {
    let signers = [Signer::hmac(b"canary").unwrap(), Signer::ed25519(PEM).unwrap()];
    assert_eq!(format!("{signers:?}"), "[Signer(hmac-sha256), Signer(ed25519)]");
    assert_eq!(Signer::hmac(b"").unwrap_err(), KeyError::Empty);
    assert_eq!(Signer::ed25519("canary").unwrap_err(), KeyError::Pem);
}

/// Fails to compile when a feature that wipes is switched off. `Hmac` itself holds two hash cores and nothing else.
#[test]
fn keys_are_wiped_when_dropped() {
    fn wiped<T: ZeroizeOnDrop>() {}
    wiped::<<Sha256 as EagerHash>::Core>();
    wiped::<SigningKey>();
}

#[test]
fn numbers_have_no_exponent() {
    let mut query = Query::encoded();
    for number in [1.0, 0.1, 1e-7, 1e22, 0.000_001_234_5, -2.5, 123_456_789.125] {
        query.push("n", Value::Float(number)).unwrap();
    }
    query.push("i", Value::Integer(i64::MIN)).unwrap();
    query.push("b", Value::Bool(true)).unwrap();
    assert_eq!(query.push("n", Value::Float(f64::NAN)), Err(NotFinite));
    let written = String::from_utf8_lossy(query.as_bytes()).into_owned();
    assert_eq!(
        written,
        "n=1&n=0.1&n=0.0000001&n=10000000000000000000000&n=0.0000012345&n=-2.5&n=123456789.125\
         &i=-9223372036854775808&b=true&n="
    );
}

#[test]
fn the_signature_of_a_query_is_percent_encoded() {
    let signer = Signer::ed25519(PEM).unwrap();
    let mut query = Query::encoded();
    query.push("a b", Value::Text("1/é~")).unwrap();
    let plain = query.as_bytes().to_vec();
    assert_eq!(plain, b"a%20b=1%2F%C3%A9~");
    let signature = signer.sign(&plain).as_str().replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
    assert_eq!(query.signed(&signer), [&plain, b"&signature=".as_slice(), signature.as_bytes()].concat());
}

proptest! {
    #[test]
    fn encoding_can_be_undone(name in "\\PC{1,8}", value in "\\PC{0,30}") {
        let mut query = Query::encoded();
        query.push(&name, Value::Text(&value)).unwrap();
        let text = std::str::from_utf8(query.as_bytes()).unwrap();
        let (left, right) = text.split_once('=').unwrap();
        prop_assert_eq!(undo(left), name);
        prop_assert_eq!(undo(right), value);
    }
}

fn undo(text: &str) -> String {
    let (mut bytes, mut input) = (vec![], text.bytes());
    while let Some(byte) = input.next() {
        let digits: Vec<u8> = if byte == b'%' { input.by_ref().take(2).collect() } else { vec![] };
        let digits = std::str::from_utf8(&digits).unwrap();
        bytes.push(if digits.is_empty() { byte } else { u8::from_str_radix(digits, 16).unwrap() });
    }
    String::from_utf8(bytes).unwrap()
}
