"""Takes orders over HTTP: POST …/orders with what is wanted, GET …/orders?1 shows the first."""

from tandem_scenario import WebRequest, WebResponse, key_value, log, web_scenario


@web_scenario
def handle(request: WebRequest) -> WebResponse:
    page = request.path.split("/")[-1]
    match request.method, page:
        case "POST", "orders":
            return take(request)
        case "GET", "orders":
            return show(request.query)
    return WebResponse.text(404, "there is no such page")


def take(request: WebRequest) -> WebResponse:
    item = request.text()
    if not item:
        return WebResponse.text(400, "say what you want")
    number = key_value.increment("orders")
    key_value.set(f"order/{number}", item)
    log.info(f"order {number}: {item}")
    return WebResponse.json(201, {"order": number})


def show(number: str) -> WebResponse:
    item = key_value.get_text(f"order/{number}")
    if item is None:
        return WebResponse.text(404, "there is no such order")
    return WebResponse.text(200, item)
