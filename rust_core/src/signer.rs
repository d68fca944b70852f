//! Signs requests with HMAC-SHA256 or Ed25519. Builds query strings too, as what is signed must be what is sent; knows
//! nothing of any venue. Keys are wiped when dropped and never shown.

mod query;

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::pkcs8::DecodePrivateKey;
use ed25519_dalek::{Signer as _, SigningKey};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

pub use query::{NotFinite, Query, Value};

/// Base64 of 64 bytes; hex of 32 is shorter.
const LONGEST: usize = 88;

/// A key, ready to sign.
pub struct Signer {
    key: Key,
}

enum Key {
    /// With the key's two blocks hashed already: each signature starts from a copy.
    Hmac(Hmac<Sha256>),
    Ed25519(Box<SigningKey>),
}

/// A signature as the venues write it.
#[derive(Clone, Copy)]
pub struct Signature {
    text: [u8; LONGEST],
    length: usize,
}

/// Why there is no signer. Says nothing about the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyError {
    /// An empty secret.
    Empty,
    /// Not an unencrypted Ed25519 key in PKCS#8 PEM.
    Pem,
}

impl Signer {
    /// HMAC-SHA256.
    pub fn hmac(secret: &[u8]) -> Result<Self, KeyError> {
        if secret.is_empty() {
            return Err(KeyError::Empty);
        }
        let key = Hmac::new_from_slice(secret).map_err(|_| KeyError::Empty)?;
        Ok(Self { key: Key::Hmac(key) })
    }

    /// Ed25519, from an unencrypted PKCS#8 PEM.
    pub fn ed25519(pem: &str) -> Result<Self, KeyError> {
        let key = SigningKey::from_pkcs8_pem(pem).map_err(|_| KeyError::Pem)?;
        Ok(Self { key: Key::Ed25519(Box::new(key)) })
    }

    /// `"hmac-sha256"` or `"ed25519"`.
    pub fn algorithm(&self) -> &'static str {
        match self.key {
            Key::Hmac(_) => "hmac-sha256",
            Key::Ed25519(_) => "ed25519",
        }
    }

    /// Lower-case hex (HMAC) or base64 (Ed25519).
    pub fn sign(&self, payload: &[u8]) -> Signature {
        let mut text = [0; LONGEST];
        let length = match &self.key {
            Key::Hmac(key) => {
                let mut mac = key.clone();
                mac.update(payload);
                write_hex(&mac.finalize().into_bytes(), &mut text);
                64
            }
            Key::Ed25519(key) => STANDARD
                .encode_slice(key.sign(payload).to_bytes(), &mut text)
                .expect("Invariant: 64 bytes are 88 digits of base64"),
        };
        Signature { text, length }
    }
}

fn write_hex(bytes: &[u8], text: &mut [u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for (pair, byte) in text.chunks_exact_mut(2).zip(bytes) {
        pair[0] = DIGITS[usize::from(byte >> 4)];
        pair[1] = DIGITS[usize::from(byte & 15)];
    }
}

impl Signature {
    /// The text; ASCII.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.text[..self.length]).expect("Invariant: hex and base64 are ASCII")
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signer({})", self.algorithm())
    }
}

#[cfg(test)]
mod tests;
