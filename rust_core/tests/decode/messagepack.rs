//! The plan that reads JSON reads the same messages in `MessagePack`.

use tradewire_core::decode::plan::WireCodec;
use tradewire_core::decode::{Decoder, Reason};
use tradewire_core::record::Record;
use tradewire_core::sink::VecSink;

use crate::plans::alpaca;
use crate::{counter, fault, learning, records, refusal};

const TEXT: &str = r#"[{"T":"t","i":628,"S":"AAPL","p":162.5,"s":3,"t":"2023-04-06T11:54:26.838232225Z","c":["@"],"tks":"S"},{"T":"o","S":"BTC/USD","t":"2021-02-22T19:15:00Z","b":[{"p":2.5,"s":0}],"a":[]}]"#;

/// The same, its times as extensions of 64 and 32 bits.
const PACKED: &[&[u8]] = &[
    b"\x92\x88\xa1T\xa1t\xa1i\xcd\x02\x74\xa1S\xa4AAPL\xa1p\xcb\x40\x64\x50\x00\x00\x00\x00\x00\xa1s\x03\xa1t\xd7\xff\xc7\xd9\xa2\x84\x64\x2e\xb2\xf2",
    b"\xa1c\x91\xa1@\xa3tks\xa1S\x85\xa1T\xa1o\xa1S\xa7BTC/USD\xa1t\xd6\xff\x60\x34\x02\xb4\xa1b\x91\x82\xa1p\xca\x40\x20\x00\x00\xa1s\x00\xa1a\x90",
];

fn binary() -> Decoder {
    let mut plan = alpaca();
    plan.codec = WireCodec::Msgpack;
    learning(&plan)
}

fn packed(decoder: &mut Decoder, data: &[u8]) -> Vec<Record> {
    let mut sink = VecSink::default();
    let done = decoder.decode(data, 7, None, &mut sink);
    assert!(done.is_ok(), "{done:?}: {}", data.escape_ascii());
    sink.records().to_vec()
}

#[test]
fn the_records_are_the_same_every_time() {
    let expected = records(&mut learning(&alpaca()), TEXT, None);
    assert_eq!(expected.len(), 3);
    let mut decoder = binary();
    for _ in 0..5 {
        assert_eq!(packed(&mut decoder, &PACKED.concat()), expected);
    }
    assert_eq!(counter(&decoder, "messages"), 10);
}

#[test]
fn json_is_no_message_pack() {
    let mut decoder = binary();
    assert_eq!(fault(refusal(&mut decoder, TEXT.as_bytes(), None)), (Reason::Syntax, 1));
    assert_eq!(fault(refusal(&mut decoder, &PACKED.concat()[..60], None)), (Reason::Syntax, 60));
    assert_eq!(packed(&mut decoder, &PACKED.concat()).len(), 3);
}

#[test]
fn a_bad_element_is_left_out() {
    let mut decoder = binary();
    let data = PACKED.concat();
    let zero = data.windows(3).position(|window| window == b"\xa1s\x03").unwrap();
    let mut changed = data.clone();
    changed[zero + 2] = 0xC2;
    assert_eq!(packed(&mut decoder, &changed).len(), 2);
    assert_eq!((counter(&decoder, "type"), counter(&decoder, "book_delta")), (1, 1));
}
