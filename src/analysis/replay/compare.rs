//! Two answers side by side: every field of Azure's is looked for in ours.

use serde::Serialize;
use serde_json::Value;

/// A field of Azure's answer beside ours.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Compared {
    /// The way to it: `hops/1/type`.
    pub field: String,
    /// What Azure says.
    pub azure: Value,
    /// What we say; `null` where we say nothing.
    pub ours: Value,
    /// Whether they are the same.
    pub agrees: bool,
}

/// Fields that tell of the measurement, or that are new in every answer.
const MEASURED: &[&str] = &[
    "nextHopIds",
    "previousHopIds",
    "links",
    "previousLinks",
    "avgLatencyInMs",
    "minLatencyInMs",
    "maxLatencyInMs",
    "probesSent",
    "probesFailed",
    "uploadBandwidthKBps",
    "downloadBandwidthKBps",
    "etag",
    "provisioningState",
];

/// Objects that a recording repeats from elsewhere: the rules as written stand in the group itself.
const REPEATED: &[&str] = &["defaultSecurityRules", "securityRules", "tagMap"];

/// Compares two answers.
pub(super) fn compare(azure: &Value, ours: &Value) -> Vec<Compared> {
    let mut walk = Walk { out: Vec::new() };
    walk.value("", "", azure, ours);
    walk.out
}

struct Walk {
    out: Vec<Compared>,
}

impl Walk {
    fn value(&mut self, path: &str, key: &str, azure: &Value, ours: &Value) {
        match azure {
            Value::Object(fields) => {
                for (name, value) in fields {
                    let skipped = MEASURED.contains(&name.as_str()) || REPEATED.contains(&name.as_str());
                    // A hop's number is drawn anew in every answer.
                    if skipped || (name == "id" && key == "hops") {
                        continue;
                    }
                    self.value(&joined(path, name), name, value, field(ours, name));
                }
            }
            Value::Array(items) if are_objects(azure) || are_objects(ours) => {
                self.objects(path, key, items, ours);
            }
            Value::Array(items) => self.leaf(path, azure, ours, same_set(items, ours)),
            _ => self.leaf(path, azure, ours, same(azure, ours)),
        }
    }

    /// Lists of objects by what names them; what only we have counts too, unless it is a word of our own.
    fn objects(&mut self, path: &str, key: &str, azure: &[Value], ours: &Value) {
        let before = self.out.len();
        let own = ours.as_array().map(Vec::as_slice).unwrap_or_default();
        let mut left: Vec<(String, &Value)> =
            own.iter().enumerate().map(|(number, item)| (name_of(key, number, item), item)).collect();
        for (number, item) in azure.iter().enumerate() {
            let name = name_of(key, number, item);
            let place = joined(path, &name);
            match left.iter().position(|(other, _)| *other == name) {
                Some(found) => {
                    let (_, other) = left.remove(found);
                    self.value(&place, key, item, other);
                }
                None => self.leaf(&place, item, &Value::Null, false),
            }
        }
        for (name, item) in left.iter().filter(|(name, _)| !name.starts_with("x-")) {
            self.leaf(&joined(path, name), &Value::Null, item, false);
        }
        if self.out.len() == before {
            self.leaf(path, &Value::Array(Vec::new()), &Value::Array(Vec::new()), true);
        }
    }

    fn leaf(&mut self, path: &str, azure: &Value, ours: &Value, agrees: bool) {
        let (field, azure, ours) = (path.to_owned(), azure.clone(), ours.clone());
        self.out.push(Compared { field, azure, ours, agrees });
    }
}

fn are_objects(list: &Value) -> bool {
    list.as_array().is_some_and(|items| items.iter().any(Value::is_object))
}

fn joined(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}/{name}") }
}

fn field<'a>(object: &'a Value, name: &str) -> &'a Value {
    let found = object.as_object().and_then(|o| o.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)));
    found.map_or(&Value::Null, |(_, value)| value)
}

/// What names an item of a list.
fn name_of(key: &str, number: usize, item: &Value) -> String {
    let text = |name: &str| said(field(item, name));
    let name = match key {
        "hops" | "results" => number.to_string(),
        "issues" => text("type"),
        "networkInterfaces" => text("id"),
        "context" => text("key"),
        "evaluatedNetworkSecurityGroups" => text("networkSecurityGroupId"),
        _ if is_route(item) => route_name(item),
        _ if !field(item, "association").is_null() => said(field(field(item, "networkSecurityGroup"), "id")),
        _ => text("name"),
    };
    name.to_ascii_lowercase()
}

fn is_route(item: &Value) -> bool {
    !field(item, "addressPrefix").is_null() && !field(item, "source").is_null()
}

/// A route by its source and prefix. An endpoint's route, and one for a service tag, hold all prefixes of a service,
/// which change every week.
fn route_name(item: &Value) -> String {
    let list = |name: &str| field(item, name).as_array().map(Vec::as_slice).unwrap_or_default();
    let (source, hop) = (said(field(item, "source")), said(field(item, "nextHopType")));
    let prefix = match (list("destinationServiceTags"), list("addressPrefix")) {
        _ if hop.eq_ignore_ascii_case(SERVICE_ENDPOINT) => hop,
        ([tag], _) => said(tag),
        (_, [only]) => said(only),
        _ => hop,
    };
    format!("{source} {prefix}")
}

