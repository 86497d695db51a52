//! Users come from a file, and their phones are seen as they are registered.

use std::fs;

use serde_json::{Value, json};
use tandem_kit::baresip::Baresip;
use tandem_kit::tandem::Tandem;
use tandem_tests::phones::SOON;
use tandem_tests::web::Answer;

use crate::browser::{Browser, body, text};
use crate::kept::python;

/// The phone of 501 is seen as it is registered.
pub(crate) fn phones_of(tandem: &Tandem, anna: &Browser<'_>, password: &str) {
    let phone = Baresip::builder("501", "office.example", password, tandem.sip())
        .start()
        .unwrap();
    phone.wait_registered(SOON).unwrap();
    let address = phone.sip_addr().to_string();
    let devices = body(&anna.get("/users/501/registrations"))["items"].clone();
    // Phones of before are registered until their time is over.
    let devices = devices.as_array().unwrap();
    let device = devices.iter().find(|device| device["received_from"] == address);
    let device = device.unwrap_or_else(|| panic!("{address} is not among {devices:?}"));
    assert!(text(&device["contact"]).contains(&address), "{device}");
    assert!(text(&device["user_agent"]).contains("baresip"), "{device}");
    assert_eq!(
        (&device["transport"], &device["reachable"]),
        (&json!("UDP"), &json!(true))
    );
    let listed = body(&anna.get("/users?q=501"))["items"][0].clone();
    assert_eq!(listed["registrations"], devices.len(), "{listed}");
    assert!(text(&device["expires_at"]).ends_with('Z'), "{device}");
    drop(phone);
    assert_eq!(anna.get("/users/nobody/registrations").status, 404);
}

/// Users as a spreadsheet of Central Europe writes them: a byte order mark, semicolons, quotes; Python's csv module does.
const MAKE_USERS: &str = "
import csv, sys
with open(sys.argv[1], 'w', encoding='utf-8-sig', newline='') as file:
    rows = csv.writer(file, delimiter=';', quoting=csv.QUOTE_ALL)
    rows.writerow(['Name', 'Display name', 'Numbers', 'Password'])
    for number in range(20000, 30000):
        rows.writerow([number, f'Ann; \"{number}\"', f'+49{number}', 'a-secret-of-mine' if number == 29999 else ''])
";

/// Ten thousand users come in one file, or none of them does, and the last one's phone registers.
pub(crate) fn file_of_users(tandem: &Tandem, anna: &Browser<'_>) {
    let csv = [("Content-Type", "text/csv")];
    let wrong = "name,numbers\n501,\n601,4930501\n601,x\n";
    let looked_at = anna.send("POST", "/users/import?dry_run=true", wrong.as_bytes(), &csv);
    assert_eq!(looked_at.status, 200, "{}", looked_at.body);
    let told = |answer: &Answer| {
        let problems = body(answer)["problems"].clone();
        let each = |problem: &Value| format!("{} {} {}", problem["line"], problem["field"], problem["code"]);
        let told: Vec<_> = problems.as_array().unwrap().iter().map(each).collect();
        told.join(", ").replace('"', "")
    };
    let all = "2 name name-there, 3 numbers number-there, 4 name name-twice, 4 numbers bad-number";
    assert_eq!(told(&looked_at), all, "{}", looked_at.body);
    let refused = anna.send("POST", "/users/import", wrong.as_bytes(), &csv);
    assert_eq!(
        (refused.status, told(&refused).as_str()),
        (422, all),
        "{}",
        refused.body
    );
    assert_eq!(anna.get("/users/601").status, 404);
    let long = anna.send("POST", "/users/import", &vec![b'x'; (4 << 20) + 1], &csv);
    assert_eq!(long.status, 413, "{}", long.body);

    let file = tandem.folder().join("users.csv");
    python(MAKE_USERS, &[file.to_str().unwrap()]);
    let file = fs::read(&file).unwrap();
    let looked_at = body(&anna.send("POST", "/users/import?dry_run=true", &file, &csv));
    assert_eq!(
        (&looked_at["created"], &looked_at["problems"]),
        (&json!(10_000), &json!([])),
    );
    assert_eq!(anna.get("/users/20000").status, 404);
    let made = anna.send("POST", "/users/import", &file, &csv);
    assert_eq!(made.status, 201, "{}", made.body);
    let made = body(&made);
    assert_eq!(made["created"], 10_000);
    let shown = body(&anna.get("/users/20000"));
    assert_eq!(
        (&shown["display_name"], &shown["numbers"]),
        (&json!("Ann; \"20000\""), &json!(["+4920000"]))
    );
    let newest = body(&anna.get("/audit"))["items"][0].clone();
    assert_eq!(newest["after"]["created"], 10_000, "{newest}");
    for (name, place) in [("20000", 0), ("29999", 9_999)] {
        let user = &made["users"][place];
        assert_eq!(user["name"], name);
        let password = text(&user["password"]);
        assert_eq!(password == "a-secret-of-mine", name == "29999");
        assert!(!newest.to_string().contains(&password));
        let phone = Baresip::builder(name, "office.example", &password, tandem.sip());
        phone.start().unwrap().wait_registered(SOON).unwrap();
    }

    // A user may be called as the path is.
    let import = anna.send("POST", "/users/import", b"name\nimport\n", &csv);
    assert_eq!(import.status, 201, "{}", import.body);
    assert_eq!(
        anna.edit("PATCH", "/users/import", &json!({ "display_name": "I" }))
            .status,
        200
    );
    assert_eq!(anna.edit("DELETE", "/users/import", &Value::Null).status, 204);
}
