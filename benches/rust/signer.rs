//! 200 bytes signed, and a whole order query of eleven parameters.
#![allow(missing_docs, reason = "criterion_group! makes undocumented functions")]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use tradewire_core::signer::{Query, Signer, Value};

/// RFC 8032, section 7.1, test 1.
const PEM: &str = "-----BEGIN PRIVATE KEY-----\n\
    MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n\
    -----END PRIVATE KEY-----\n";

const ORDER: [(&str, Value<'_>); 11] = [
    ("symbol", Value::Text("BTCUSDT")),
    ("side", Value::Text("BUY")),
    ("type", Value::Text("LIMIT")),
    ("timeInForce", Value::Text("GTC")),
    ("quantity", Value::Text("0.120")),
    ("price", Value::Text("97015.10")),
    ("newClientOrderId", Value::Text("x-Cb7ytekJ012345678901")),
    ("positionSide", Value::Text("BOTH")),
    ("newOrderRespType", Value::Text("RESULT")),
    ("recvWindow", Value::Integer(5000)),
    ("timestamp", Value::Integer(1_732_000_000_123)),
];

fn sign(criterion: &mut Criterion) {
    let signers = [
        Signer::hmac(b"NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j"),
        Signer::ed25519(PEM),
    ];
    for signer in signers.map(|made| made.expect("a valid key")) {
        let name = signer.algorithm();
        criterion.bench_function(&format!("signer/{name}, 200 bytes"), |bencher| {
            bencher.iter(|| signer.sign(black_box(&[b'a'; 200])));
        });
        criterion.bench_function(&format!("signer/{name}, order query"), |bencher| {
            bencher.iter(|| {
                let mut query = Query::encoded();
                for (name, value) in black_box(&ORDER) {
                    query.push(name, *value).expect("finite");
                }
                query.signed(&signer)
            });
        });
    }
}

criterion_group!(benches, sign);
criterion_main!(benches);
