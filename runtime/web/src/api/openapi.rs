//! The OpenAPI document: of the handlers themselves, whose attributes say what they take and answer.
//!
//! A domain's resources stand in it once, as `/domains/{domain}/…`; what all operations share is added here, what all
//! shapes share in [`shapes`]. The console's client is made of it, as it stands in `docs/openapi.json`.

mod shapes;

use axum::Router;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use serde_json::Value;
use utoipa::PartialSchema as _;
use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn, Paths};
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme,
};
use utoipa::openapi::{
    Components, ContentBuilder, Info, OpenApi, PathItem, Ref, RefOr, Required, ResponseBuilder, Server, Type,
    schema,
};

use super::caller::{COOKIE, CSRF};
use super::problem::Problem;

/// What is before every path.
const BASE: &str = "/api/v1";
/// What introduces the document.
const ABOUT: &str = "Everything that the console does. Programs show a token (`Authorization: Bearer TOKEN`); people log in \
(`POST /session`), and send the session's `csrf` in the header `X-CSRF-Token` with what changes something. A token is of one \
domain and may leave `/domains/DOMAIN` out of each path. Lists come in pages: `next`, where it is not null, is the `cursor` of \
the page that follows. Edits need `If-Match` with the `ETag` that reading gave. Errors are `application/problem+json` (RFC 9457).";

/// The document of what `own` (a domain's paths) and `rest` (all others) answer.
pub(super) fn document(own: OpenApi, rest: OpenApi) -> Value {
    let mut info = Info::new("Tandem", env!("CARGO_PKG_VERSION"));
    info.description = Some(ABOUT.to_owned());
    let mut document = OpenApi::new(info, Paths::new());
    document.servers = Some(vec![Server::new(BASE)]);
    let mut components = Components::new();
    for part in [own.components, rest.components].into_iter().flatten() {
        components.schemas.extend(part.schemas);
    }
    components.schemas.insert("Problem".to_owned(), Problem::schema());
    add_security(&mut components);
    for (path, mut item) in own.paths.paths {
        let path = match path.as_str() {
            "/domain" => "/domains/{domain}".to_owned(),
            _ => format!("/domains/{{domain}}{path}"),
        };
        each(&mut item, |_, operation| {
            operation.parameters.get_or_insert_default().insert(0, domain());
        });
        document.paths.paths.insert(path, item);
    }
    document.paths.paths.extend(rest.paths.paths);
    for (path, item) in &mut document.paths.paths {
        each(item, |method, operation| complete(path, method, operation));
    }
    document.components = Some(components);
    let mut document = serde_json::to_value(document).unwrap_or_default(); // strings and maps alone: it never fails
    shapes::mend(&mut document);
    document
}

/// Serves the document.
pub(super) fn router(document: &Value) -> Router {
    let text = document.to_string();
    let answer =
        move || async move { ([(header::CONTENT_TYPE, "application/json")], text.clone()).into_response() };
    Router::new().route("/openapi.json", get(answer))
}

fn domain() -> Parameter {
    ParameterBuilder::new()
        .name("domain")
        .parameter_in(ParameterIn::Path)
        .required(Required::True)
        .schema(Some(schema::ObjectBuilder::new().schema_type(Type::String)))
        .build()
}

/// What every operation has: a name of its own, who may ask, and how it is refused.
fn complete(path: &str, method: &str, operation: &mut Operation) {
    operation.operation_id = Some(name(path, operation));
    let refused = ContentBuilder::new()
        .schema(Some(Ref::from_schema_name("Problem")))
        .build();
    let refusals = refusals(method, operation);
    let responses = &mut operation.responses.responses;
    for status in refusals {
        let none = || ResponseBuilder::new().build().into();
        responses.entry(status.to_owned()).or_insert_with(none);
    }
    for (status, response) in responses {
        let RefOr::T(response) = response else { continue };
        if response.description.is_empty() {
            response.description = words(status);
        }
        if status.starts_with(['4', '5']) && response.content.is_empty() {
            response
                .content
                .insert("application/problem+json".to_owned(), refused.clone());
        }
    }
    operation.security = Some(asks(path, method));
}

/// Who may ask: a token, or a session, which shows its `csrf` too where it changes something.
fn asks(path: &str, method: &str) -> Vec<SecurityRequirement> {
    let scopes = || -> [String; 0] { [] };
    let token = SecurityRequirement::new("token", scopes());
    let session = SecurityRequirement::new("session", scopes());
    match (path, method) {
        ("/session", "post") => Vec::new(), // who logs in is nobody yet
        (_, "get") => vec![token, session],
        _ => vec![token, session.add("csrf", scopes())],
    }
}

