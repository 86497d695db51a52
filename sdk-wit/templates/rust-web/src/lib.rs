//! Takes orders over HTTP: `POST …/orders` with what is wanted, `GET …/orders?1` shows the first.

use tandem_sdk::{WebRequest, WebResponse, key_value, log};

tandem_sdk::web_scenario!(handle);

fn handle(request: WebRequest) -> Result<WebResponse, String> {
    let page = request.path.rsplit('/').next().unwrap_or_default();
    match (request.method.as_str(), page) {
        ("POST", "orders") => take(&request),
        ("GET", "orders") => show(&request.query),
        _ => Ok(WebResponse::text(404, "there is no such page")),
    }
}

fn take(request: &WebRequest) -> Result<WebResponse, String> {
    let Some(item) = request.text().filter(|item| !item.is_empty()) else {
        return Ok(WebResponse::text(400, "say what you want"));
    };
    let number = key_value::increment("orders", 1)?;
    key_value::set(&format!("order/{number}"), item.as_bytes())?;
    log::info(&format!("order {number}: {item}"));
    Ok(WebResponse::json(201, format!("{{\"order\":{number}}}")))
}

fn show(number: &str) -> Result<WebResponse, String> {
    let item = key_value::get(&format!("order/{number}"))?;
    Ok(match item {
        Some(item) => WebResponse::text(200, String::from_utf8_lossy(&item)),
        None => WebResponse::text(404, "there is no such order"),
    })
}
