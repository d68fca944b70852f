//! Payloads in JSON and `MessagePack`: whole messages or a named problem inside the payload; a ring without room stays as it was.
#![no_main]

use std::sync::{Arc, RwLock};

use libfuzzer_sys::fuzz_target;
use tradewire_core::decode::plan::WireCodec;
use tradewire_core::decode::{Decoder, Refused};
use tradewire_core::record::flags::{LAST, MORE};
use tradewire_core::ring::Ring;
use tradewire_core::sink::VecSink;
use tradewire_core::symbols::SymbolTable;

#[path = "../../tests/decode/plans.rs"]
mod plans;

const STREAMS: [Option<&str>; 3] = [None, Some("btcusdt@depth20"), Some("")];

fuzz_target!(|data: &[u8]| {
    let [choice, payload @ ..] = data else { return };
    let mut plan = if choice & 1 == 0 { plans::binance() } else { plans::alpaca() };
    if choice & 0x40 != 0 {
        plan.codec = WireCodec::Msgpack;
    }
    let stream = STREAMS[usize::from(choice >> 1) % STREAMS.len()];
    let symbols = Arc::new(RwLock::new(SymbolTable::new(8)));
    let mut decoder = Decoder::new(&plan, symbols, choice & 0x80 == 0).expect("the plans are sound");

    let mut sink = VecSink::default();
    let decoded = decoder.decode(payload, 7, stream, &mut sink);
    let records = sink.records();
    match decoded {
        Ok(count) => {
            let ends = records.iter().filter(|record| record.flags & MORE == 0).count();
            assert_eq!(ends, count as usize);
            assert!(records.iter().all(|record| record.recv_ns == 7));
            assert!(records.last().is_none_or(|last| last.flags & (MORE | LAST) == LAST));
        }
        Err(Refused::Full) => panic!("a vector is never full"),
        Err(Refused::Error(error)) => {
            assert!(error.offset <= payload.len() && records.is_empty());
        }
    }

    // A ring with two records of room: the same records, or none and Full, or refused for its size.
    let ring = Ring::starting_at(8, 5);
    let first = [tradewire_core::record::Record::default(); 6];
    ring.writer().expect("the only writer").push(&first);
    let again = decoder.decode(payload, 7, stream, &mut ring.writer().expect("the only writer"));
    let written = ring.len() - first.len();
    match again {
        Ok(count) => assert_eq!((written, Ok(count)), (records.len(), decoded)),
        Err(Refused::Full) => assert!(written == 0 && (3..=8).contains(&records.len())),
        Err(Refused::Error(_)) => assert!(written == 0 && (records.is_empty() || records.len() > 8)),
    }
});
