//! Requests from typed slots: which values go where, encoded for where they go, and which are refused.
//! Pure: templates and values in, a URL, headers and a body out.

mod body;
mod header;
mod text;
mod url;

pub use self::body::BodyTemplate;
pub use self::header::HeaderTemplate;
pub(super) use self::header::{header_name, header_value};
pub(super) use self::text::Slots;
pub use self::text::TemplateError;
pub(super) use self::url::encoded;
pub use self::url::{QueryTemplate, UrlTemplate};
