//! RFC 8259, strictly: is this payload JSON, and where exactly is it not? Not for reading values out of it (`scan`).

use super::error::Reason;
use super::grammar::{DEEPEST, Fault};
use super::words;

const fn syntax(offset: usize) -> Fault {
    Fault { reason: Reason::Syntax, offset }
}

/// The byte at `at`; 0, which JSON has no use for outside strings, behind the end.
#[inline]
pub(super) fn byte(data: &[u8], at: usize) -> u8 {
    data.get(at).copied().unwrap_or(0)
}

/// The first offset from `at` on that holds no white space.
#[inline]
pub(super) fn skip_space(data: &[u8], mut at: usize) -> usize {
    while matches!(byte(data, at), b' ' | b'\t' | b'\n' | b'\r') {
        at += 1;
    }
    at
}

/// Checks the whole payload: one value, white space around it, nothing else.
pub(super) fn validate(data: &[u8]) -> Result<(), Fault> {
    let end = skip_space(data, value(data, skip_space(data, 0), DEEPEST)?);
    if end == data.len() { Ok(()) } else { Err(syntax(end)) }
}

/// The end of the value at `at`, which may go `deepest` levels deep.
pub(super) fn value(data: &[u8], mut at: usize, deepest: u32) -> Result<usize, Fault> {
    let mut depth: u32 = 0;
    // One bit a level, the lowest for the innermost: set for objects.
    let mut objects: u64 = 0;
    'value: loop {
        match byte(data, at) {
            bracket @ (b'{' | b'[') => {
                if depth == deepest {
                    return Err(Fault { reason: Reason::Nesting, offset: at });
                }
                depth += 1;
                objects = objects << 1 | u64::from(bracket == b'{');
                at = skip_space(data, at + 1);
                if byte(data, at) != bracket + 2 {
                    if bracket == b'{' {
                        at = key(data, at)?;
                    }
                    continue 'value;
                }
            }
            b'"' => at = string(data, at)?,
            b'-' | b'0'..=b'9' => at = number(data, at)?,
            b't' => at = word(data, at, b"true")?,
            b'f' => at = word(data, at, b"false")?,
            b'n' => at = word(data, at, b"null")?,
            _ => return Err(syntax(at)),
        }
        // Behind a value, or at the closing bracket of an empty container.
        loop {
            if depth == 0 {
                return Ok(at);
            }
            at = skip_space(data, at);
            let is_object = objects & 1 == 1;
            match byte(data, at) {
                b',' => {
                    at = skip_space(data, at + 1);
                    if is_object {
                        at = key(data, at)?;
                    }
                    continue 'value;
                }
                b'}' if is_object => {}
                b']' if !is_object => {}
                _ => return Err(syntax(at)),
            }
            depth -= 1;
            objects >>= 1;
            at += 1;
        }
    }
}

/// From a key to the value behind its colon.
fn key(data: &[u8], at: usize) -> Result<usize, Fault> {
    if byte(data, at) != b'"' {
        return Err(syntax(at));
    }
    let at = skip_space(data, string(data, at)?);
    if byte(data, at) != b':' {
        return Err(syntax(at));
    }
    Ok(skip_space(data, at + 1))
}

fn word(data: &[u8], at: usize, word: &[u8]) -> Result<usize, Fault> {
    if data[at..].starts_with(word) { Ok(at + word.len()) } else { Err(syntax(at)) }
}

/// The end of the longest number at `at`.
pub(super) fn number(data: &[u8], start: usize) -> Result<usize, Fault> {
    let digits = |mut at: usize| {
        while byte(data, at).is_ascii_digit() {
            at += 1;
        }
        at
    };
    let first = start + usize::from(byte(data, start) == b'-');
    let mut at = match byte(data, first) {
        b'0' => first + 1,
        b'1'..=b'9' => digits(first),
        _ => return Err(syntax(start)),
    };
    if byte(data, at) == b'.' {
        let end = digits(at + 1);
        if end == at + 1 {
            return Err(syntax(at));
        }
        at = end;
    }
    if matches!(byte(data, at), b'e' | b'E') {
        let from = at + 1 + usize::from(matches!(byte(data, at + 1), b'+' | b'-'));
        let end = digits(from);
        if end == from {
            return Err(syntax(at));
        }
        at = end;
    }
    Ok(at)
}

/// The offset behind the closing quote of the string that opens at `at`.
fn string(data: &[u8], at: usize) -> Result<usize, Fault> {
    let mut at = at + 1;
    if let Some(length) = words::quote(&data[at..]) {
        return Ok(at + length + 1);
    }
    loop {
        match data.get(at) {
            None => return Err(syntax(data.len())),
            Some(b'"') => return Ok(at + 1),
            Some(b'\\') => at += escape(data, at)?,
            Some(..0x20) => return Err(syntax(at)),
            Some(..0x80) => at += 1,
            Some(_) => at += sequence(data, at)?,
        }
    }
}

