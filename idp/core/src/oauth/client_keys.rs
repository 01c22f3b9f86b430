//! The public keys a client proves itself by (RFC 7517, RFC 8037 section 2, OpenID Connect Core section 10.1):
//! registered as a set, or as the address of one.
//!
//! A key has one algorithm (RFC 8725 section 3.1): elliptic ones by their curve, an RSA key by its own `alg`. What
//! an operator registers is judged strictly and whole; of what a client publishes at its address, keys that are not
//! for signatures or not of our kinds are passed over. Our own public keys are read by the same rules: whoever makes
//! them stricter looks at what deployments have stored. Whether a signature is a key's is asked elsewhere.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value, json};
use thiserror::Error;

use crate::oauth::SignatureAlg;

/// Most keys of one set: one that signs, one to come, and room for a careless client.
const MAX_KEYS: usize = 20;
const MAX_KID: usize = 128;
const MIN_RSA_BITS: usize = 2048;
const MAX_RSA_BITS: usize = 8192;

/// Where the keys of a client are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientKeys {
    /// Registered with it (`jwks`).
    Inline(KeySet),
    /// Published by it (`jwks_uri`).
    At(String),
}

/// Public keys, parsed once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeySet(Vec<PublicKey>);

/// One public key and the one algorithm it is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    /// `kid`.
    pub id: Option<String>,
    /// What it verifies, and nothing else.
    pub alg: SignatureAlg,
    /// Its numbers, big-endian.
    pub material: Material,
}

/// The numbers of a public key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Material {
    /// A point of P-256.
    P256 {
        /// 32 bytes.
        x: Vec<u8>,
        /// 32 bytes.
        y: Vec<u8>,
    },
    /// An RSA key; the exponent is 65537.
    Rsa {
        /// 2048 to 8192 bits, without leading zeros.
        n: Vec<u8>,
    },
    /// An Ed25519 key, 32 bytes.
    Ed25519(Vec<u8>),
}

/// Why a set is not registered. A sentence for the person who registers.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum KeySetFlaw {
    /// Not `{"keys": […]}`.
    #[error("no JSON Web Key Set: an object with \"keys\", a list of keys, is expected")]
    NotASet,
    /// Nothing to verify with.
    #[error("the set holds no key for signatures")]
    Empty,
    /// More than anybody needs.
    #[error("the set holds more than {} keys", MAX_KEYS)]
    TooMany,
    /// Several keys, and one of them without a name.
    #[error("where there are several keys each needs a kid")]
    Unnamed,
    /// Two keys of one name.
    #[error("two keys have the kid \"{0}\"")]
    SameName(String),
    /// One key is no good.
    #[error("key {0} {1}")]
    Key(String, KeyFlaw),
}

/// What is wrong with one key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum KeyFlaw {
    /// No object, or a member is missing, of another type or not base64url.
    #[error("is malformed")]
    Malformed,
    /// The secret half.
    #[error("holds private key material: register the public half only, and replace this key, since it was shown")]
    Private,
    /// `use` or `key_ops` say so.
    #[error("is not for signatures (use must be sig, key_ops must hold verify)")]
    NotForSignatures,
    /// Another kind of key, curve or algorithm.
    #[error("is of no supported kind: EC P-256 (ES256), OKP Ed25519 (EdDSA), or RSA with alg RS256 or PS256")]
    Unsupported,
    /// RSA keys serve two of our algorithms; one key has one.
    #[error("must say its alg: RS256 or PS256")]
    WithoutAlg,
    /// Below 2048 bits, above 8192, or another exponent.
    #[error("is a weak RSA key: 2048 to 8192 bits with exponent 65537 are accepted")]
    WeakRsa,
    /// A name nobody should have to look at.
    #[error("has a kid that is empty, too long or holds control characters")]
    Name,
}

