//! Request parameters as they were sent (RFC 6749 appendix B, section 3.1).
//!
//! A parameter that is doubled, empty, oversized, not UTF-8 or holds U+0000 is *data*: it is kept until
//! somebody asks for it by name, and only then does it become an error, reported in the right place.
//! Parameters nobody asks for stay unread, so unknown ones are ignored whatever they hold.

use serde::{Deserialize, Serialize};

/// Most parameters of one request; more are a flaw of the whole request.
pub const MAX_PARAMS: usize = 64;

/// Longest value of a parameter without a tighter limit of its own, in bytes.
pub const MAX_VALUE: usize = 4096;

/// Longest JWT taken from a request (`id_token_hint`, `token`), in bytes.
pub const MAX_TOKEN: usize = 16 * 1024;

/// A multimap in the order of the wire.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct Params {
    pairs: Vec<(Vec<u8>, Vec<u8>)>,
}

/// What is wrong with a parameter that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// Sent more than once.
    Repeated,
    /// Not UTF-8 after percent-decoding.
    NotUtf8,
    /// Holds U+0000.
    HasNul,
    /// Longer than its limit.
    TooLong,
}

/// A flawed parameter and its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadParam {
    /// Which.
    pub name: &'static str,
    /// Why.
    pub flaw: Flaw,
}

impl Params {
    /// Reads `application/x-www-form-urlencoded` bytes: a query or a body. Never fails.
    pub fn parse(encoded: &[u8]) -> Self {
        let pairs = encoded
            .split(|byte| *byte == b'&')
            .filter(|piece| !piece.is_empty())
            .map(|piece| {
                let mut halves = piece.splitn(2, |byte| *byte == b'=');
                (form_decode(halves.next().unwrap_or_default()), form_decode(halves.next().unwrap_or_default()))
            })
            .collect();
        Self { pairs }
    }

    /// From names and values already decoded.
    pub fn from_pairs<N: Into<String>, V: Into<String>>(pairs: impl IntoIterator<Item = (N, V)>) -> Self {
        let pairs = pairs.into_iter().map(|(n, v)| (n.into().into_bytes(), v.into().into_bytes())).collect();
        Self { pairs }
    }

    /// The one value of a parameter, at most [`MAX_VALUE`] bytes.
    pub fn one(&self, name: &'static str) -> Result<Option<&str>, BadParam> {
        self.one_within(name, MAX_VALUE)
    }

    /// The one value of a parameter, at most `limit` bytes.
    //= RFC6749#3.1
    pub fn one_within(&self, name: &'static str, limit: usize) -> Result<Option<&str>, BadParam> {
        let bad = |flaw| BadParam { name, flaw };
        let mut values = self.pairs.iter().filter(|(n, _)| n == name.as_bytes()).map(|(_, v)| v);
        let Some(value) = values.next() else { return Ok(None) };
        if values.next().is_some() {
            return Err(bad(Flaw::Repeated));
        }
        if value.len() > limit {
            return Err(bad(Flaw::TooLong));
        }
        let text = str::from_utf8(value).map_err(|_| bad(Flaw::NotUtf8))?;
        if text.contains('\0') {
            return Err(bad(Flaw::HasNul));
        }
        // Sent without a value is the same as not sent.
        Ok(Some(text).filter(|text| !text.is_empty()))
    }

    /// Whether the name was sent at all, with or without a value.
    pub fn has(&self, name: &str) -> bool {
        self.pairs.iter().any(|(n, _)| n == name.as_bytes())
    }

    /// The parameters of these names, as they were sent; what nobody asks for is left out.
    #[must_use]
    pub fn only(&self, names: &[&str]) -> Self {
        let asked_for = |name: &[u8]| names.iter().any(|known| known.as_bytes() == name);
        Self { pairs: self.pairs.iter().filter(|(name, _)| asked_for(name)).cloned().collect() }
    }