/// The length of the escape at `at`; a surrogate must be one of a pair.
fn escape(data: &[u8], at: usize) -> Result<usize, Fault> {
    match byte(data, at + 1) {
        b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Ok(2),
        b'u' => match unit(data, at).ok_or(syntax(at))? {
            0xD800..0xDC00 if byte(data, at + 6) == b'\\' => match unit(data, at + 6) {
                Some(0xDC00..0xE000) => Ok(12),
                _ => Err(Fault { reason: Reason::Utf8, offset: at }),
            },
            0xD800..0xE000 => Err(Fault { reason: Reason::Utf8, offset: at }),
            _ => Ok(6),
        },
        _ => Err(syntax(at)),
    }
}

/// The code unit of the `\uXXXX` at `at`.
pub(super) fn unit(data: &[u8], at: usize) -> Option<u16> {
    let digits = data.get(at + 2..at + 6)?;
    if byte(data, at + 1) != b'u' {
        return None;
    }
    let mut value = 0;
    for &digit in digits {
        value = value << 4 | char::from(digit).to_digit(16)? as u16;
    }
    Some(value)
}

/// The length of the UTF-8 sequence of two or more bytes at `at`.
fn sequence(data: &[u8], at: usize) -> Result<usize, Fault> {
    let longest = &data[at..data.len().min(at + 4)];
    let whole = match std::str::from_utf8(longest) {
        Ok(text) => text.len(),
        Err(error) => error.valid_up_to(),
    };
    let first = std::str::from_utf8(&longest[..whole]).ok().and_then(|text| text.chars().next());
    first.map(char::len_utf8).ok_or(Fault { reason: Reason::Utf8, offset: at })
}

#[cfg(test)]
mod tests {
    use super::{Fault, Reason, validate};

    fn fault(data: &[u8]) -> (Reason, usize) {
        let Fault { reason, offset } = validate(data).expect_err(&String::from_utf8_lossy(data));
        (reason, offset)
    }

    #[test]
    fn json_is_accepted() {
        for good in [
            "{}",
            " [ ] ",
            "\t{\"a\" : [1 , -0.5e+10, true,false , null, \"\"] }\r\n",
            "3",
            "\"x\"",
            "0",
            "-0",
            "1E400",
            r#""\"\\\/\b\f\n\r\t\u0041\ud83d\uDE00""#,
            "\"\u{7f}\u{80}\u{10ffff}\"",
            "[[],{},[{}]]",
            "{\"\":0,\"\":1}",
        ] {
            assert_eq!(validate(good.as_bytes()), Ok(()), "{good}");
        }
    }

    #[test]
    fn the_first_impossible_byte_is_named() {
        for (bad, offset) in [
            ("", 0),
            ("  ", 2),
            ("{", 1),
            ("{\"a\"", 4),
            ("{\"a\":", 5),
            ("{\"a\":1", 6),
            ("{\"a\":1,", 7),
            ("[1,]", 3),
            ("{\"a\":1,}", 7),
            ("{,}", 1),
            ("[,1]", 1),
            ("[1 2]", 3),
            ("{\"a\" 1}", 5),
            ("{a:1}", 1),
            ("{'a':1}", 1),
            ("[1}", 2),
            ("{\"a\":1]", 6),
            ("]", 0),
            ("{} x", 3),
            ("{}{}", 2),
            ("tru", 0),
            ("truex", 4),
            ("nul", 0),
            ("NaN", 0),
            ("-Infinity", 0),
            ("01", 1),
            ("-01", 2),
            ("1.", 1),
            ("1.x", 1),
            ("1e", 1),
            ("1e+", 1),
            ("-", 0),
            ("+1", 0),
            (".5", 0),
            ("[1.5.2]", 4),
            ("\"abc", 4),
            ("\"a\nb\"", 2),
            ("\"a\u{0}\"", 2),
            ("\"\\x\"", 1),
            ("\"\\u12G4\"", 1),
            ("\"\\", 1),
            ("\u{feff}{}", 0),
            ("{\"a\":1}\u{0}", 7),
            ("[\u{e9}]", 1),
            ("/**/{}", 0),
        ] {
            assert_eq!(fault(bad.as_bytes()), (Reason::Syntax, offset), "{bad:?}");
        }
    }

    #[test]
    fn text_must_be_unicode() {
        for (bad, offset) in [
            (&b"\"\xff\""[..], 1),
            (b"\"a\xc3\"", 2),
            (b"\"\xc0\x80\"", 1),
            (b"\"\xed\xa0\x80\"", 1),
            (b"\"\xe2\x82", 1),
            (b"\"\xf4\x90\x80\x80\"", 1),
            (b"\"\xc3\xa9\x80\"", 3),
            (br#""\ud800""#, 1),
            (br#""x\udc00""#, 2),
            (br#""\ud800A""#, 1),
            (br#""\ud800\u0041""#, 1),
            (br#""\ud800\ud800\udc00""#, 1),
            (br#""\ud800\n""#, 1),
        ] {
            assert_eq!(fault(bad), (Reason::Utf8, offset), "{}", bad.escape_ascii());
        }
    }

    #[test]
    fn depth_ends_at_64() {
        let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        assert_eq!(validate(nested(64).as_bytes()), Ok(()));
        assert_eq!(fault(nested(65).as_bytes()), (Reason::Nesting, 64));
        assert_eq!(fault("{\"a\":".repeat(65).as_bytes()), (Reason::Nesting, 64 * 5));
        assert_eq!(fault("[".repeat(100_000).as_bytes()), (Reason::Nesting, 64));
    }
}
