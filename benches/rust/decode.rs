//! Payload bytes to records, one message kind at a time, over 256 different messages. Not for framing or for rings.
//!
//! `by template` is the usual path; `general` is the same message behind a space, which no template takes.
#![allow(missing_docs, reason = "criterion_group! makes undocumented functions")]

#[path = "../../rust_core/tests/decode/plans.rs"]
mod plans;

use std::sync::{Arc, RwLock};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use tradewire_core::decode::Decoder;
use tradewire_core::decode::plan::FieldPlan;
use tradewire_core::sink::VecSink;
use tradewire_core::symbols::SymbolTable;

const MESSAGES: u64 = 256;
const START_MS: u64 = 1_732_000_000_000;

/// Prices and quantities that change from message to message, in the formats of the venues.
fn price(at: u64) -> String {
    format!("{}.{}0", 97_000 + at * 7 % 2000, at % 10)
}

fn quantity(at: u64) -> String {
    format!("0.{:03}", 1 + at * 37 % 999)
}

fn enveloped(channel: &str, data: &str) -> String {
    format!(r#"{{"stream":"btcusdt@{channel}","data":{data}}}"#)
}

fn aggregate_trade(at: u64) -> String {
    let (price, quantity, maker) = (price(at), quantity(at), at.is_multiple_of(3));
    let (id, first, time) = (2_400_000_000 + at, 5_600_000_000 + at, START_MS + at);
    let data = format!(
        r#"{{"e":"aggTrade","E":{time},"a":{id},"s":"BTCUSDT","p":"{price}","q":"{quantity}","f":{first},"l":{first},"T":{time},"m":{maker}}}"#
    );
    enveloped("aggTrade", &data)
}

fn book_ticker(at: u64) -> String {
    let (bid, ask, time) = (price(at), price(at + 1), START_MS + at);
    let (bid_size, ask_size, id) = (quantity(at), quantity(at + 5), 5_300_000_000_000 + at);
    let data = format!(
        r#"{{"e":"bookTicker","u":{id},"s":"BTCUSDT","b":"{bid}","B":"{bid_size}","a":"{ask}","A":"{ask_size}","T":{time},"E":{time}}}"#
    );
    enveloped("bookTicker", &data)
}

fn levels(at: u64, format: impl Fn(u64) -> (String, String)) -> String {
    let levels: Vec<_> = (0..20)
        .map(|level| {
            let (price, quantity) = format(at * 20 + level);
            format!(r#"["{price}","{quantity}"]"#)
        })
        .collect();
    levels.join(",")
}

fn depth(at: u64) -> String {
    let short = |at| (price(at), quantity(at));
    let (time, last) = (START_MS + at, 5_300_000_000_000 + at);
    let data = format!(
        r#"{{"e":"depthUpdate","E":{time},"T":{time},"s":"BTCUSDT","U":{last},"u":{last},"pu":{last},"b":[{}],"a":[{}]}}"#,
        levels(at, short),
        levels(at + 1, short)
    );
    enveloped("depth@100ms", &data)
}

fn partial_depth(at: u64) -> String {
    let long = |at| (format!("{}000000", price(at)), format!("{}00000", quantity(at)));
    let data = format!(
        r#"{{"lastUpdateId":{},"bids":[{}],"asks":[{}]}}"#,
        62_000_000_000 + at,
        levels(at, long),
        levels(at + 1, long)
    );
    enveloped("depth20@100ms", &data)
}

fn ten_trades(at: u64) -> String {
    let trades: Vec<_> = (0..10)
        .map(|trade| {
            let (id, price, nanos) = (52_983_525_029_461 + at * 10 + trade, 18_900 + (at + trade) % 400, at * 10 + trade);
            format!(
                r#"{{"T":"t","S":"AAPL","i":{id},"x":"V","p":{}.{:02},"s":{},"c":["@"],"z":"C","t":"2024-11-19T14:30:00.{nanos:09}Z"}}"#,
                price / 100,
                1 + price % 99,
                1 + trade
            )
        })
        .collect();
    format!("[{}]", trades.join(","))
}

fn run(criterion: &mut Criterion, name: &str, plan: &FieldPlan, make: fn(u64) -> String) {
    let usual: Vec<String> = (0..MESSAGES).map(make).collect();
    let bytes = usual.iter().map(|message| message.len() as u64).sum();
    let spaced = usual.iter().map(|message| format!(" {message}")).collect();
    let mut group = criterion.benchmark_group(format!("decode/{name}"));
    group.throughput(Throughput::Bytes(bytes));
    for (path, messages) in [("by template", usual), ("general", spaced)] {
        let symbols = Arc::new(RwLock::new(SymbolTable::new(16)));
        let mut decoder = Decoder::new(plan, symbols, true).expect("the plan is good");
        let mut sink = VecSink::default();
        group.bench_with_input(
            BenchmarkId::from_parameter(path),
            &messages,
            |bencher, messages: &Vec<String>| {
                bencher.iter(|| {
                    for message in messages {
                        sink.clear();
                        let done = decoder.decode(message.as_bytes(), 1, None, &mut sink);
                        assert!(done.is_ok(), "{done:?}: {message}");
                    }
                });
            },
        );
    }
    group.finish();
}

/// Each iteration decodes all 256 messages of a kind: divide by 256.
fn decode(criterion: &mut Criterion) {
    let (binance, alpaca) = (plans::binance(), plans::alpaca());
    run(criterion, "aggTrade", &binance, aggregate_trade);
    run(criterion, "bookTicker", &binance, book_ticker);
    run(criterion, "depth 20+20", &binance, depth);
    run(criterion, "depth20, 8 decimals", &binance, partial_depth);
    run(criterion, "10 trades, RFC 3339", &alpaca, ten_trades);
}

criterion_group!(benches, decode);
criterion_main!(benches);
