//! A decoder that has learnt templates against one that never has: no input tells them apart.

use proptest::prelude::*;
use tradewire_core::decode::plan::FieldPlan;
use tradewire_core::decode::{Decoder, Quarantined, Refused};
use tradewire_core::record::Record;
use tradewire_core::sink::Sink;

use crate::plans::{alpaca, binance};
use crate::{Bounded, knowing};

/// Messages with numbered places for values.
const BINANCE: [&str; 13] = [
    r#"{"stream":"btcusdt@aggTrade","data":{"e":"aggTrade","E":@i,"a":@i,"s":"@s","p":"@d","q":"@d","nq":"0.022","f":@i,"l":@a,"T":@i,"m":@b,"st":1}}"#,
    r#"{"stream":"btcusdt@trade","data":{"e":"trade","E":@i,"T":@i,"s":"@s","t":@i,"p":"@d","q":"@d","X":@a,"m":@b}}"#,
    r#"{"stream":"btcusdt@bookTicker","data":{"e":"bookTicker","u":@i,"s":"@s","b":"@d","B":"@d","a":"@d","A":"@d","T":@i,"E":@i}}"#,
    r#"{"u":@i,"s":"@s","b":"@d","B":"@d","a":"@d","A":"@d"}"#,
    r#"{"stream":"btcusdt@depth@100ms","data":{"e":"depthUpdate","E":@i,"T":@i,"s":"@s","U":@i,"u":@i,"pu":@i,"b":[@l],"a":[@l],"st":1}}"#,
    r#"{"stream":"btcusdt@depth20@100ms","data":{"e":"depthUpdate","E":@i,"T":@i,"s":"@s","U":@i,"u":@i,"b":[@l],"a":[@l]}}"#,
    r#"{"stream":"ethusdt@depth20@100ms","data":{"lastUpdateId":@i,"bids":[@l],"asks":[@l]}}"#,
    r#"{"e":"kline","E":@i,"s":"@s","k":{"t":@i,"s":"@s","i":"@n","o":"@d","c":"@d","h":"@d","l":"@d","v":"@d","n":@i,"x":@b,"q":"@d","B":@a}}"#,
    r#"{"e":"markPriceUpdate","E":@i,"s":"@s","p":"@d","ap":"@d","P":"@d","i":"@d","r":"@d","T":@i,"st":@i}"#,
    r#"{"stream":"!markPrice@arr","data":[{"e":"markPriceUpdate","E":@i,"s":"@s","p":"@d","i":"@d","r":"@d","T":@i},{"e":"markPriceUpdate","E":@i,"s":"@s","p":"@d","i":"@d","r":"@d","T":@i}]}"#,
    r#"{"e":"forceOrder","E":@i,"o":{"s":"@s","S":"@n","o":@a,"q":"@d","p":"@d","ap":"@d","z":"@d","T":@i}}"#,
    r#"{"result":null,"id":@i}"#,
    r#"{"error":{"code":@i,"msg":@a},"id":@i}"#,
];
const ALPACA: [&str; 4] = [
    r#"[{"T":"t","i":@i,"S":"@s","x":"D","p":@d,"s":@d,"t":"@t","c":["@","I"],"z":@a},{"T":"t","i":@i,"S":"@s","x":"D","p":@d,"s":@d,"t":"@t","c":@a,"z":"C"}]"#,
    r#"[{"T":"q","S":"@s","bx":"U","bp":@d,"bs":@i,"ax":"Q","ap":@d,"as":@d,"t":"@t","c":["R"],"z":"C"},{"T":"t","S":"@s","p":@d,"s":@d,"t":"@t","tks":"@n"}]"#,
    r#"[{"T":"o","S":"@s","t":"@t","b":[{"p":@d,"s":@d}],"a":[{"p":@d,"s":@d},{"p":@d,"s":@d}],"r":true}]"#,
    r#"[{"T":"o","b":[],"a":[{"s":@d,"p":@d}],"t":"@t","S":"@s"}]"#,
];

fn often(usual: &'static [&'static str], odd: &'static [&'static str]) -> BoxedStrategy<String> {
    let pick = |from: &'static [&'static str]| proptest::sample::select(from).prop_map(str::to_owned);
    prop_oneof![12 => pick(usual), 1 => pick(odd)].boxed()
}