impl KeySet {
    /// A set as registered: every key must be good.
    //= RFC7517#5
    pub fn registered(text: &[u8]) -> Result<Self, KeySetFlaw> {
        let listed = listed(text)?;
        let mut keys: Vec<PublicKey> = Vec::with_capacity(listed.len());
        for (number, jwk) in (1..).zip(&listed) {
            let named = jwk.get("kid").and_then(Value::as_str).filter(|kid| is_name(kid));
            let shown = named.map_or_else(|| format!("number {number}"), |kid| format!("\"{kid}\""));
            let key = PublicKey::from_jwk(jwk).map_err(|flaw| KeySetFlaw::Key(shown, flaw))?;
            if key.id.is_some() && keys.iter().any(|known| known.id == key.id) {
                return Err(KeySetFlaw::SameName(key.id.unwrap_or_default()));
            }
            keys.push(key);
        }
        if keys.len() > 1 && keys.iter().any(|key| key.id.is_none()) {
            return Err(KeySetFlaw::Unnamed);
        }
        if keys.is_empty() { Err(KeySetFlaw::Empty) } else { Ok(Self(keys)) }
    }

    /// A set as a client publishes it: what is not for us is passed over (RFC 7517 section 5). One without any
    /// key is an answer too: the client withdrew them.
    //= RFC7517#5
    pub fn published(body: &[u8]) -> Result<Self, KeySetFlaw> {
        Ok(Self(listed(body)?.iter().filter_map(|jwk| PublicKey::from_jwk(jwk).ok()).collect()))
    }

    /// The key of this name for this algorithm; where no name is given, the only one for it.
    //= RFC8725#3.1
    pub fn find(&self, kid: Option<&str>, alg: SignatureAlg) -> Option<&PublicKey> {
        let named = |key: &&PublicKey| kid.is_none() || key.id.as_deref() == kid;
        let mut fitting = self.0.iter().filter(named).filter(|key| key.alg == alg);
        fitting.next().filter(|_| fitting.next().is_none())
    }

    /// The keys.
    pub fn keys(&self) -> &[PublicKey] {
        &self.0
    }

    /// The set as JSON, with the members we use.
    pub fn to_json(&self) -> Value {
        json!({"keys": self.0.iter().map(PublicKey::to_json).collect::<Vec<_>>()})
    }
}

fn listed(text: &[u8]) -> Result<Vec<Value>, KeySetFlaw> {
    let mut set: Map<String, Value> = serde_json::from_slice(text).map_err(|_| KeySetFlaw::NotASet)?;
    match set.remove("keys") {
        Some(Value::Array(listed)) if listed.len() > MAX_KEYS => Err(KeySetFlaw::TooMany),
        Some(Value::Array(listed)) => Ok(listed),
        _ => Err(KeySetFlaw::NotASet),
    }
}

impl PublicKey {
    /// One key of a set (RFC 7517 section 4). Whether its numbers are a point of the curve is not asked.
    pub fn from_jwk(jwk: &Value) -> Result<Self, KeyFlaw> {
        let jwk = jwk.as_object().ok_or(KeyFlaw::Malformed)?;
        if ["d", "p", "q", "dp", "dq", "qi", "oth", "k"].iter().any(|secret| jwk.contains_key(*secret)) {
            return Err(KeyFlaw::Private);
        }
        let can_verify = |ops: &Value| ops.as_array().is_some_and(|ops| ops.iter().any(|op| op == "verify"));
        if jwk.get("use").is_some_and(|it| it != "sig") || jwk.get("key_ops").is_some_and(|ops| !can_verify(ops)) {
            return Err(KeyFlaw::NotForSignatures);
        }
        let id = match jwk.get("kid") {
            None => None,
            Some(Value::String(kid)) if is_name(kid) => Some(kid.clone()),
            Some(_) => return Err(KeyFlaw::Name),
        };
        let (alg, material) = material(jwk)?;
        Ok(Self { id, alg, material })
    }

    fn to_json(&self) -> Value {
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let mut jwk = match &self.material {
            Material::P256 { x, y } => json!({"kty": "EC", "crv": "P-256", "x": text(x), "y": text(y)}),
            Material::Rsa { n } => json!({"kty": "RSA", "n": text(n), "e": "AQAB"}),
            Material::Ed25519(x) => json!({"kty": "OKP", "crv": "Ed25519", "x": text(x)}),
        };
        if let Some(members) = jwk.as_object_mut() {
            members.insert("alg".to_owned(), self.alg.as_str().into());
            members.extend(self.id.iter().map(|kid| ("kid".to_owned(), kid.clone().into())));
        }
        jwk
    }
}

fn is_name(kid: &str) -> bool {
    !kid.is_empty() && kid.len() <= MAX_KID && !kid.chars().any(char::is_control)
}

