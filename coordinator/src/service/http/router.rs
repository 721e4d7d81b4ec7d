//! The paths, put together and described.

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::IntoResponse as _;
use axum::routing::get;
use utoipa::openapi::schema::{Schema, SchemaType, Type};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{OpenApi as Document, PathItem, RefOr};
use utoipa::{Modify, OpenApi};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{App, calls, counts, crowd, events, execute, gate, health, page, problem, runs, views};

/// What the paths have in common.
#[derive(OpenApi)]
#[openapi(
    info(title = "Callboard", description = "Runs of LLM agents and their tool calls."),
    components(schemas(problem::ErrorBody, execute::Report, crate::run_log::Entry, crate::run::RunReport)),
    security(("token" = []), ()),
    modifiers(&Token),
)]
struct Common;

struct Token;

impl Modify for Token {
    fn modify(&self, document: &mut Document) {
        let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
        if let Some(components) = &mut document.components {
            components.add_security_scheme("token", SecurityScheme::Http(scheme));
        }
    }
}

/// Says of parameters what their types don't: one that may be left out is never `null`, and a key has
/// bounds.
fn mend_parameters(path: &mut PathItem) {
    let methods = [&mut path.get, &mut path.post, &mut path.delete];
    let operations = methods.into_iter().flatten();
    for parameter in operations.flat_map(|operation| operation.parameters.iter_mut().flatten()) {
        if let Some(RefOr::T(Schema::Object(schema))) = &mut parameter.schema {
            if let SchemaType::Array(types) = &mut schema.schema_type {
                types.retain(|one| *one != Type::Null);
                if let [one] = types.as_slice() {
                    schema.schema_type = SchemaType::Type(one.clone());
                }
            }
            if parameter.name == "Idempotency-Key" {
                schema.pattern = Some("^[!-~]{1,128}$".to_owned());
            }
        }
    }
}

/// The paths that need a token.
fn guarded() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(runs::begin, runs::list))
        .routes(routes!(runs::show, runs::cancel))
        .routes(routes!(events::follow))
        .routes(routes!(calls::content))
        .routes(routes!(execute::execute))
        .routes(routes!(views::tools))
        .routes(routes!(views::workers))
        .routes(routes!(health::metrics))
}

/// The paths that need none.
fn open() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(health::healthz))
        .routes(routes!(health::readyz))
}

/// The description of all paths.
#[must_use]
pub fn openapi() -> Document {
    parts().1
}

fn parts() -> ((OpenApiRouter<App>, OpenApiRouter<App>), Document) {
    let mut document = Common::openapi();
    document.merge(guarded().to_openapi());
    document.merge(open().to_openapi());
    document.paths.paths.values_mut().for_each(mend_parameters);
    ((guarded(), open()), document)
}

/// All paths of the service, behind its gate. Paths of other parts of the program are merged in by
/// `more`, which are asked without a token.
///
/// # Panics
/// Never: the description of the paths is JSON.
pub fn router(app: App, more: Router<App>) -> Router {
    let ((guarded, open), document) = parts();
    let document = document.to_json().expect("a description is JSON");
    let described = move || {
        let json = [(axum::http::header::CONTENT_TYPE, "application/json")];
        std::future::ready((json, document.clone()).into_response())
    };
    let (guarded, _) = guarded.split_for_parts();
    let (open, _) = open.split_for_parts();
    let guarded = guarded.layer(from_fn_with_state(app.clone(), gate::admit));
    let open = open
        .route("/openapi.json", get(described))
        .merge(page::routes())
        .merge(more)
        .layer(from_fn_with_state(app.clone(), gate::admit_host));
    guarded
        .merge(open)
        .fallback(problem::no_such_path)
        .method_not_allowed_fallback(problem::no_such_method)
        .layer(from_fn(crowd::probes_alone))
        .layer(from_fn(problem::name_and_write))
        .layer(from_fn_with_state(app.clone(), counts::count))
        .with_state(app)
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_path_is_described_with_what_it_may_refuse() {
        let document = serde_json::to_value(super::openapi()).expect("it is JSON");
        let paths = document["paths"].as_object().expect("there are paths");
        let mut told = String::new();
        for (path, methods) in paths {
            for (method, operation) in methods.as_object().expect("there are methods") {
                let responses = operation["responses"].as_object().expect("it answers");
                let statuses: Vec<&str> = responses.keys().map(String::as_str).collect();
                told += &format!("{method} {path}: {}\n", statuses.join(" "));
            }
        }
        insta::assert_snapshot!(told);
    }
}