/// A value for a place.
fn value(place: char) -> BoxedStrategy<String> {
    match place {
        'i' => prop_oneof![
            8 => "[1-9][0-9]{0,12}",
            1 => often(&["0", "1791382992338"], &["-1", "01", "1.0", "1e3", "9223372036854775808", "null", "\"7\"", "", "1234567890123456789"]),
        ]
        .boxed(),
        'd' => prop_oneof![
            8 => "[1-9][0-9]{0,5}\\.[0-9]{1,8}",
            2 => "0\\.[0-9]{1,8}",
            1 => often(
                &["1", "97015.10", "61837.63000000", "123456789.5"],
                &["0", "-1", "-0.5", "01.5", "1.", ".5", "1e5", "NaN", "", "1234567890123456.5", "0.0000000000000000001", "12345678.123456789"],
            ),
        ]
        .boxed(),
        's' => often(&["BTCUSDT", "ETHUSDT", "BTC/USD"], &["", "XRPUSDT", "B\\u0054CUSDT", "1000SHIBUSDTLONGNAME", "Ü", "A\u{1}", "btcusdt@"]),
        'b' => often(&["true", "false"], &["null", "1", "\"true\"", "tru", "truefalse"]),
        'n' => often(&["1m", "BUY", "SELL", "B", "S", "1h"], &["", "2m", "B\\\"", "\\u0042UY", "1M", "buy"]),
        't' => often(&["2021-02-22T15:51:44.208Z", "2023-04-06T13:15:42.83540958Z", "2024-07-24T07:56:00Z"], &["2021-02-30T00:00:00Z", "", "2021-02-22T15:51:44.208"]),
        'l' => proptest::collection::vec((value('d'), value('d'), "(,1)?"), 0..4)
            .prop_map(|levels| {
                let levels: Vec<_> = levels.iter().map(|(price, size, more)| format!("[\"{price}\",\"{size}\"{more}]")).collect();
                levels.join(",")
            })
            .boxed(),
        _ => often(
            &["1", "\"MARKET\"", "null", "[\"@\",\"I\"]", "{\"x\":[1,{}]}", "0.5", "\"\""],
            &["\"a\\\"b\"", "\"Ü\"", "[1,]", "\"\\ud800\"", "01", "-", "{\"p\":1,\"p\":2}"],
        ),
    }
}

/// The place that a part behind an `@` begins with; a channel name is none.
fn place(part: &str) -> Option<char> {
    let mut chars = part.chars();
    let place = chars.next().filter(|place| "idsbntla".contains(*place))?;
    chars.next().is_some_and(|next| !next.is_alphanumeric()).then_some(place)
}

/// A message with its places filled.
fn filled(form: &'static str) -> BoxedStrategy<String> {
    let values: Vec<_> = form.split('@').skip(1).filter_map(place).map(value).collect();
    values
        .prop_map(move |values| {
            let mut values = values.into_iter();
            let mut parts = form.split('@');
            let mut message = parts.next().unwrap_or("").to_owned();
            for part in parts {
                if place(part).is_some() {
                    message += &values.next().unwrap_or_default();
                    message += &part[1..];
                } else {
                    message.push('@');
                    message += part;
                }
            }
            message
        })
        .boxed()
}

/// Bytes changed at random.
fn spoilt(message: String) -> BoxedStrategy<Vec<u8>> {
    let change =
        (any::<prop::sample::Index>(), 0..6_u8, proptest::sample::select(&b"\"\\,:{}[] 0-.e\xc3\x00xn1"[..]));
    proptest::collection::vec(change, 0..3)
        .prop_map(move |changes| {
            let mut data = message.clone().into_bytes();
            for (index, change, byte) in changes {
                if data.is_empty() {
                    break;
                }
                let at = index.index(data.len());
                match change {
                    0 => data[at] = byte,
                    1 => data.insert(at, byte),
                    2 => drop(data.remove(at)),
                    3 => data.truncate(at),
                    4 => data.push(byte),
                    _ => data.extend_from_within(at..),
                }
            }
            data
        })
        .boxed()
}

fn payloads(forms: &'static [&'static str]) -> impl Strategy<Value = Vec<(Vec<u8>, bool)>> {
    let message = proptest::sample::select(forms).prop_flat_map(filled);
    let payload =
        prop_oneof![3 => message.clone().prop_map(String::into_bytes), 1 => message.prop_flat_map(spoilt)];
    proptest::collection::vec((payload, any::<bool>()), 1..12)
}

