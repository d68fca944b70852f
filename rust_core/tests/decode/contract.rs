//! One test for each sentence of `DecoderProtocol`'s docstring.

use tradewire_core::decode::{DecodeError, Decoder, Reason, Refused};
use tradewire_core::record::{Kind, NO_SYMBOL, Record, Slot, flags};
use tradewire_core::sink::Sink;

use crate::plans::{alpaca, binance};
use crate::{Bounded, counter, fault, knowing, learning, records, refusal};

const AGG: &str = r#"{"stream":"btcusdt@aggTrade","data":{"e":"aggTrade","E":1791382992488,"a":3477868433,"s":"BTCUSDT","p":"83091.70","q":"0.022","nq":"0.022","f":8153634393,"l":8153634394,"T":1791382992338,"m":false,"st":1}}"#;

fn raw(record: &Record, index: usize) -> i64 {
    record.slots[index].as_i64()
}

fn float(record: &Record, index: usize) -> f64 {
    record.slots[index].as_f64()
}

#[test]
fn a_trade() {
    let mut decoder = learning(&binance());
    let found = records(&mut decoder, AGG, None);
    let expected = Record {
        kind: Kind::Trade as u8,
        flags: flags::LAST,
        venue: 0,
        symbol: 0,
        event_ns: 1_791_382_992_338_000_000,
        recv_ns: 7,
        seq: 3_477_868_433,
        slots: [Slot::f64(83091.70), Slot::f64(0.022), Slot::i64(3_477_868_433), Slot::default()],
    };
    assert_eq!(found, [expected]);
    let sold = records(&mut decoder, &AGG.replace("false", "true"), None);
    assert_eq!(sold[0].flags, flags::LAST | flags::SIDE);
    assert_eq!((counter(&decoder, "messages"), counter(&decoder, "trade")), (2, 2));
}

#[test]
fn keys_in_any_order_white_space_and_escapes_change_nothing() {
    let mut decoder = learning(&binance());
    let expected = records(&mut decoder, AGG, None);
    let other =
        "\r\n { \"data\" : {\"m\":false, \"T\": \"1791382992338\" ,\"q\":\"0.02\\u0032\",\"x\":[{\"p\":1}],
        \"\\u0070\":83091.70e0,\"\\u0065\":\"agg\\u0054rade\",\"s\":\"BTC\\u0055SDT\",\"a\":3477868433} ,
        \"more\":{}, \"stream\":\"btcusdt@aggTrade\" }\t";
    assert_eq!(records(&mut decoder, other, None), expected);
}

#[test]
fn a_book_delta_and_a_partial_book() {
    let mut decoder = learning(&binance());
    let delta = r#"{"stream":"btcusdt@depth@100ms","data":{"e":"depthUpdate","E":123456789,"T":123456788,"s":"BTCUSDT","U":157,"u":160,"pu":149,"b":[["0.0024","10"],["0.0023","0",{"x":[]}]],"a":[["0.0026","100"]],"st":1}}"#;
    let found = records(&mut decoder, delta, None);
    let header = found[0];
    assert_eq!((header.kind, header.flags), (Kind::BookDelta as u8, flags::LAST | flags::MORE));
    assert_eq!((header.event_ns, header.seq), (123_456_788_000_000, 160));
    assert_eq!(header.slots.map(Slot::as_i64), [157, 149, 2, 1]);
    let levels: Vec<_> =
        found[1..].iter().map(|level| (level.kind, level.flags, float(level, 0), float(level, 1))).collect();
    let (level, more, side) = (Kind::Level as u8, flags::MORE | flags::LAST, flags::SIDE | flags::LAST);
    assert_eq!(
        levels,
        [(level, more, 0.0024, 10.0), (level, more, 0.0023, 0.0), (level, side, 0.0026, 100.0)]
    );
    assert!(found[1..].iter().all(|level| (level.seq, level.event_ns) == (160, 123_456_788_000_000)));
    assert!(found[1..].iter().all(|level| level.slots[2..] == [Slot::default(); 2]));

    let partial = records(&mut decoder, &delta.replace("@depth@", "@depth20@"), None);
    assert!(partial.iter().all(|record| record.flags & flags::PARTIAL != 0));
    assert_eq!(partial[0].kind, Kind::BookSnapshot as u8);
    let empty = r#"{"e":"depthUpdate","E":1,"T":2,"s":"BTCUSDT","U":1,"u":2,"b":[ ],"a":[]}"#;
    let found = records(&mut decoder, empty, Some("btcusdt@depth"));
    assert_eq!((found.len(), found[0].flags), (1, flags::LAST));
    assert_eq!(found[0].slots.map(Slot::as_i64), [1, -1, 0, 0]);
}