/// How a route's fields begin where its prefixes are those of a service on some day.
pub(super) fn weekly(item: &Value) -> Option<String> {
    let tagged = field(item, "destinationServiceTags").as_array().is_some_and(|tags| !tags.is_empty());
    let endpoint = said(field(item, "nextHopType")).eq_ignore_ascii_case(SERVICE_ENDPOINT);
    (is_route(item) && (tagged || endpoint))
        .then(|| format!("value/{}", route_name(item).to_ascii_lowercase()))
}

const SERVICE_ENDPOINT: &str = "VirtualNetworkServiceEndpoint";

fn said(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// Words of one generation of the API, and what another says for them.
const SPELLINGS: &[(&str, &str)] = &[
    ("connected", "reachable"),
    ("disconnected", "unreachable"),
    ("vnetlocal", "virtualnetwork"),
    ("vnetpeering", "virtualnetworkpeering"),
    ("globalvnetpeering", "vnetglobalpeering"),
];

/// How rules of a group are called beside `defaultSecurityRules/NAME` and `securityRules/NAME`.
const RULES: &[(&str, &str)] = &[("defaultrule_", "defaultsecurityrules/"), ("userrule_", "securityrules/")];

/// Spellings that mean the same: case does not count, nor which generation of the API speaks.
fn same(azure: &Value, ours: &Value) -> bool {
    let plain = |value: &Value| {
        let text = said(value).to_ascii_lowercase();
        if let Some((_, other)) = SPELLINGS.iter().find(|(word, _)| *word == text) {
            return (*other).to_owned();
        }
        let rule = RULES.iter().find_map(|(word, path)| Some(format!("{path}{}", text.strip_prefix(word)?)));
        rule.unwrap_or(text)
    };
    plain(azure) == plain(ours)
}

fn same_set(azure: &[Value], ours: &Value) -> bool {
    let set = |items: &[Value]| {
        let mut out: Vec<String> = items.iter().map(|v| said(v).to_ascii_lowercase()).collect();
        out.sort();
        // Azure may repeat an entry: what is told once of a subnet and once of an interface.
        out.dedup();
        out
    };
    set(azure) == set(ours.as_array().map(Vec::as_slice).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// The fields that differ.
    #[track_caller]
    fn check(azure: &Value, ours: &Value, differing: &[&str]) {
        let found = compare(azure, ours);
        let found: Vec<&str> = found.iter().filter(|c| !c.agrees).map(|c| c.field.as_str()).collect();
        assert_eq!(found, differing);
    }

    #[test]
    fn spelling_order_and_measurements_do_not_count() {
        check(&json!({"access": "Allow", "ruleId": ""}), &json!({"access": "allow"}), &[]);
        check(&json!({"connectionStatus": "Connected"}), &json!({"connectionStatus": "Reachable"}), &[]);
        check(&json!({"hops": [{"id": "a", "probesSent": 3}]}), &json!({"hops": [{"id": "b"}]}), &[]);
        check(&json!({"p": ["10.0.0.0/8", "a"]}), &json!({"p": ["A", "10.0.0.0/8"]}), &[]);
        check(&json!({"p": ["0.0.0.0/0", "0.0.0.0/0"]}), &json!({"p": ["0.0.0.0/0"]}), &[]);
        check(&json!({"nextHopType": "VirtualNetwork"}), &json!({"nextHopType": "VnetLocal"}), &[]);
        check(
            &json!({"ruleName": "DefaultRule_DenyAllInBound"}),
            &json!({"ruleName": "defaultSecurityRules/DenyAllInBound"}),
            &[],
        );
        check(
            &json!({"issues": [{"type": "T"}]}),
            &json!({"issues": [{"type": "x-own"}, {"type": "T"}]}),
            &[],
        );
    }

    #[test]
    fn a_field_an_item_and_a_surplus_count() {
        check(&json!({"access": "Allow"}), &json!({"access": "Deny"}), &["access"]);
        check(&json!({"access": "Allow"}), &json!({}), &["access"]);
        check(
            &json!({"nextHopType": "VirtualNetworkPeering"}),
            &json!({"nextHopType": "VnetLocal"}),
            &["nextHopType"],
        );
        check(&json!({"ruleName": "UserRule_a"}), &json!({"ruleName": "securityRules/b"}), &["ruleName"]);
        check(&json!({"p": ["a"]}), &json!({"p": ["a", "b"]}), &["p"]);
        let route = |prefix: &str, state: &str| json!({"source": "Default", "addressPrefix": [prefix], "state": state});
        check(
            &json!({"value": [route("a", "Active"), route("b", "Active")]}),
            &json!({"value": [route("c", "Active"), route("a", "Invalid")]}),
            &["value/default a/state", "value/default b", "value/default c"],
        );
        check(
            &json!({"hops": [{"type": "S"}]}),
            &json!({"hops": [{"type": "S"}, {"type": "D"}]}),
            &["hops/1"],
        );
    }
}
