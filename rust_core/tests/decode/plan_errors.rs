//! Plans that make no sense are refused with a text that names shape and field.

use std::sync::{Arc, RwLock};

use tradewire_core::decode::Decoder;
use tradewire_core::decode::plan::{Codec, FieldPlan, Target};
use tradewire_core::record::Kind;
use tradewire_core::symbols::SymbolTable;

use crate::plans::binance;

#[test]
fn each_mistake_is_named() {
    type Spoil = fn(&mut FieldPlan);
    let cases: [(Spoil, &str); 17] = [
        (|plan| plan.shapes.clear(), "1..1000 shapes"),
        (|plan| plan.venue.clear(), "venue must be 1..64 bytes long, was 0"),
        (|plan| plan.dispatch = Some("a.b".to_owned()), "dispatch key \"a.b\""),
        (|plan| plan.dispatch = None, "shape 0 (trades): value needs a plan with a dispatch key"),
        (|plan| plan.envelope = Some(("x".to_owned(), "x".to_owned())), "envelope keys"),
        (|plan| plan.stream_name = None, "shape 4 (book): stream needs a plan with a stream_name"),
        (
            |plan| plan.shapes[0].fields[3].key = "a.b.c".to_owned(),
            "field \"a.b.c\": key \"a.b.c\" goes deeper",
        ),
        (
            |plan| plan.shapes[0].fields[3].codec = Codec::Integer,
            "field \"p\": a decimal slot takes codec decimal",
        ),
        (|plan| plan.shapes[0].fields[2].codec = Codec::Decimal, "field \"a\": an integer slot"),
        (
            |plan| plan.shapes[0].fields[0].codec = Codec::Integer,
            "field \"s\": target symbol takes codec symbol",
        ),
        (
            |plan| plan.shapes[0].fields[6].codec = Codec::Timestamp,
            "field \"T\": codec timestamp is MessagePack's",
        ),
        (|plan| plan.shapes[0].fields[5].codes.clear(), "field \"m\": codes go with codec code"),
        (|plan| plan.shapes[0].fields[5].codes[0].1 = 2, "field \"m\": codes of a flag are 0 and 1"),
        (|plan| plan.shapes[0].fields[5].target = Target::Closed, "field \"m\": Trade is never closed"),
        (
            |plan| plan.shapes[0].fields[3].target = Target::Slot { part: 1, index: 0, integer: false },
            "field \"p\": Trade has no such slot (record 1, slot 0)",
        ),
        (|plan| plan.shapes[5].levels.clear(), "shape 5 (book): a book message needs levels"),
        (|plan| plan.shapes[5].levels[1].ask = false, "levels \"a\": that side is given twice"),
    ];
    for (spoil, text) in cases {
        let mut plan = binance();
        spoil(&mut plan);
        let error = Decoder::new(&plan, Arc::new(RwLock::new(SymbolTable::new(10))), true).unwrap_err();
        assert!(error.contains(text), "{error:?} should hold {text:?}");
    }
}

#[test]
fn a_message_needs_a_symbol() {
    let mut plan = binance();
    plan.stream_name = None;
    plan.shapes.retain(|shape| shape.stream.is_empty() && shape.kind != Kind::BookSnapshot);
    assert!(Decoder::new(&plan, Arc::new(RwLock::new(SymbolTable::new(10))), true).is_ok());
    plan.shapes[0].fields.remove(0);
    let error = Decoder::new(&plan, Arc::new(RwLock::new(SymbolTable::new(10))), true).unwrap_err();
    assert!(error.contains("shape 0 (trades): no symbol"), "{error}");
}
