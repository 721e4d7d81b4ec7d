//! `/`: the live page, served from the binary. It is an ordinary client of the paths beside it, and needs no token
//! itself: what it shows, it asks for with the token that its reader gives.

use std::sync::OnceLock;

use axum::Router;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;

use super::App;
use super::input::fingerprint;

/// What the page may do: run its own files, ask this service, and nothing else. Strings never become markup or code
/// (`require-trusted-types-for`), whatever a model writes.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

const HTML: &str = "text/html; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";
const IMAGE: &str = "image/svg+xml";

/// One file of the page.
struct File {
    path: &'static str,
    media_type: &'static str,
    body: &'static str,
    /// Names this very content.
    tag: OnceLock<HeaderValue>,
}

macro_rules! file {
    ($path:expr, $media_type:expr, $name:literal) => {
        File {
            path: $path,
            media_type: $media_type,
            body: include_str!(concat!("../page/", $name)),
            tag: OnceLock::new(),
        }
    };
}
macro_rules! script {
    ($name:literal) => {
        file!(concat!("/page/", $name), SCRIPT, $name)
    };
}

/// The files of the page.
static FILES: [File; 27] = [
    file!("/", HTML, "index.html"),
    file!("/page/page.css", STYLE, "page.css"),
    file!("/page/icon.svg", IMAGE, "icon.svg"),
    script!("api.js"),
    script!("axis.js"),
    script!("badge.js"),
    script!("bars.js"),
    script!("dom.js"),
    script!("follow.js"),
    script!("format.js"),
    script!("legend.js"),
    script!("main.js"),
    script!("outcomes.js"),
    script!("pane.js"),
    script!("poll.js"),
    script!("problem.js"),
    script!("route.js"),
    script!("row.js"),
    script!("rows.js"),
    script!("run-view.js"),
    script!("run.js"),
    script!("runs-view.js"),
    script!("sse.js"),
    script!("token-form.js"),
    script!("told.js"),
    script!("waterfall.js"),
    script!("workers-view.js"),
];

/// Their paths.
pub(super) fn routes() -> Router<App> {
    FILES.iter().fold(Router::new(), |router, file| {
        router.route(
            file.path,
            get(move |headers: HeaderMap| async move { file.answer(&headers) }),
        )
    })
}

impl File {
    fn tag(&self) -> &HeaderValue {
        self.tag.get_or_init(|| {
            let tag = format!("\"{}\"", &fingerprint(&[self.body.as_bytes()])[..32]);
            HeaderValue::from_str(&tag).expect("hex digits are a header")
        })
    }

    fn answer(&self, headers: &HeaderMap) -> Response {
        let fixed = |text: &'static str| HeaderValue::from_static(text);
        let common = [
            (ETAG, self.tag().clone()),
            // Asked for again each time, and answered with 304 until the binary is another.
            (CACHE_CONTROL, fixed("no-cache")),
            (CONTENT_SECURITY_POLICY, fixed(POLICY)),
            (X_CONTENT_TYPE_OPTIONS, fixed("nosniff")),
            // Links to traces don't tell where they stood.
            (REFERRER_POLICY, fixed("no-referrer")),
            (
                HeaderName::from_static("cross-origin-opener-policy"),
                fixed("same-origin"),
            ),
            (
                HeaderName::from_static("cross-origin-resource-policy"),
                fixed("same-origin"),
            ),
        ];
        if is_known(headers, self.tag()) {
            return (StatusCode::NOT_MODIFIED, common).into_response();
        }
        (common, [(CONTENT_TYPE, fixed(self.media_type))], self.body).into_response()
    }
}

/// Whether the client has the content of this tag.
fn is_known(headers: &HeaderMap, tag: &HeaderValue) -> bool {
    let tags = headers.get_all(IF_NONE_MATCH).iter();
    let mut tags = tags
        .filter_map(|tags| tags.to_str().ok())
        .flat_map(|tags| tags.split(','));
    // A proxy that compresses makes the tag a weak one.
    tags.any(|known| {
        let known = known.trim();
        known == "*" || known.strip_prefix("W/").unwrap_or(known).as_bytes() == tag.as_bytes()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_the_page_is_served_and_nothing_else() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/service/page");
        let entries = std::fs::read_dir(folder).expect("the page is there");
        let names = entries.map(|entry| entry.expect("it can be read").file_name());
        let mut there: Vec<String> = names
            .map(|name| name.to_string_lossy().into_owned())
            // For node alone.
            .filter(|name| name != "package.json")
            .map(|name| {
                if name == "index.html" {
                    "/".to_owned()
                } else {
                    format!("/page/{name}")
                }
            })
            .collect();
        there.sort();
        let mut served: Vec<&str> = FILES.iter().map(|file| file.path).collect();
        served.sort_unstable();
        assert_eq!(served, there);
    }

    #[test]
    fn nothing_in_the_page_makes_markup_of_a_string() {
        const SINKS: [&str; 8] = [
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "DOMParser",
            "eval(",
            "new Function",
            "srcdoc",
        ];
        for file in &FILES {
            for sink in SINKS {
                assert!(!file.body.contains(sink), "{} uses {sink}", file.path);
            }
            assert!(
                !file.body.contains("http://") || file.path.ends_with(".svg"),
                "{} names an address",
                file.path
            );
        }
    }

    #[test]
    fn who_has_a_file_is_told_so() {
        let file = &FILES[0];
        let mut headers = HeaderMap::new();
        let fresh = file.answer(&headers);
        assert_eq!(fresh.status(), StatusCode::OK);
        let tag = fresh.headers()[ETAG]
            .to_str()
            .expect("it is text")
            .to_owned();
        for known in [tag.clone(), format!("\"x\", W/{tag}"), "*".to_owned()] {
            headers.insert(IF_NONE_MATCH, known.parse().expect("it is a header"));
            assert_eq!(
                file.answer(&headers).status(),
                StatusCode::NOT_MODIFIED,
                "{known}"
            );
        }
        headers.insert(IF_NONE_MATCH, HeaderValue::from_static("\"x\""));
        assert_eq!(file.answer(&headers).status(), StatusCode::OK);
    }
}