//= RFC8037#2
fn material(jwk: &Map<String, Value>) -> Result<(SignatureAlg, Material), KeyFlaw> {
    let word = |name: &str| jwk.get(name).map(|value| value.as_str().ok_or(KeyFlaw::Malformed)).transpose();
    let bytes = |name: &str| {
        let encoded = word(name)?.ok_or(KeyFlaw::Malformed)?;
        URL_SAFE_NO_PAD.decode(encoded).map_err(|_| KeyFlaw::Malformed)
    };
    let whole = |name: &str| bytes(name).and_then(|it| if it.len() == 32 { Ok(it) } else { Err(KeyFlaw::Malformed) });
    match (word("kty")?, word("crv")?, word("alg")?) {
        (Some("EC"), Some("P-256"), None | Some("ES256")) => {
            Ok((SignatureAlg::Es256, Material::P256 { x: whole("x")?, y: whole("y")? }))
        }
        (Some("OKP"), Some("Ed25519"), None | Some("EdDSA")) => {
            Ok((SignatureAlg::EdDsa, Material::Ed25519(whole("x")?)))
        }
        (Some("RSA"), _, Some("RS256")) => Ok((SignatureAlg::Rs256, rsa(&bytes("n")?, &bytes("e")?)?)),
        (Some("RSA"), _, Some("PS256")) => Ok((SignatureAlg::Ps256, rsa(&bytes("n")?, &bytes("e")?)?)),
        (Some("RSA"), _, None) => Err(KeyFlaw::WithoutAlg),
        (None, ..) => Err(KeyFlaw::Malformed),
        _ => Err(KeyFlaw::Unsupported),
    }
}

fn rsa(modulus: &[u8], exponent: &[u8]) -> Result<Material, KeyFlaw> {
    let number = |bytes: &[u8]| bytes.iter().copied().skip_while(|byte| *byte == 0).collect::<Vec<u8>>();
    let n = number(modulus);
    let unused = n.first().map_or(0, |first| first.leading_zeros() as usize);
    let bits = n.len() * 8 - unused;
    if !(MIN_RSA_BITS..=MAX_RSA_BITS).contains(&bits) || number(exponent) != [1, 0, 1] {
        return Err(KeyFlaw::WeakRsa);
    }
    Ok(Material::Rsa { n })
}

#[cfg(test)]
mod tests {
    use super::*;

    const X: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";

    fn n(bytes: usize) -> String {
        URL_SAFE_NO_PAD.encode(vec![0x81; bytes])
    }

    fn set(keys: &Value) -> Result<KeySet, KeySetFlaw> {
        KeySet::registered(json!({"keys": keys}).to_string().as_bytes())
    }

    //= RFC7517#5 test
    //= RFC8037#2 test
    #[test]
    fn what_is_registered_comes_back_as_it_was() {
        let keys = json!([
            {"kty": "EC", "crv": "P-256", "x": X, "y": X, "kid": "a", "use": "sig", "key_ops": ["verify"], "x5t": "u"},
            {"kty": "OKP", "crv": "Ed25519", "x": X, "kid": "b"},
            {"kty": "RSA", "n": n(256), "e": "AQAB", "alg": "PS256", "kid": "c"},
            {"kty": "RSA", "n": format!("AA{}", n(256)), "e": "AAEAAQ", "alg": "RS256", "kid": "d"},
        ]);
        let read = set(&keys).unwrap_or_else(|flaw| panic!("{flaw}"));
        let algs: Vec<_> = read.keys().iter().map(|key| key.alg.as_str()).collect();
        assert_eq!(algs, ["ES256", "EdDSA", "PS256", "RS256"]);
        assert_eq!(KeySet::registered(read.to_json().to_string().as_bytes()), Ok(read));
    }

