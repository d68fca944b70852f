//! Numeric text in a trade's price: the strict grammar, and the same float as the standard library's parser.
#![no_main]

use std::sync::{Arc, RwLock};

use libfuzzer_sys::fuzz_target;
use tradewire_core::decode::{Decoder, Refused};
use tradewire_core::sink::VecSink;
use tradewire_core::symbols::SymbolTable;

#[allow(dead_code, reason = "one of its plans is enough here")]
#[path = "../../tests/decode/plans.rs"]
mod plans;

/// `-?(0|[1-9][0-9]*)(\.[0-9]+)?`, for a JSON number also `([eE][+-]?[0-9]+)?` with an exponent within 30.
fn follows_the_grammar(text: &str, is_string: bool) -> bool {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (number, exponent) = match unsigned.find(['e', 'E']) {
        Some(at) if !is_string => (&unsigned[..at], Some(&unsigned[at + 1..])),
        _ => (unsigned, None),
    };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, fraction) =
        number.split_once('.').map_or((number, None), |(whole, rest)| (whole, Some(rest)));
    let exponent_fits = exponent.is_none_or(|written| {
        let unsigned = written.strip_prefix(['+', '-']).unwrap_or(written);
        digits(unsigned) && unsigned.parse::<u32>().is_ok_and(|value| value <= 30)
    });
    text.len() <= 40
        && digits(whole)
        && (whole == "0" || !whole.starts_with('0'))
        && fraction.is_none_or(digits)
        && exponent_fits
}

fuzz_target!(|data: &[u8]| {
    let [choice, text @ ..] = data else { return };
    // Other bytes would be another payload, not another number.
    let Ok(text) = std::str::from_utf8(text) else { return };
    if !text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte)) || text.is_empty() {
        return;
    }
    let is_string = choice & 1 == 0;
    let quote = if is_string { "\"" } else { "" };
    let payload = format!(
        r#"{{"e":"aggTrade","s":"X","a":1,"p":{quote}{text}{quote},"q":"1","m":true,"T":1,"E":1,"f":1,"l":1}}"#
    );
    let symbols = Arc::new(RwLock::new(SymbolTable::new(8)));
    let mut decoder = Decoder::new(&plans::binance(), symbols, true).expect("the plan is sound");
    let mut sink = VecSink::default();
    match decoder.decode(payload.as_bytes(), 0, None, &mut sink) {
        Ok(_) => {
            let price = sink.records()[0].slots[0].as_f64();
            assert!(follows_the_grammar(text, is_string), "{text} was taken for {price}");
            assert_eq!(Ok(price), text.parse());
            assert!(price > 0.0);
        }
        Err(Refused::Error(_)) => {
            let positive = text.parse::<f64>().is_ok_and(|value| value > 0.0);
            assert!(!(follows_the_grammar(text, is_string) && positive), "{text} was refused");
        }
        Err(Refused::Full) => panic!("a vector is never full"),
    }
});
