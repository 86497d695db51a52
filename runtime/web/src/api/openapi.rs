//! The OpenAPI document: of the handlers themselves, whose attributes say what they take and answer.
//!
//! A domain's resources stand in it once, as `/domains/{domain}/…`; what all operations share is added here.

use axum::Router;
use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::get;
use utoipa::PartialSchema as _;
use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn, Paths};
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme,
};
use utoipa::openapi::{
    Components, ContentBuilder, Info, OpenApi, PathItem, Ref, Required, ResponseBuilder, Server, Type, schema,
};

use super::caller::COOKIE;
use super::problem::Problem;

/// What is before every path.
const BASE: &str = "/api/v1";
/// What introduces the document.
const ABOUT: &str = "Everything that the console does. Programs show a token (`Authorization: Bearer TOKEN`); people log in \
(`POST /session`), and send the session's `csrf` in the header `X-CSRF-Token` with what changes something. A token is of one \
domain and may leave `/domains/DOMAIN` out of each path. Lists come in pages: `next`, where it is not null, is the `cursor` of \
the page that follows. Edits need `If-Match` with the `ETag` that reading gave. Errors are `application/problem+json` (RFC 9457).";

/// The document of what `own` (a domain's paths) and `rest` (all others) answer.
pub(super) fn document(own: OpenApi, rest: OpenApi) -> OpenApi {
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
        each(&mut item, |operation| {
            operation.parameters.get_or_insert_default().insert(0, domain());
        });
        document.paths.paths.insert(path, item);
    }
    document.paths.paths.extend(rest.paths.paths);
    for (path, item) in &mut document.paths.paths {
        each(item, |operation| complete(path, operation));
    }
    document.components = Some(components);
    document
}

/// Serves the document.
pub(super) fn router(document: &OpenApi) -> Router {
    let text = document.to_json().unwrap_or_default(); // of strings and maps alone: it never fails
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

/// What every operation has: a name of its own, who may ask, and what a refusal looks like.
fn complete(path: &str, operation: &mut Operation) {
    // The handler's name, which several have, behind where it is: `users_name_change`, `system_accounts_list`.
    let place = match path.strip_prefix("/domains/{domain}") {
        Some("") => "/domain".to_owned(),
        Some(of_domain) => of_domain.to_owned(),
        None if path.starts_with("/session") || path.starts_with("/domains") => path.to_owned(),
        None => format!("/system{path}"),
    };
    let place = place.trim_start_matches('/').replace(['{', '}'], "");
    let handler = operation.operation_id.take().unwrap_or_default();
    operation.operation_id = Some(format!("{}_{handler}", place.replace(['/', '-', '.'], "_")));
    let refused = ContentBuilder::new()
        .schema(Some(Ref::from_schema_name("Problem")))
        .build();
    let refused = ResponseBuilder::new()
        .description("refused, and why")
        .content("application/problem+json", refused)
        .build();
    operation
        .responses
        .responses
        .insert("default".to_owned(), refused.into());
    operation.security = Some(vec![
        SecurityRequirement::new("token", Vec::<String>::new()),
        SecurityRequirement::new("session", Vec::<String>::new()),
    ]);
}

fn add_security(components: &mut Components) {
    let token = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
    components.add_security_scheme("token", SecurityScheme::Http(token));
    let cookie = ApiKey::Cookie(ApiKeyValue::new(COOKIE));
    components.add_security_scheme("session", SecurityScheme::ApiKey(cookie));
}

fn each(item: &mut PathItem, mut change: impl FnMut(&mut Operation)) {
    let operations = [
        &mut item.get,
        &mut item.put,
        &mut item.post,
        &mut item.patch,
        &mut item.delete,
    ];
    for operation in operations.into_iter().flatten() {
        change(operation);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::super::{accounts_and_audit, of_domain, of_system};
    use super::*;

    fn made() -> Value {
        let own = of_domain().merge(accounts_and_audit()).split_for_parts().1;
        let rest = of_system().merge(accounts_and_audit()).split_for_parts().1;
        serde_json::to_value(document(own, rest)).unwrap()
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
}