    /// How many parameters were sent.
    pub fn count(&self) -> usize {
        self.pairs.len()
    }

    /// As sent, encoded again; parses back to the same parameters.
    pub fn encode(&self) -> String {
        let mut encoded = String::new();
        for (name, value) in &self.pairs {
            if !encoded.is_empty() {
                encoded.push('&');
            }
            form_encode_into(&mut encoded, name);
            encoded.push('=');
            form_encode_into(&mut encoded, value);
        }
        encoded
    }
}

impl From<String> for Params {
    fn from(encoded: String) -> Self {
        Self::parse(encoded.as_bytes())
    }
}

impl From<Params> for String {
    fn from(params: Params) -> Self {
        params.encode()
    }
}

/// Percent-decoding with `+` as space (RFC 6749 appendix B). A broken escape stays as it is.
pub(super) fn form_decode(encoded: &[u8]) -> Vec<u8> {
    let hex = |byte: Option<&u8>| byte.and_then(|b| char::from(*b).to_digit(16)).and_then(|d| u8::try_from(d).ok());
    let mut decoded = Vec::with_capacity(encoded.len());
    let mut rest = encoded;
    while let Some((first, tail)) = rest.split_first() {
        rest = tail;
        match (*first, hex(tail.first()), hex(tail.get(1))) {
            (b'+', _, _) => decoded.push(b' '),
            (b'%', Some(high), Some(low)) => {
                decoded.push(high * 16 + low);
                rest = tail.get(2..).unwrap_or_default();
            }
            (byte, _, _) => decoded.push(byte),
        }
    }
    decoded
}

/// Appends a value in form encoding.
pub(super) fn form_encode_into(encoded: &mut String, value: &[u8]) {
    for piece in url::form_urlencoded::byte_serialize(value) {
        encoded.push_str(piece);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    //= RFC6749#3.1 test
    #[test]
    fn what_nobody_asks_for_is_left_out_and_flaws_stay() {
        let sent = Params::parse(b"state=a&x=1&state=%ff&y");
        assert_eq!(sent.only(&["state", "scope"]).encode(), "state=a&state=%FF");
    }

    #[test]
    fn flaws_are_reported_when_asked_for_and_only_then() {
        let rows: &[(&str, Result<Option<&str>, Flaw>)] = &[
            ("", Ok(None)),
            ("x=1", Ok(None)),
            ("state", Ok(None)),
            ("state=", Ok(None)),
            ("state=a", Ok(Some("a"))),
            ("state=a+b%20c", Ok(Some("a b c"))),
            ("state=%C3%A9", Ok(Some("é"))),
            ("state=%zz%4", Ok(Some("%zz%4"))),
            ("state=a=b", Ok(Some("a=b"))),
            ("%73tate=a", Ok(Some("a"))),
            ("state=a&state=a", Err(Flaw::Repeated)),
            ("state=&state=a", Err(Flaw::Repeated)),
            ("state=%00", Err(Flaw::HasNul)),
            ("state=%ff", Err(Flaw::NotUtf8)),
            ("x=%ff&x=%00&x", Ok(None)),
            ("STATE=a", Ok(None)),
        ];
        for (sent, expected) in rows {
            let params = Params::parse(sent.as_bytes());
            assert_eq!(params.one("state").map_err(|bad| bad.flaw), *expected, "{sent}");
        }
        let long = Params::from_pairs([("state", "a".repeat(MAX_VALUE + 1))]);
        assert_eq!(long.one("state"), Err(BadParam { name: "state", flaw: Flaw::TooLong }));
    }

    //= BSSN4-2021#4.a test
    proptest! {
        #[test]
        fn what_is_encoded_parses_back(sent in proptest::collection::vec(any::<u8>(), 0..200)) {
            let params = Params::parse(&sent);
            prop_assert_eq!(Params::parse(params.encode().as_bytes()), params);
        }
    }
}
