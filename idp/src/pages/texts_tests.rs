use std::collections::{BTreeMap, BTreeSet};

use super::*;

/// Keys and the arguments each takes.
fn catalogue(text: &str) -> BTreeMap<String, BTreeSet<String>> {
    let mut keys: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for line in text.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty()) {
        let (key, message) = line.split_once(" = ").unwrap_or_else(|| panic!("{line}"));
        let arguments = message.split("{ $").skip(1).map(|rest| rest.split(' ').next().unwrap().to_owned()).collect();
        assert!(keys.insert(key.to_owned(), arguments).is_none(), "{key} stands twice");
    }
    keys
}

#[test]
fn both_languages_say_the_same_things() {
    assert_eq!(catalogue(INDONESIAN), catalogue(ENGLISH));
    assert_eq!(catalogue(DOCTOR_INDONESIAN), catalogue(DOCTOR_ENGLISH));
}

/// Every `say("…")` and `html("…")` of templates and pages has its text.
#[test]
fn every_text_that_is_asked_for_exists() {
    let keys = catalogue(INDONESIAN);
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut asked = 0;
    for folder in ["templates", "src/pages", "src/sign_in"] {
        for file in std::fs::read_dir(root.join(folder)).unwrap() {
            let source = std::fs::read_to_string(file.unwrap().path()).unwrap();
            for call in [".say(\"", ".html(\"", ".with(\"", ".plain(\""] {
                for rest in source.split(call).skip(1) {
                    let key = rest.split('"').next().unwrap();
                    assert!(keys.contains_key(key), "{key} is asked for in {folder}");
                    asked += 1;
                }
            }
        }
    }
    assert!(asked > 50, "{asked}");
}

#[test]
fn what_is_put_into_a_text_is_escaped() {
    let texts = Texts::load().unwrap();
    let said = texts.html(Language::Indonesian, "sign-in-lead", &[("application", "<script>alert('1')</script>&\"")]);
    assert_eq!(said, "Anda akan diteruskan ke <b>&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&amp;&quot;</b>.");
}

#[test]
fn times_read_as_people_write_them() {
    let at = Instant::from_millis(1_795_480_272_000);
    assert_eq!(clock(Language::Indonesian, Zone::Jakarta, at), "07.31.12 WIB");
    assert_eq!(clock(Language::English, Zone::Makassar, at), "08:31:12 WITA");
    assert_eq!(short_clock(Language::Indonesian, Zone::Jakarta, at), "07.31 WIB");
    assert_eq!(day(Language::Indonesian, Zone::Jakarta.today(at)), "24 November 2026");
    assert_eq!(day(Language::English, Date::new(2026, 8, 1).unwrap()), "1 August 2026");
}
