//! Every form of the specification, and where reading stops. Over the boundary: `tests/parity/test_msgpack_grammar.py`.

use super::{Form, Grammar, Msgpack, Reason, Value};
use proptest::prelude::*;

fn fault(data: &[u8]) -> (Reason, usize) {
    let fault = Msgpack::check(data).expect_err(&data.escape_ascii().to_string());
    (fault.reason, fault.offset)
}

fn value(data: &[u8]) -> Value<'_> {
    assert_eq!(Msgpack::check(data), Ok(0));
    Msgpack::value(data, &(0..data.len()), Box::leak(Box::default()))
}

fn with(head: &[u8], body: usize) -> Vec<u8> {
    [head, &vec![b'x'; body]].concat()
}

#[test]
fn integers_of_every_width() {
    for (data, number) in [
        (&b"\x00"[..], 0),
        (b"\x7f", 127),
        (b"\xcc\xff", 255),
        (b"\xcd\xff\xfe", 65534),
        (b"\xce\xff\xff\xff\xff", 4_294_967_295),
        (b"\xcf\xff\xff\xff\xff\xff\xff\xff\xff", u64::MAX),
        (b"\xcf\x00\x00\x00\x00\x00\x00\x00\x05", 5),
    ] {
        assert!(matches!(value(data), Value::Unsigned(found) if found == number), "{number}");
    }
    for (data, number) in [
        (&b"\xff"[..], -1),
        (b"\xe0", -32),
        (b"\xd0\x80", -128),
        (b"\xd0\x7f", 127),
        (b"\xd1\x80\x00", -32768),
        (b"\xd2\x80\x00\x00\x00", -2_147_483_648),
        (b"\xd3\x80\x00\x00\x00\x00\x00\x00\x00", i64::MIN),
        (b"\xd3\xff\xff\xff\xff\xff\xff\xff\xfe", -2),
    ] {
        assert!(matches!(value(data), Value::Signed(found) if found == number), "{number}");
    }
}

#[test]
fn floats_are_as_they_stand() {
    assert!(matches!(value(b"\xca\x3f\xc0\x00\x00"), Value::Float(1.5)));
    assert!(matches!(value(b"\xca\x42\xfd\x19\x9a"), Value::Float(126.550_003_051_757_81)));
    assert!(matches!(value(b"\xcb\x40\x5f\xa3\x33\x33\x33\x33\x33"), Value::Float(126.55)));
    assert!(matches!(value(b"\xca\xff\x80\x00\x00"), Value::Float(f64::NEG_INFINITY)));
}

#[test]
fn text_bytes_extensions_and_the_rest() {
    for data in
        [with(b"\xa3", 3), with(b"\xd9\x03", 3), with(b"\xda\x00\x03", 3), with(b"\xdb\x00\x00\x00\x03", 3)]
    {
        assert!(matches!(value(&data), Value::Text(b"xxx")));
    }
    assert!(matches!(value(b"\xc2"), Value::Bool(false)));
    assert!(matches!(value(b"\xc3"), Value::Bool(true)));
    for (head, body) in [
        (&b"\xd6\xff"[..], 4),
        (b"\xd7\xff", 8),
        (b"\xc7\x0c\xff", 12),
        (b"\xc7\x00\xff", 0),
        (b"\xd8\xff", 16),
    ] {
        assert!(matches!(value(&with(head, body)), Value::Timestamp(stamp) if stamp.len() == body));
    }
    for (head, body) in [
        (&b"\xc0"[..], 0),
        (b"\xc4\x02", 2),
        (b"\xc5\x00\x02", 2),
        (b"\xc6\x00\x00\x00\x02", 2),
        (b"\xd4\x01", 1),
        (b"\xd5\x01", 2),
        (b"\xd6\x01", 4),
        (b"\xc7\x02\x01", 2),
        (b"\xc8\x00\x02\x01", 2),
        (b"\xc9\x00\x00\x00\x02\x01", 2),
        (b"\x80", 0),
        (b"\xdd\x00\x00\x00\x00", 0),
    ] {
        assert!(matches!(value(&with(head, body)), Value::Other));
    }
}