/// The handler's name, which several have, behind where it is: `users_name_change`, `system_accounts_list`.
fn name(path: &str, operation: &mut Operation) -> String {
    let place = match path.strip_prefix("/domains/{domain}") {
        Some("") => "/domain".to_owned(),
        Some(of_domain) => of_domain.to_owned(),
        None if path.starts_with("/session") || path.starts_with("/domains") => path.to_owned(),
        None => format!("/system{path}"),
    };
    let place = place.trim_start_matches('/').replace(['{', '}'], "");
    let handler = operation.operation_id.take().unwrap_or_default();
    format!("{}_{handler}", place.replace(['/', '-', '.'], "_"))
}

/// The statuses of refusals that an operation may give, beside those that its handler names.
fn refusals(method: &str, operation: &Operation) -> Vec<&'static str> {
    // 422: also a name in the path that nothing can have.
    let mut refusals = vec!["400", "401", "403", "404", "422", "429", "5XX"];
    if method != "get" {
        refusals.push("409");
    }
    if operation.request_body.is_some() {
        refusals.extend(["408", "413"]);
    }
    let named = |name: &str| {
        let mut parameters = operation.parameters.iter().flatten();
        parameters.any(|parameter| parameter.name == name)
    };
    if named("If-Match") || named("If-None-Match") {
        refusals.push("412");
    }
    if named("If-Match") {
        refusals.push("428");
    }
    refusals
}

fn words(status: &str) -> String {
    let known = status
        .parse()
        .ok()
        .and_then(|code| StatusCode::from_u16(code).ok());
    let words = known.and_then(|code| code.canonical_reason());
    words.unwrap_or("The server cannot do it now").to_owned()
}

fn add_security(components: &mut Components) {
    let token = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
    components.add_security_scheme("token", SecurityScheme::Http(token));
    let cookie = ApiKey::Cookie(ApiKeyValue::new(COOKIE));
    components.add_security_scheme("session", SecurityScheme::ApiKey(cookie));
    let csrf = ApiKey::Header(ApiKeyValue::with_description(
        CSRF,
        "The session's `csrf`, with what changes something.",
    ));
    components.add_security_scheme("csrf", SecurityScheme::ApiKey(csrf));
}

/// All operations of a path, with their methods.
fn each(item: &mut PathItem, mut change: impl FnMut(&str, &mut Operation)) {
    let operations = [
        ("get", &mut item.get),
        ("put", &mut item.put),
        ("post", &mut item.post),
        ("patch", &mut item.patch),
        ("delete", &mut item.delete),
    ];
    for (method, operation) in operations {
        if let Some(operation) = operation {
            change(method, operation);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;
    use std::{env, fs};

    use super::super::{of_both, of_domain, of_system};
    use super::*;

    fn made() -> Value {
        let own = of_domain().merge(of_both()).split_for_parts().1;
        let rest = of_system().merge(of_both()).split_for_parts().1;
        document(own, rest)
    }

    /// Every `$ref` of the document.
    fn references(of: &Value, found: &mut BTreeSet<String>) {
        match of {
            Value::Object(fields) => {
                found.extend(fields.get("$ref").and_then(Value::as_str).map(str::to_owned));
                fields.values().for_each(|value| references(value, found));
            }
            Value::Array(items) => items.iter().for_each(|item| references(item, found)),
            _ => (),
        }
    }

    #[test]
    fn what_is_referred_to_is_there_and_no_two_operations_have_one_name() {
        let document = made();
        assert_eq!(document["openapi"], "3.1.0");
        let mut wanted = BTreeSet::new();
        references(&document, &mut wanted);
        assert!(wanted.len() > 20, "{wanted:?}");
        for reference in &wanted {
            let pointer = reference.trim_start_matches('#');
            assert!(document.pointer(pointer).is_some(), "{reference}");
        }
        let mut names = BTreeSet::new();
        for (path, item) in document["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                let name = operation["operationId"].as_str().unwrap();
                assert!(names.insert(name.to_owned()), "{method} {path}: {name}");
                assert!(operation["summary"].is_string(), "{method} {path} says nothing");
                let holes: Vec<&str> = path.split('/').filter(|part| part.starts_with('{')).collect();
                let given = operation["parameters"].as_array().map_or(0, |given| {
                    given.iter().filter(|parameter| parameter["in"] == "path").count()
                });
                assert_eq!(given, holes.len(), "{method} {path}");
            }
        }
    }

    /// The console's client is made of the file. `UPDATE_GOLDEN=1` writes it anew.
    #[test]
    fn the_file_is_the_document() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/openapi.json");
        let document = made();
        if env::var_os("UPDATE_GOLDEN").is_some() {
            let text = serde_json::to_string_pretty(&document).unwrap() + "\n";
            fs::write(&file, text).unwrap();
        }
        let written: Value =
            serde_json::from_str(&fs::read_to_string(&file).unwrap_or_default()).unwrap_or_default();
        assert!(
            document == written,
            "docs/openapi.json is another document: UPDATE_GOLDEN=1 cargo test -p tandem-web openapi"
        );
    }
}
