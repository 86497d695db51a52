//! A large flow.

use serde_json::{Value, json};

/// 200 nodes as people draw them, a fifth of each of these kinds, in a circle; and `bye`, which hangs up. Calls begin at
/// `start`.
pub fn large(start: &str) -> String {
    let bye = json!({"id": "bye", "name": "Hang up", "do": {"hang_up": {}}});
    let nodes: Vec<Value> = (0..200)
        .map(|index| {
            let next = format!("step-{}", (index + 1) % 200);
            let say = json!([{"say": "Thank you for calling, {caller}. All our agents are busy at the moment."}]);
            let action = match index % 5 {
                0 => json!({"menu": {"greeting": say, "prompts": [{"say": "For sales, press 1. For support, press 2."}],
                    "choices": {"1": next, "2": next, "0": next}, "default": next}}),
                1 => json!({"say": {"prompts": say, "next": next}}),
                2 => json!({"dial_user": {"user": "302", "timeout_s": 20, "on": {"busy": next}, "default": next}}),
                3 => json!({"if": {"when": {"all": [{"open": "office"}, {"equals": [{"variable": "caller"}, {"fixed": "301"}]}]},
                    "then": next, "else": next}}),
                _ => json!({"set": {"variable": "x", "value": {"text": "{caller} {time}"}, "next": next}}),
            };
            json!({"id": format!("step-{index}"), "name": format!("The step number {index}"), "do": action})
        })
        .chain([bye])
        .collect();
    json!({"version": 1, "name": "Large", "language": "en", "start": start, "nodes": nodes}).to_string()
}
