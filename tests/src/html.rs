//! As much of HTML as a test needs to fill in a form and to read what a person would see.

/// A start tag: its name and attributes, values unescaped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tag {
    /// Lower case.
    pub name: String,
    /// In order.
    pub attributes: Vec<(String, String)>,
    /// Where the text after it begins.
    end: usize,
}

impl Tag {
    /// The value of an attribute; an attribute without value is an empty text.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// A form as a browser would send it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Form {
    /// `action`; empty where the form names none.
    pub action: String,
    /// `method` is `post`.
    pub is_post: bool,
    /// Names and values of its fields, hidden ones included, submit buttons not.
    pub fields: Vec<(String, String)>,
    /// Names and values of its submit buttons.
    pub buttons: Vec<(String, String)>,
}

/// All start tags of a page, in order; comments and declarations are passed over.
pub fn tags(page: &str) -> Vec<Tag> {
    let mut tags = Vec::new();
    let mut at = 0;
    while let Some(open) = page[at..].find('<').map(|found| at + found) {
        let rest = &page[open + 1..];
        if let Some(comment) = rest.strip_prefix("!--") {
            at = page.len() - comment.find("-->").map_or(0, |end| comment.len() - end - 3);
            continue;
        }
        if !rest.starts_with(|c: char| c.is_ascii_alphabetic()) {
            at = open + 1;
            continue;
        }
        let (tag, end) = read_tag(page, open + 1);
        at = end;
        tags.push(tag);
    }
    tags
}

fn read_tag(page: &str, start: usize) -> (Tag, usize) {
    let rest = &page[start..];
    let name_len = rest.find(|c: char| c.is_whitespace() || c == '>' || c == '/').unwrap_or(rest.len());
    let mut tag = Tag { name: rest[..name_len].to_ascii_lowercase(), attributes: Vec::new(), end: page.len() };
    let mut at = start + name_len;
    loop {
        let rest = &page[at..];
        let skip = rest.find(|c: char| !c.is_whitespace() && c != '/').unwrap_or(rest.len());
        at += skip;
        let rest = &page[at..];
        if rest.is_empty() || rest.starts_with('>') {
            tag.end = (at + 1).min(page.len());
            return (tag.clone(), tag.end);
        }
        let len = rest.find(|c: char| c.is_whitespace() || "=>/".contains(c)).unwrap_or(rest.len()).max(1);
        let name = rest[..len].to_ascii_lowercase();
        at += len;
        let (value, next) = read_value(page, at);
        at = next;
        tag.attributes.push((name, value));
    }
}

fn read_value(page: &str, at: usize) -> (String, usize) {
    let Some(rest) = page[at..].strip_prefix('=') else { return (String::new(), at) };
    let at = at + 1;
    if let Some(quote) = rest.chars().next().filter(|c| *c == '"' || *c == '\'') {
        let inner = &rest[1..];
        let len = inner.find(quote).unwrap_or(inner.len());
        return (unescape(&inner[..len]), (at + len + 2).min(page.len()));
    }
    let len = rest.find(|c: char| c.is_whitespace() || c == '>').unwrap_or(rest.len());
    (unescape(&rest[..len]), at + len)
}

/// All forms of a page.
pub fn forms(page: &str) -> Vec<Form> {
    let mut forms = Vec::new();
    for tag in tags(page).iter().filter(|tag| tag.name == "form") {
        let inner = &page[tag.end..];
        let inner = &inner[..inner.find("</form").unwrap_or(inner.len())];
        forms.push(form(tag, inner));
    }
    forms
}

fn form(tag: &Tag, inner: &str) -> Form {
    let mut form = Form {
        action: tag.get("action").unwrap_or_default().to_owned(),
        is_post: tag.get("method").is_some_and(|method| method.eq_ignore_ascii_case("post")),
        fields: Vec::new(),
        buttons: Vec::new(),
    };
    for tag in tags(inner) {
        let named = (tag.get("name").unwrap_or_default().to_owned(), tag.get("value").unwrap_or_default().to_owned());
        match (tag.name.as_str(), tag.get("type").unwrap_or("text")) {
            ("button", kind) if kind != "button" => form.buttons.push(named),
            ("input", "submit") => form.buttons.push(named),
            ("input", "checkbox" | "radio") if tag.get("checked").is_none() => {}
            ("input" | "select" | "textarea", _) if !named.0.is_empty() => form.fields.push(named),
            _ => {}
        }
    }
    form
}

/// The text a person reads: tags, scripts and styles away, spaces folded.
pub fn text(page: &str) -> String {
    let mut shown = String::new();
    let mut rest = page;
    while let Some(open) = rest.find('<') {
        shown.push_str(&rest[..open]);
        shown.push(' ');
        let inside = &rest[open + 1..];
        if let Some(comment) = inside.strip_prefix("!--") {
            rest = comment.find("-->").map_or("", |end| &comment[end + 3..]);
            continue;
        }
        let hidden = ["script", "style"].into_iter().find(|name| inside.to_ascii_lowercase().starts_with(name));
        rest = match hidden {
            Some(name) => inside.find(&format!("</{name}")).map_or("", |end| &inside[end..]),
            None => inside,
        };
        rest = rest.find('>').map_or("", |end| &rest[end + 1..]);
    }
    shown.push_str(rest);
    unescape(&shown.split_whitespace().collect::<Vec<_>>().join(" "))
}

fn unescape(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        plain.push_str(&rest[..at]);
        rest = &rest[at..];
        let Some(end) = rest.find(';').filter(|end| *end < 10) else {
            plain.push('&');
            rest = &rest[1..];
            continue;
        };
        match character(&rest[1..end]) {
            Some(c) => plain.push(c),
            None => plain.push_str(&rest[..=end]),
        }
        rest = &rest[end + 1..];
    }
    plain.push_str(rest);
    plain
}

fn character(entity: &str) -> Option<char> {
    match entity {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        "nbsp" => Some('\u{a0}'),
        _ => {
            let digits = entity.strip_prefix('#')?;
            let code = match digits.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => digits.parse().ok()?,
            };
            char::from_u32(code)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = r#"<!doctype html><!-- <form> --><title>A &amp; B</title>
        <form method="post" action="/masuk?a=1&amp;b=2"><input type=hidden name=interaksi value='x"y'>
        <input name="username" value=""><input type="checkbox" name="ingat"><button type="submit" name="lanjut" value="ya">Masuk</button>
        </form><script>if (1 < 2) { "<p>" }</script><p id="error" data-code="E1">Galat&#x21;</p>"#;

    #[test]
    fn a_form_is_read_as_a_browser_would_send_it() {
        let forms = forms(PAGE);
        assert_eq!(forms.len(), 1);
        assert_eq!(forms[0].action, "/masuk?a=1&b=2");
        assert!(forms[0].is_post);
        let fields = [("interaksi".to_owned(), "x\"y".to_owned()), ("username".to_owned(), String::new())];
        assert_eq!(forms[0].fields, fields);
        assert_eq!(forms[0].buttons, [("lanjut".to_owned(), "ya".to_owned())]);
    }

    #[test]
    fn the_text_of_a_page_has_no_script() {
        assert_eq!(text(PAGE), "A & B Masuk Galat!");
    }
}
