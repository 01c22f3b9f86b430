//! Styles, script, font and drawings of the pages, served by our own origin only (DAT-03).
//!
//! A name carries the digest of its content, so an answer may be kept for a year and a new release
//! is seen at once.

use std::sync::LazyLock;

use axum::{
    body::Bytes,
    extract::Path,
    http::{
        HeaderValue, StatusCode,
        header::{CACHE_CONTROL, CONTENT_TYPE},
    },
    response::{IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

/// The path under which assets lie.
pub const PREFIX: &str = "/aset/";

/// The addresses of all assets.
pub struct Assets {
    /// Tokens, patterns and pages in one file.
    pub styles: String,
    /// The one script.
    pub script: String,
    /// The typeface.
    pub font: String,
    /// Our mark at 16 pixels, for the browser's tab.
    pub icon: String,
    /// The crest shown where the city has set none.
    pub crest: String,
    files: Vec<File>,
}

struct File {
    name: String,
    kind: &'static str,
    body: Bytes,
}

/// Built once from what is compiled in.
pub static ASSETS: LazyLock<Assets> = LazyLock::new(Assets::build);

impl Assets {
    fn build() -> Self {
        let mut files = Vec::new();
        let mut add = |stem: &str, ending: &str, kind, body: Bytes| {
            let digest = URL_SAFE_NO_PAD.encode(Sha256::digest(&body).get(..9).unwrap_or_default());
            let name = format!("{stem}.{digest}.{ending}");
            let address = format!("{PREFIX}{name}");
            files.push(File { name, kind, body });
            address
        };
        let font = include_bytes!("../../assets/plus-jakarta-sans-gapura.woff2");
        let font = add("jakarta", "woff2", "font/woff2", Bytes::from_static(font));
        let tokens = include_str!("../../assets/tokens.css");
        let styles = [
            &tokens.replace("fonts/plus-jakarta-sans-gapura.woff2", &font),
            include_str!("../../assets/gapura.css"),
            include_str!("../../assets/pages.css"),
        ];
        let svg = "image/svg+xml";
        Self {
            styles: add("gapura", "css", "text/css; charset=utf-8", styles.concat().into()),
            script: add(
                "gapura",
                "js",
                "text/javascript; charset=utf-8",
                Bytes::from_static(include_bytes!("../../assets/gapura.js")),
            ),
            icon: add("gapura", "svg", svg, Bytes::from_static(include_bytes!("../../assets/gapura-16.svg"))),
            crest: add("lambang", "svg", svg, Bytes::from_static(include_bytes!("../../assets/crest.svg"))),
            font,
            files,
        }
    }
}

/// `GET /aset/{name}`: anybody; reads and writes nothing.
pub async fn asset(Path(name): Path<String>) -> Response {
    match ASSETS.files.iter().find(|file| file.name == name) {
        Some(file) => {
            let headers = [
                (CONTENT_TYPE, HeaderValue::from_static(file.kind)),
                (CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable")),
            ];
            (headers, file.body.clone()).into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    //= DAT-03 test
    #[test]
    fn styles_name_no_other_origin() {
        let styles = ASSETS.files.iter().find(|file| file.name.ends_with(".css")).unwrap();
        let styles = str::from_utf8(&styles.body).unwrap();
        assert!(styles.contains(&ASSETS.font), "the font is named by its digest");
        assert!(!styles.contains("//"), "no address of another origin");
        assert_eq!(styles.matches("url(").count(), 1, "nothing is loaded but the font");
    }

    #[tokio::test]
    async fn an_asset_is_kept_for_a_year_and_an_unknown_one_is_not_found() {
        let name = ASSETS.script.strip_prefix(PREFIX).unwrap().to_owned();
        let found = asset(Path(name)).await;
        assert_eq!(found.headers()[CACHE_CONTROL], "public, max-age=31536000, immutable");
        assert_eq!(asset(Path("gapura.js".to_owned())).await.status(), StatusCode::NOT_FOUND);
    }
}