#[test]
fn the_stream_names_the_symbol_where_the_message_does_not() {
    let mut decoder = learning(&binance());
    let snapshot = r#"{"lastUpdateId":160,"bids":[["0.0024","10"]],"asks":[]}"#;
    let found = records(&mut decoder, snapshot, Some("bnbbtc@depth20"));
    let enveloped = format!(r#"{{"stream":"bnbbtc@depth20@100ms","data":{snapshot}}}"#);
    assert_eq!(records(&mut decoder, &enveloped, Some("other@x")), found);
    assert_eq!((found[0].symbol, found[0].event_ns, found[0].seq), (0, 0, 160));
    let trade = AGG.split_once("\"data\":").unwrap().1.trim_end_matches('}').to_owned() + "}";
    assert_eq!(records(&mut decoder, &trade, Some("xyz@aggTrade"))[0].symbol, 1);
    assert_eq!(fault(refusal(&mut decoder, snapshot.as_bytes(), None)), (Reason::Missing, 0));
    assert_eq!(fault(refusal(&mut decoder, snapshot.as_bytes(), Some("@x"))), (Reason::Symbol, 0));
    let long = "x".repeat(257);
    assert_eq!(fault(refusal(&mut decoder, snapshot.as_bytes(), Some(&long))), (Reason::Size, 0));
    let enveloped = format!(r#"{{"stream":"{long}","data":{snapshot}}}"#);
    assert_eq!(fault(refusal(&mut decoder, enveloped.as_bytes(), None)), (Reason::Size, 10));
    let nameless = format!(r#"{{"stream":5,"data":{snapshot}}}"#);
    assert_eq!(fault(refusal(&mut decoder, nameless.as_bytes(), None)), (Reason::Type, 10));
}

#[test]
fn two_record_kinds() {
    let mut decoder = learning(&binance());
    let kline = r#"{"e":"kline","E":1791382992723,"s":"BTCUSDT","k":{"t":1791382980000,"T":1791383039999,"s":"X","i":"1m","f":1,"L":2,"o":"83084.90","c":"83091.60","h":"83091.70","l":"83051.20","v":"13.551","n":1027,"x":true,"q":"1125714.73960","B":"0"}}"#;
    let bar = records(&mut decoder, kline, None);
    assert_eq!(bar[0].flags, flags::LAST | flags::MORE | flags::CLOSED);
    assert_eq!((bar[1].flags, bar[1].seq, bar[1].event_ns), (flags::LAST, 60_000_000_000, bar[0].event_ns));
    assert_eq!(bar[0].slots, [83084.90, 83091.70, 83051.20, 83091.60].map(Slot::f64));
    assert_eq!(
        (float(&bar[1], 0), raw(&bar[1], 2), raw(&bar[1], 3)),
        (13.551, 1027, 1_791_382_980_000_000_000)
    );
    let mark =
        r#"{"e":"markPriceUpdate","E":1,"s":"BTCUSDT","p":"1.5","i":"2.5","r":"-0.00000078","T":0,"st":1}"#;
    let mark = records(&mut decoder, mark, None);
    assert_eq!((mark.len(), mark[1].symbol, float(&mark[0], 2)), (2, 0, -0.000_000_78));
    assert!(float(&mark[1], 0).is_nan() && mark[1].slots[2] == Slot::default());
    let force = r#"{"e":"forceOrder","E":9,"o":{"s":"BTCUSDT","S":"SELL","q":"0.190","p":"82338.30","ap":"82651.90","z":"0.190","T":8}}"#;
    assert_eq!(records(&mut decoder, force, None)[0].flags, flags::LAST | flags::SIDE);
}

#[test]
fn control_messages_and_unknown_events() {
    let mut decoder = learning(&binance());
    let ack = records(&mut decoder, r#"{"result":null,"id":12}"#, None)[0];
    assert_eq!((ack.symbol, ack.kind, raw(&ack, 0), raw(&ack, 1), raw(&ack, 2)), (NO_SYMBOL, 9, 1, 12, -1));
    let error = records(&mut decoder, r#"{"error":{"code":2,"msg":"x"},"id":1}"#, None)[0];
    assert_eq!((raw(&error, 0), raw(&error, 1), raw(&error, 2)), (2, 1, 2));
    for odd in [r#"{"e":"newThing","s":"BTCUSDT"}"#, r#"{"e":5}"#, "{}", r#"{"result":1}"#] {
        let found = records(&mut decoder, odd, None)[0];
        assert_eq!((found.symbol, raw(&found, 0), raw(&found, 1), found.seq), (NO_SYMBOL, 4, -1, 0), "{odd}");
        assert_eq!((found.event_ns, found.recv_ns, found.flags), (0, 7, flags::LAST));
    }
    assert_eq!((counter(&decoder, "unknown_event"), counter(&decoder, "control")), (4, 6));
    assert_eq!(decoder.quarantine().map(|kept| kept.class).collect::<Vec<_>>(), ["unknown_event"; 4]);
}

#[test]
fn a_partial_stream_without_its_shape_is_unknown() {
    let mut plan = binance();
    plan.shapes.retain(|shape| shape.value.as_deref() != Some("depthUpdate") || !shape.stream.is_empty());
    let mut decoder = learning(&plan);
    let book = r#"{"e":"depthUpdate","E":1,"T":2,"s":"BTCUSDT","U":1,"u":2,"b":[],"a":[]}"#;
    assert_eq!(records(&mut decoder, book, Some("btcusdt@depth"))[0].kind, Kind::Control as u8);
    assert_eq!(records(&mut decoder, book, Some("btcusdt@depth5"))[0].kind, Kind::BookSnapshot as u8);
}

#[test]
fn filters_and_unknown_symbols_drop_and_count() {
    let mut decoder = knowing(&binance(), &["BTCUSDT"]);
    assert_eq!(records(&mut decoder, &AGG.replace("\"st\":1", "\"st\":2"), None), []);
    assert_eq!(records(&mut decoder, &AGG.replace("\"st\":1", "\"st\":\"1\""), None), []);
    assert_eq!(records(&mut decoder, &AGG.replace("\"st\":1", "\"st\":null"), None).len(), 1);
    assert_eq!(records(&mut decoder, &AGG.replace("BTCUSDT", "ETHUSDT").replace("83091.70", "x"), None), []);
    assert_eq!((counter(&decoder, "filtered"), counter(&decoder, "unknown_symbol")), (2, 1));
    let kept: Vec<_> = decoder.quarantine().collect();
    assert_eq!((kept.len(), kept[0].class, kept[0].excerpt.len()), (1, "unknown_symbol", 64));
    assert!(kept[0].excerpt[32..].starts_with(b"\"ETHUSDT\""));
}

#[test]
fn field_errors_name_reason_and_value() {
    let mut decoder = learning(&binance());
    for (from, to, reason, at) in [
        ("\"83091.70\"", "\"1_000\"", Reason::Number, "\"1_000\""),
        ("\"83091.70\"", "\" 1 \"", Reason::Number, "\" 1 \""),
        ("\"83091.70\"", "\"NaN\"", Reason::Number, "\"NaN\""),
        ("\"83091.70\"", "1e31", Reason::Number, "1e31"),
        ("\"83091.70\"", "\"1e3\"", Reason::Number, "\"1e3\""),
        ("\"83091.70\"", "\"\"", Reason::Number, "\"\""),
        ("\"83091.70\"", "\"0\"", Reason::Range, "\"0\""),
        ("\"83091.70\"", "\"-1\"", Reason::Range, "\"-1\""),
        ("\"83091.70\"", "\"-0\"", Reason::Range, "\"-0\""),
        ("\"83091.70\"", "true", Reason::Type, "true"),
        ("\"83091.70\"", "[1]", Reason::Type, "[1]"),
        ("\"83091.70\"", "null", Reason::Missing, "{\"e\""),
        ("\"p\"", "\"pp\"", Reason::Missing, "{\"e\""),
        ("3477868433", "34778.5", Reason::Type, "34778.5"),
        ("3477868433", "1e3", Reason::Type, "1e3"),
        ("3477868433", "\"1.5\"", Reason::Number, "\"1.5\""),
        ("3477868433", "9223372036854775808", Reason::Range, "9223372036854775808"),
        ("3477868433", "-1", Reason::Range, "-1"),
        ("1791382992338", "1791382992338.5", Reason::Type, "1791382992338.5"),
        ("false", "\"false\"", Reason::Code, "\"false\""),
        ("false", "0.5", Reason::Type, "0.5"),
        ("\"BTCUSDT\"", "\"\"", Reason::Symbol, "\"\""),
        ("\"BTCUSDT\"", "\"BTC\\u0000\"", Reason::Symbol, "\"BTC\\u0000\""),
        ("\"BTCUSDT\"", "[7]", Reason::Type, "[7]"),
    ] {
        let data = AGG.replacen(from, to, 1);
        let error = refusal(&mut decoder, data.as_bytes(), None);
        assert_eq!(fault(error), (reason, data.find(at).unwrap()), "{data}");
        assert_eq!(error.shape.and_then(|shape| decoder.channel(shape)), Some("trades"));
    }
    assert_eq!((counter(&decoder, "number"), counter(&decoder, "missing")), (7, 2));
    assert_eq!((counter(&decoder, "messages"), decoder.quarantine().count()), (0, 16));
}

#[test]
fn a_time_out_of_range_is_passed_over() {
    let mut decoder = learning(&binance());
    for time in ["-1", "9223372036855", "\"99999999999999999999\""] {
        for (both, event_ns) in [(false, 1_791_382_992_488_000_000), (true, 0)] {
            let mut data = AGG.replace("1791382992338", time);
            if both {
                data = data.replace("1791382992488", time);
            }
            let found = records(&mut decoder, &data, None);
            assert_eq!((found[0].event_ns, float(&found[0], 0)), (event_ns, 83091.7), "{data}");
        }
    }
    assert_eq!(["messages", "trade", "time"].map(|name| counter(&decoder, name)), [6, 6, 6]);
    for (kept, time) in
        decoder.quarantine().zip([&b"-1"[..], b"-1", b"9223372036855", b"9223372036855", b"\"9999"])
    {
        assert!((kept.class, kept.excerpt[32..].starts_with(time)) == ("time", true), "{kept:?}");
    }
    assert_eq!(decoder.quarantine().count(), 6);

    let mut decoder = learning(&alpaca());
    let trade = r#"[{"T":"t","i":96921,"S":"AAPL","p":126.55,"s":1,"t":"2016-12-31T23:59:60Z"}]"#;
    assert_eq!(records(&mut decoder, trade, None)[0].event_ns, 0);
    let error = refusal(&mut decoder, trade.replace("60Z", "60").as_bytes(), None);
    assert_eq!((error.reason, counter(&decoder, "time")), (Reason::Time, 2));
}

#[test]
fn level_errors_name_the_level() {
    let mut decoder = learning(&binance());
    let book = r#"{"e":"depthUpdate","E":1,"T":2,"s":"BTCUSDT","U":1,"u":2,"b":[["1","2"],LEVEL],"a":[]}"#;
    let start = book.find("LEVEL").unwrap();
    for (level, reason, at) in [
        (r#"["0","1"]"#, Reason::Range, 1),
        (r#"["-1","1"]"#, Reason::Range, 1),
        (r#"["1","-0"]"#, Reason::Range, 5),
        (r#"["1"]"#, Reason::Missing, 0),
        (r#"["1",null]"#, Reason::Missing, 0),
        ("[]", Reason::Missing, 0),
        (r#"{"p":1}"#, Reason::Type, 0),
        ("5", Reason::Type, 0),
        (r#"["1",[]]"#, Reason::Type, 5),
    ] {
        let error = refusal(&mut decoder, book.replace("LEVEL", level).as_bytes(), None);
        assert_eq!(fault(error), (reason, start + at), "{level}");
    }
    let error = refusal(&mut decoder, book.replace("[[\"1\",\"2\"],LEVEL]", "7").as_bytes(), None);
    assert_eq!(error.reason, Reason::Type);
}

#[test]
fn broken_text_refuses_everything() {
    let mut decoder = learning(&alpaca());
    let trade = r#"{"T":"t","i":96921,"S":"AAPL","p":126.55,"s":1,"t":"2021-02-22T15:51:44.208Z"}"#;
    for (data, reason, offset) in [
        (format!("[{trade},{trade}"), Reason::Syntax, 2 * trade.len() + 2),
        (format!("[{trade}]x"), Reason::Syntax, trade.len() + 2),
        (format!("\u{feff}[{trade}]"), Reason::Syntax, 0),
        (format!("[{},{trade},]", trade.replace("126.55", "-1")), Reason::Syntax, 2 * trade.len() - 1),
        (String::new(), Reason::Syntax, 0),
        ("7".to_owned(), Reason::Type, 0),
    ] {
        let error = refusal(&mut decoder, data.as_bytes(), None);
        assert_eq!((fault(error), error.shape), ((reason, offset), None), "{data}");
    }
    let named: Vec<_> = decoder.counters().named().filter(|(_, count)| *count > 0).collect();
    assert_eq!(named, [("syntax", 5), ("type", 1)]);
}

#[test]
fn arrays_leave_bad_elements_out() {
    let mut decoder = learning(&alpaca());
    let trade =
        r#"{"T":"t","i":3447222699101865076,"S":"AAPL","p":126.55,"s":1,"t":"2021-02-22T15:51:44.208Z"}"#;
    let book = r#"{"T":"o","S":"BTC/USD","t":"2024-03-12T10:38:50.79613221Z","b":[{"s":0.27994,"p":71859.53}],"a":[{"p":71939.7,"s":0,"p":71939.8}],"r":true}"#;
    let data = format!("[{trade},5,{}, {book} ,{}]", trade.replace("126.55", "0"), trade.replace("AAPL", ""));
    let found = records(&mut decoder, &data, None);
    assert_eq!(found.iter().map(|record| record.kind).collect::<Vec<_>>(), [1, 3, 10, 10]);
    assert_eq!(found.iter().map(|record| record.flags & flags::LAST).collect::<Vec<_>>(), [0, 4, 4, 4]);
    assert_eq!(found[0].flags, flags::SIDELESS);
    assert_eq!((raw(&found[0], 2), found[0].seq), (3_447_222_699_101_865_076, 0));
    assert_eq!((float(&found[2], 1), float(&found[3], 0)), (0.27994, 71939.8));
    let counts = ["messages", "type", "range", "symbol", "duplicate_key"].map(|name| counter(&decoder, name));
    assert_eq!(counts, [2, 1, 1, 1, 1]);

    let none_left = format!("[{},5]", trade.replace("126.55", "0"));
    let error = refusal(&mut decoder, none_left.as_bytes(), None);
    assert_eq!(fault(error), (Reason::Range, none_left.find("0,\"s\"").unwrap()));
    assert_eq!(["type", "range"].map(|name| counter(&decoder, name)), [2, 2]);
    assert_eq!(records(&mut decoder, "[]", None), []);
    let side = records(&mut decoder, &trade.replace("\"s\":1", "\"s\":1,\"tks\":\"S\""), None);
    assert_eq!(side[0].flags, flags::LAST | flags::SIDE);
}

#[test]
fn repeated_keys_the_last_one_wins() {
    let mut decoder = learning(&binance());
    let mut expected = records(&mut decoder, AGG, None);
    let twice = AGG
        .replace("\"p\":", "\"p\":\"x\",\"q\":null,\"p\":")
        .replace("{\"stream\"", "{\"stream\":1,\"stream\"");
    assert_eq!(records(&mut decoder, &twice, None), expected);
    assert_eq!(counter(&decoder, "duplicate_key"), 3);
    let force = r#"{"e":"forceOrder","o":{"S":"BUY","S":"BUY"},"o":{"s":"BTCUSDT","S":"SELL","q":"1","p":"2","ap":"3","z":"4","T":8}}"#;
    expected = records(&mut decoder, force, None);
    assert_eq!((expected[0].flags & flags::SIDE, counter(&decoder, "duplicate_key")), (flags::SIDE, 4));
}

#[test]
fn long_numbers_are_flagged_and_counted() {
    let mut decoder = learning(&binance());
    let long = records(&mut decoder, &AGG.replace("83091.70", "83091.70000000000123"), None);
    assert_eq!((long[0].flags & flags::INEXACT, counter(&decoder, "inexact")), (flags::INEXACT, 1));
    let book = r#"{"e":"depthUpdate","E":1,"T":2,"s":"B","U":1,"u":2,"b":[["1","2"],["1.2345678901234567","2"]],"a":[]}"#;
    let found = records(&mut decoder, book, None);
    let inexact: Vec<_> = found.iter().map(|record| record.flags & flags::INEXACT != 0).collect();
    assert_eq!((inexact, counter(&decoder, "inexact")), (vec![true, false, true], 2));
}

#[test]
fn a_full_sink_gets_nothing_and_nothing_is_counted() {
    let mut decoder: Decoder = learning(&binance());
    let book = r#"{"e":"depthUpdate","E":1,"T":2,"s":"B","U":1,"u":2,"b":[["1","2"]],"a":[["3","4"]]}"#;
    // Again and again: whatever the decoder learnt from the messages that went through must not change the outcome.
    for _ in 0..4 {
        for room in 0..3 {
            let mut sink = Bounded::new(3, room);
            assert_eq!(decoder.decode(book.as_bytes(), 7, None, &mut sink), Err(Refused::Full));
            assert_eq!((sink.pending(), sink.inner.records().len()), (0, 0));
        }
        let mut sink = Bounded::new(3, 3);
        assert_eq!(decoder.decode(book.as_bytes(), 7, None, &mut sink), Ok(1));
        let long = book.replace("[\"1\",\"2\"]", "[\"1\",\"2\"],[\"1\",\"2\"]");
        let size = DecodeError { reason: Reason::Size, offset: 0, shape: None };
        assert_eq!(decoder.decode(long.as_bytes(), 7, None, &mut sink), Err(Refused::Error(size)));
        assert_eq!(sink.pending(), 0);
    }
    assert_eq!(["messages", "size"].map(|name| counter(&decoder, name)), [4, 4]);
}
