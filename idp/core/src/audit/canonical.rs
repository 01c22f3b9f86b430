//! JSON Canonicalization Scheme (RFC 8785), in the subset our events use: integers, no floats.
//!
//! Members are sorted here and not by `serde_json`'s map, whose order is a feature that any crate of
//! the build may switch.

use serde_json::Value;

/// The canonical bytes of a value.
pub(super) fn bytes(value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    write(value, &mut out);
    out
}

fn write(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Array(items) => {
            out.push(b'[');
            for (place, item) in items.iter().enumerate() {
                if place > 0 {
                    out.push(b',');
                }
                write(item, out);
            }
            out.push(b']');
        }
        Value::Object(members) => {
            let mut sorted: Vec<_> = members.iter().collect();
            // RFC 8785 section 3.2.3: by UTF-16 code units.
            sorted.sort_by(|(a, _), (b, _)| a.encode_utf16().cmp(b.encode_utf16()));
            out.push(b'{');
            for (place, (name, member)) in sorted.into_iter().enumerate() {
                if place > 0 {
                    out.push(b',');
                }
                write(&Value::from(name.as_str()), out);
                out.push(b':');
                write(member, out);
            }
            out.push(b'}');
        }
        // Literals, strings (RFC 8785 section 3.2.2.2 asks for the escapes that serde_json writes) and integers.
        literal => out.extend_from_slice(literal.to_string().as_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The sorting example of RFC 8785 section 3.2.3.
    #[test]
    fn members_are_sorted_by_utf16_code_units() {
        let text = r#"{"\u20ac":"Euro Sign","\r":"Carriage Return","\ufb33":"Hebrew Letter Dalet With Dagesh",
            "1":"One","\ud83d\ude00":"Emoji: Grinning Face","\u0080":"Control","\u00f6":"Latin Small Letter O With Diaeresis"}"#;
        let value: Value = serde_json::from_str(text).unwrap();
        let sorted = String::from_utf8(bytes(&value)).unwrap();
        let order = ["Carriage Return", "One", "Control", "Latin Small", "Euro Sign", "Emoji", "Hebrew"];
        let places: Vec<_> = order.iter().map(|name| sorted.find(name).unwrap()).collect();
        assert!(places.is_sorted(), "{sorted}");
    }

    #[test]
    fn nested_values_are_sorted_and_without_spaces() {
        let value: Value =
            serde_json::from_str(r#"{"b": [ {"z": 1, "a": null} , true], "a": "\u000f\n\"\\/é"}"#).unwrap();
        let expected = r#"{"a":"\u000f\n\"\\/é","b":[{"a":null,"z":1},true]}"#;
        assert_eq!(String::from_utf8(bytes(&value)).unwrap(), expected);
    }
}
