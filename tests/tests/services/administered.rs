//! What the administrator set and scenarios look up: opening hours, contacts; and what they count for him.

use serde_json::json;
use tandem_kit::baresip::Baresip;
use tandem_kit::folder::Folder;
use tandem_kit::tandem::Tandem;
use tandem_tests::modules;

use super::{answers, caller, offer, ok};

const OTHER: &str = "other.local";

#[test]
fn hours_contacts_and_metrics_are_the_domains_own() {
    let tandem = Tandem::builder().start().unwrap();
    let passwords = modules::add_domain(&tandem, OTHER, &["301"]).unwrap();
    let domain = tandem.demo().domain.clone();
    let folder = Folder::new("services").unwrap();
    let write = |name: &str, text: &str| folder.write(name, text).unwrap().to_str().unwrap().to_owned();

    let open = write("open.toml", "[week]\nmon-sun = [\"00:00-24:00\"]\n");
    let holiday = write(
        "holiday.json",
        r#"{ "week": { "mon-fri": ["09:00-17:00"] }, "holidays": { "2000-01-01/2999-12-31": "Holidays" } }"#,
    );
    ok(&tandem, &["schedule", "set", &domain, "always", &open]);
    ok(&tandem, &["schedule", "set", &domain, "never", &holiday]);
    let test = ok(
        &tandem,
        &["schedule", "test", &domain, "always", "--at", "2026-03-29T02:30"],
    );
    assert_eq!(test, "open, and no change within a year\n");
    let book = write(
        "book.csv",
        "name,company,mobile,phone\nAnn,Acme,+49 (0)30 1234567,\nBob,Acme,,302\nCid,,0171 7654321,\n",
    );
    ok(&tandem, &["contacts", "import", &domain, &book]);

    let steps = json!([
        { "schedule": "always" },
        { "schedule": "never" },
        { "schedule": "unknown" },
        { "find": "0049301234567" },
        { "find": "302" },
        { "find": "1302" },
        { "search": ["acme", 10] },
        { "count": ["orders", 2] },
        { "count": ["orders", 1] },
        { "gauge": ["queue", 2.5] },
        { "observe": ["wait_s", 3.0] },
        { "gauge": ["orders", 1.0] },
        { "count": ["Orders!", 1] },
    ]);
    for name in [domain.as_str(), OTHER] {
        offer(&tandem, name, "700", &steps);
    }
    let all = steps.as_array().unwrap().len();
    let ours = caller(&tandem);
    let said = answers(&tandem, &ours, "700", all);
    for (step, words) in [
        (0, "State::Open until None"),
        (1, "State::Holiday(\"Holidays\") until None"),
        (2, "schedule: there is none of this name"),
        (3, "Ann, mobile of Acme"),
        (4, "Bob,  of Acme"),
        (5, "nobody"),
        (6, "Ann, Bob"),
        (7, "Ok(())"),
        (10, "Ok(())"),
        (11, "Err(MetricError::Limit(\"orders is a counter already\"))"),
        (12, "Err(MetricError::BadArgument("),
    ] {
        let said = &said[step];
        assert!(said.contains(words), "step {step}: {said}");
    }

    let stranger = Baresip::builder("301", OTHER, &passwords[0], tandem.sip())
        .expires_s(0)
        .start()
        .unwrap();
    let said = answers(&tandem, &stranger, "700", all);
    assert!(
        said[..3]
            .iter()
            .all(|said| said.contains("there is none of this name")),
        "{said:?}"
    );
    assert_eq!(said[3..7], ["nobody", "nobody", "nobody", ""]);

    let (_, page) = tandem_kit::http::get(tandem.web(), "/metrics").unwrap();
    for line in [
        format!("tandem_scenario_count_total{{domain=\"{domain}\",name=\"orders\"}} 3"),
        format!("tandem_scenario_count_total{{domain=\"{OTHER}\",name=\"orders\"}} 3"),
        format!("tandem_scenario_gauge{{domain=\"{domain}\",name=\"queue\"}} 2.5"),
        format!("tandem_scenario_observation_count{{domain=\"{domain}\",name=\"wait_s\"}} 1"),
    ] {
        assert!(page.lines().any(|own| own == line), "no {line} in\n{page}");
    }
}