    #[test]
    fn what_is_wrong_is_said() {
        use KeyFlaw::{Malformed, Name, NotForSignatures, Private, Unsupported, WeakRsa, WithoutAlg};
        let ed = json!({"kty": "OKP", "crv": "Ed25519", "x": X});
        let rsa = json!({"kty": "RSA", "n": n(256), "e": "AQAB", "alg": "RS256"});
        let with = |key: &Value, name: &str, value: Value| {
            let mut key = key.clone();
            key[name] = value;
            key
        };
        let rows = [
            (with(&ed, "d", json!("x")), Private),
            (json!({"kty": "oct", "k": "c2VjcmV0"}), Private),
            (with(&rsa, "p", json!("x")), Private),
            (with(&ed, "use", json!("enc")), NotForSignatures),
            (with(&ed, "key_ops", json!(["sign"])), NotForSignatures),
            (with(&ed, "kid", json!("")), Name),
            (with(&ed, "kid", json!(1)), Name),
            (with(&ed, "kid", json!("a\u{1b}[31m")), Name),
            (with(&ed, "kid", json!("a".repeat(129))), Name),
            (with(&ed, "crv", json!("Ed448")), Unsupported),
            (with(&ed, "alg", json!("ES256")), Unsupported),
            (with(&ed, "alg", json!("none")), Unsupported),
            (with(&rsa, "alg", json!("HS256")), Unsupported),
            (with(&rsa, "alg", json!("RS512")), Unsupported),
            (json!({"kty": "EC", "crv": "P-384", "x": X, "y": X}), Unsupported),
            (json!({"kty": "RSA", "n": n(256), "e": "AQAB"}), WithoutAlg),
            (with(&rsa, "n", json!(n(255))), WeakRsa),
            (with(&rsa, "n", json!(n(1025))), WeakRsa),
            (with(&rsa, "n", json!("")), WeakRsa),
            (with(&rsa, "e", json!("Aw")), WeakRsa),
            (with(&ed, "x", json!("AAAA")), Malformed),
            (with(&ed, "x", json!(format!("{X}="))), Malformed),
            (json!({"kty": "EC", "crv": "P-256", "x": X}), Malformed),
            (json!({"crv": "Ed25519", "x": X}), Malformed),
            (json!("key"), Malformed),
        ];
        for (key, flaw) in rows {
            assert!(matches!(set(&json!([key])), Err(KeySetFlaw::Key(_, found)) if found == flaw), "{key}: {flaw}");
            let ours = [ed.clone(), key];
            let body = json!({"keys": ours}).to_string();
            assert_eq!(KeySet::published(body.as_bytes()).map(|set| set.keys().len()), Ok(1), "passed over: {body}");
        }
        let named = with(&ed, "kid", json!("a"));
        assert_eq!(set(&json!([named, named])), Err(KeySetFlaw::SameName("a".into())));
        assert_eq!(set(&json!([named, ed])), Err(KeySetFlaw::Unnamed));
        assert_eq!(set(&json!([])), Err(KeySetFlaw::Empty));
        assert_eq!(set(&json!(vec![ed.clone(); 21])), Err(KeySetFlaw::TooMany));
        for text in ["", "[]", "{}", "{\"keys\":1}", &ed.to_string()] {
            assert_eq!(KeySet::registered(text.as_bytes()), Err(KeySetFlaw::NotASet), "{text}");
        }
    }

    /// A key serves its own algorithm; without a name only where nothing is left to guess.
    //= RFC8725#3.1 test
    #[test]
    fn a_key_is_found_by_name_and_algorithm() {
        let keys = json!([
            {"kty": "OKP", "crv": "Ed25519", "x": X, "kid": "a"},
            {"kty": "RSA", "n": n(256), "e": "AQAB", "alg": "RS256", "kid": "b"},
            {"kty": "RSA", "n": n(256), "e": "AQAB", "alg": "RS256", "kid": "c"},
        ]);
        let set = set(&keys).unwrap_or_else(|flaw| panic!("{flaw}"));
        let found = |kid, alg| set.find(kid, alg).and_then(|key| key.id.as_deref());
        assert_eq!(found(Some("a"), SignatureAlg::EdDsa), Some("a"));
        assert_eq!(found(Some("b"), SignatureAlg::Rs256), Some("b"));
        assert_eq!(found(None, SignatureAlg::EdDsa), Some("a"));
        assert_eq!(found(None, SignatureAlg::Rs256), None);
        assert_eq!(found(Some("b"), SignatureAlg::Ps256), None);
        assert_eq!(found(Some("a"), SignatureAlg::Es256), None);
        assert_eq!(found(Some("z"), SignatureAlg::EdDsa), None);
    }
}