type Outcome = (Result<u32, Refused>, Vec<Record>, Vec<(&'static str, u64)>, Vec<Quarantined>);

fn outcome(decoder: &mut Decoder, data: &[u8], room: usize) -> Outcome {
    let mut sink = Bounded::new(6, room);
    let before: Vec<_> = decoder.counters().named().collect();
    let result = decoder.decode(data, 7, Some("btcusdt@depth"), &mut sink);
    assert_eq!(sink.pending(), 0);
    let named = decoder.counters().named();
    let counts = named.zip(before).map(|((name, after), (_, before))| (name, after - before)).collect();
    (result, sink.inner.records().to_vec(), counts, decoder.quarantine().cloned().collect())
}

fn agree(plan: &FieldPlan, payloads: &[(Vec<u8>, bool)]) {
    let symbols = ["BTCUSDT", "ETHUSDT", "BTC/USD"];
    let mut learnt = knowing(plan, &symbols);
    for round in 0..2 {
        for (data, tight) in payloads {
            let room = if *tight && round == 1 { 2 } else { 6 };
            let mut fresh = knowing(plan, &symbols);
            let (result, records, counts, kept) = outcome(&mut learnt, data, room);
            let expected = outcome(&mut fresh, data, room);
            let text = data.escape_ascii();
            assert_eq!((&result, &counts), (&expected.0, &expected.2), "{text}");
            assert_eq!(records, expected.1, "{text}");
            assert!(kept.ends_with(&expected.3[..expected.3.len().min(kept.len())]), "{text}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn binance_messages(payloads in payloads(&BINANCE)) {
        agree(&binance(), &payloads);
    }

    #[test]
    fn alpaca_messages(payloads in payloads(&ALPACA)) {
        agree(&alpaca(), &payloads);
    }
}

/// Each payload twice, as those after the first meet what was learnt from it.
fn agree_on(plan: &FieldPlan, payloads: &[&str]) {
    let payloads: Vec<_> = payloads.iter().map(|text| (text.as_bytes().to_vec(), false)).collect();
    agree(plan, &payloads);
}

#[test]
fn the_stream_decides_between_shapes_of_one_event() {
    let book = r#"{"stream":"btcusdt@depth","data":{"e":"depthUpdate","E":1,"T":2,"s":"BTCUSDT","U":1,"u":2,"b":[["1","2"]],"a":[]}}"#;
    agree_on(
        &binance(),
        &[book, &book.replace("@depth", "@depth20"), &book.replace("@depth", "@depth20@100ms")],
    );
}

#[test]
fn a_wrapper_may_turn_up_where_there_was_none() {
    let trade = r#"{"e":"trade","E":1,"T":1,"s":"BTCUSDT","t":1,"p":"1","q":"1","m":true,"o":1}"#;
    agree_on(
        &binance(),
        &[trade, &trade.replace(":1}", r#":{"s":"A","s":"B"}}"#), &trade.replace(":1}", ":null}")],
    );
}

#[test]
fn values_that_take_turns() {
    let trade = r#"{"e":"trade","E":1,"T":2,"s":"BTCUSDT","t":1,"p":"1","q":"1","m":true,"st":1}"#;
    let variants = [
        ("\"T\":2", "\"T\":null"),
        ("\"st\":1", "\"st\":2"),
        ("\"st\":1", "\"st\":null"),
        ("\"E\":1", "\"E\":{}"),
    ];
    let variants = variants.map(|(from, to)| trade.replace(from, to));
    agree_on(&binance(), &[trade, &variants[0], &variants[1], &variants[2], &variants[3], trade]);
}

#[test]
fn header_values_behind_the_levels() {
    let book = r#"[{"T":"o","b":[{"p":1,"s":2},{"p":3,"s":0}],"a":[{"p":4,"s":5}],"t":"2024-07-24T07:56:00Z","S":"BTCUSDT"}]"#;
    agree_on(&alpaca(), &[book, &book.replace(":56:", ":57:"), &book.replace("BTCUSDT", "ETHUSDT")]);
}

#[test]
fn more_forms_than_templates_are_kept() {
    let forms: Vec<_> = (0..40)
        .map(|form| {
            format!(r#"{{"e":"trade","E":1,"T":2,"x{form}":0,"s":"BTCUSDT","t":1,"p":"1","q":"1","m":true}}"#)
        })
        .collect();
    let forms: Vec<_> = forms.iter().map(String::as_str).collect();
    agree_on(&binance(), &forms);
}