#[test]
fn what_cannot_be_is_found_where_it_stands() {
    for (data, reason, offset) in [
        (&b""[..], Reason::Syntax, 0),
        (b"\xc1", Reason::Syntax, 0),
        (b"\x92\x01", Reason::Syntax, 2),
        (b"\x92\x01\xc1", Reason::Syntax, 2),
        (b"\x01\x01", Reason::Syntax, 1),
        (b"\x91\xa3xx", Reason::Syntax, 1),
        (b"\x91\xcd\x01", Reason::Syntax, 1),
        (b"\x91\xd9", Reason::Syntax, 1),
        (b"\x81\xa1x", Reason::Syntax, 3),
        (b"\xdb\xff\xff\xff\xffx", Reason::Syntax, 0),
        (b"\xc6\xff\xff\xff\xffx", Reason::Syntax, 0),
        (b"\xc9\xff\xff\xff\xff\x01x", Reason::Syntax, 0),
        (b"\xdd\xff\xff\xff\xff\x01", Reason::Syntax, 6),
        (b"\xdf\xff\xff\xff\xff\x01", Reason::Syntax, 6),
        (b"\xd8\xff0123456789", Reason::Syntax, 0),
        (b"\x92\xa2a\xff\xc1", Reason::Utf8, 3),
        (b"\x81\xa2\xc3\x28\x01", Reason::Utf8, 2),
    ] {
        assert_eq!(fault(data), (reason, offset), "{}", data.escape_ascii());
    }
}

#[test]
fn depth_ends_at_64() {
    let nested = |depth: usize| [&vec![0x91; depth - 1][..], b"\x80"].concat();
    assert_eq!(Msgpack::check(&nested(64)), Ok(0));
    assert_eq!(fault(&nested(65)), (Reason::Nesting, 64));
    assert_eq!(fault(&vec![0xDD; 400_000]), (Reason::Nesting, 64 * 5));
    assert_eq!(fault(&b"\x81".repeat(65)), (Reason::Nesting, 64), "a container as a key is one level, too");
}

#[test]
fn members_and_elements_are_found_as_written() {
    let data = b"\x84\xa1a\x92\x01\x81\xa1b\xc0\x05\x06\xd9\x02cd\xc4\x01z\x90\xc3";
    assert_eq!(Msgpack::check(data), Ok(0));
    let found: Vec<(&[u8], &[u8])> =
        Msgpack::members(data, 0).map(|member| (&data[member.key], &data[member.value])).collect();
    assert_eq!(found, [(&b"a"[..], &data[3..9]), (b"cd", b"\xc4\x01z")]);
    let elements: Vec<&[u8]> = Msgpack::elements(data, 3).map(|range| &data[range]).collect();
    assert_eq!(elements, [&b"\x01"[..], b"\x81\xa1b\xc0"]);
    assert_eq!(Msgpack::elements(data, 0).count() + Msgpack::members(data, 3).count(), 0);
    let forms = [0, 3, 8, 4, 99].map(|at| Msgpack::form(data, at));
    assert_eq!(forms, [Form::Object, Form::Array, Form::Null, Form::Other, Form::Other]);
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused_inside(data in proptest::collection::vec(any::<u8>(), 0..64), at in 0..64_usize) {
        if let Err(fault) = Msgpack::check(&data) {
            prop_assert!(fault.offset <= data.len());
        }
        // On what was never checked the answers mean nothing, but there are answers.
        for member in Msgpack::members(&data, at) {
            prop_assert!(member.key.end <= data.len() && member.value.end <= data.len());
        }
        for element in Msgpack::elements(&data, at) {
            prop_assert!(element.end <= data.len());
        }
    }
}
