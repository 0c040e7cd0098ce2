//! Templates that are made to do harm end in a diagnostic, soon, and never in a panic.

use netwhy::diag::{Code, Diagnostics, DocId};
use netwhy::doc::{Entry, Node, Number, Object, Value, parse_json};
use netwhy::formats::arm::{Deployment, Limits, Options, load};
use std::sync::Arc;

fn parse(text: &str) -> Node {
    parse_json(DocId(0), text, &mut Diagnostics::new()).expect("json")
}

/// Small limits, so that the tests meet them quickly.
fn small() -> Options {
    let limits = Limits {
        turns: 1_000,
        resources: 2_000,
        deployments_deep: 8,
        text: 64 << 10,
        values: 20_000,
        steps: 2_000_000,
    };
    Options { limits, ..Options::default() }
}

fn run(template: &Node, options: &Options) -> (Deployment, Diagnostics) {
    let mut notes = Diagnostics::new();
    let deployment = load(template, &[], options, &mut notes);
    (deployment, notes)
}

/// The template ends with this diagnostic, whose message has these words.
#[track_caller]
fn check(sections: &str, code: Code, words: &str) {
    let template = parse(&format!(r#"{{"contentVersion": "1.0.0.0", {sections}}}"#));
    let (_, notes) = run(&template, &small());
    let said = notes.iter().any(|n| n.code == code && n.message.contains(words));
    assert!(said, "{:#?}", notes.iter().take(5).collect::<Vec<_>>());
}

/// One output with this expression.
fn output(variables: &str, expression: &str) -> String {
    format!(
        r#""variables": {{{variables}}}, "resources": [], "outputs": {{"o": {{"type": "object", "value": "[{expression}]"}}}}"#
    )
}

/// Sixty variables, each made of the one before.
fn chain(first: &str, next: &str) -> String {
    let later = (1..60)
        .map(|i| format!(r#", "v{i}": "[{}]""#, next.replace("V", &format!("variables('v{}')", i - 1))));
    format!(r#""v0": "{first}"{}"#, later.collect::<String>())
}

#[test]
fn strings_do_not_grow_without_end() {
    let limit = (Code::ExpansionLimit, "string is longer");
    check(&output(&chain("xxxxxxxx", "concat(V, V)"), "variables('v59')"), limit.0, limit.1);
    check(&output(&chain("xxxxxxxx", "format('{0}{0}', V)"), "variables('v59')"), limit.0, limit.1);
    check(&output(&chain("xxxxxxxx", "replace(V, 'x', 'xx')"), "variables('v59')"), limit.0, limit.1);
    check(
        &output(&chain("xxxxxxxx", "uriComponent(concat(V, ' ', V))"), "variables('v59')"),
        limit.0,
        limit.1,
    );
    check(&output(&chain("xxxxxxxx", "join(createArray(V, V), V)"), "variables('v59')"), limit.0, limit.1);
    check(&output(&chain("xxxxxxxx", "string(createArray(V))"), "variables('v59')"), limit.0, limit.1);
    check(&output("", "padLeft('', 999999999)"), limit.0, limit.1);
}

#[test]
fn values_do_not_grow_without_end() {
    check(
        &output(&chain("x", "createArray(V, V)"), "variables('v59')"),
        Code::ExpansionLimit,
        "too many values",
    );
    check(
        &output(&chain("x", "createObject('a', V, 'b', V)"), "variables('v59')"),
        Code::ExpansionLimit,
        "too many",
    );
    let doubled = r#""v0": "x", "v1": ["[variables('v0')]", "[variables('v0')]"]"#;
    let more =
        (2..40).map(|i| format!(r#", "v{i}": ["[variables('v{}')]", "[variables('v{}')]"]"#, i - 1, i - 1));
    let doubled = format!("{doubled}{}", more.collect::<String>());
    check(&output(&doubled, "variables('v39')"), Code::ExpansionLimit, "too many values");
    check(
        &output("", "reduce(range(0, 900), 0, lambda('a', 'b', createArray(lambdaVariables('a'))))"),
        Code::ExpansionLimit,
        "more than 200 deep",
    );
    check(&output("", "range(0, 100000)"), Code::ExpansionLimit, "`range` makes 100000");
    // The lists inside are counted while the outer one grows, and not only at its end.
    let inner = "map(range(0, 999), lambda('a', map(range(0, 999), lambda('b', range(0, 999)))))";
    check(&output("", inner), Code::ExpansionLimit, "too many values");
}

#[test]
fn work_is_bounded() {
    let loops = "map(range(0, 999), lambda('a', length(map(range(0, 999), lambda('b', length(map(range(0, 999), lambda('c', 1))))))))";
    check(&output("", loops), Code::ExpansionLimit, "steps");
    check(&output("", "equals(newGuid(), fail('x'))"), Code::FailedExpression, "is called");
    let big: Vec<String> = (0..3000).map(|i| format!(r#""k{i}": {i}"#)).collect();
    let big = format!(r#""big": {{{}}}"#, big.join(","));
    let look_ups = "map(range(0, 999), lambda('a', map(range(0, 999), lambda('b', variables('big').k2999))))";
    check(&output(&big, look_ups), Code::ExpansionLimit, "steps");
    let merges = "reduce(range(0, 999), createObject(), lambda('a', 'b', union(lambdaVariables('a'), variables('big'))))";
    check(&output(&big, merges), Code::ExpansionLimit, "steps");
}

#[test]
fn recursion_is_bounded() {
    check(
        r#""functions": [{"namespace": "n", "members": {"f": {"parameters": [],
             "output": {"type": "string", "value": "[n.f()]"}}}}],
           "resources": [], "outputs": {"o": {"type": "string", "value": "[n.f()]"}}"#,
        Code::ExpansionLimit,
        "expressions are nested more than",
    );
    let chain: Vec<String> = (1..6000).map(|i| format!(r#""v{i}": "[variables('v{}')]""#, i - 1)).collect();
    let chain = format!(r#""v0": "x", {}"#, chain.join(","));
    check(&output(&chain, "variables('v5999')"), Code::ExpansionLimit, "expressions are nested more than");
    let deep = format!("{}1{}", "not(".repeat(300), ")".repeat(300));
    check(&output("", &deep), Code::BadExpression, "nested more than 100 deep");
}

#[test]
fn loops_and_deployments_are_bounded() {
    let table = r#""type": "Microsoft.Network/routeTables", "apiVersion": "1""#;
    let resource = |copy: &str| format!(r#""resources": [{{{table}, "name": "x", "copy": {copy}}}]"#);
    check(&resource(r#"{"name": "l", "count": 1000000000}"#), Code::ExpansionLimit, "turns 1000000000 times");
    check(&resource(r#"{"name": "l", "count": -1}"#), Code::FailedExpression, "cannot turn -1 times");
    check(&resource(r#"{"name": "l"}"#), Code::FailedExpression, "no `count`");
    let many =
        (0..4).map(|i| format!(r#"{{{table}, "name": "n{i}", "copy": {{"name": "l", "count": 900}}}}"#));
    let many = many.collect::<Vec<_>>().join(",");
    check(&format!(r#""resources": [{many}]"#), Code::ExpansionLimit, "more than 2000 resources");

    let mut nested = r#"{"resources": []}"#.to_owned();
    for _ in 0..12 {
        nested = format!(
            r#"{{"resources": [{{"type": "Microsoft.Resources/deployments", "apiVersion": "1", "name": "d",
               "properties": {{"template": {nested}}}}}]}}"#
        );
    }
    let template = parse(&nested);
    let (_, notes) = run(&template, &small());
    assert!(notes.iter().any(|n| n.code == Code::ExpansionLimit && n.message.contains("nested more than 8")));
}

#[test]
fn a_template_that_links_itself_ends() {
    let link = r#"{"type": "Microsoft.Resources/deployments", "apiVersion": "1", "name": "[concat('d', copyIndex())]",
        "copy": {"name": "l", "count": 3}, "properties": {"templateLink": {"relativePath": "self.json"}}}"#;
    let template = parse(&format!(r#"{{"contentVersion": "1", "resources": [{link}]}}"#));
    let options = Options { linked: vec![("self.json".into(), template.clone())], ..small() };
    let (deployment, notes) = run(&template, &options);
    assert!(notes.iter().any(|n| n.code == Code::ExpansionLimit));
    assert!(deployment.stats.deployments <= options.limits.resources);
}

#[test]
fn documents_of_another_shape_do_no_harm() {
    for text in [
        "1",
        "[]",
        "{}",
        r#"{"resources": 1}"#,
        r#"{"resources": [1, "[x]", null, []]}"#,
        r#"{"resources": {"a": 1}, "parameters": [], "variables": "[x]", "outputs": [], "functions": {}}"#,
        r#"{"resources": [{"type": [], "name": {}, "copy": [], "condition": "maybe", "resources": 5}]}"#,
        r#"{"resources": [{"type": "Microsoft.Resources/deployments", "name": "d", "properties": 5}]}"#,
        r#"{"resources": [{"type": "Microsoft.Resources/deployments", "name": "d", "properties": {"template": []}}]}"#,
        r#"{"resources": [{"type": "Microsoft.Resources/deployments", "name": "d", "properties": {"templateLink": []}}]}"#,
        r#"{"parameters": {"a": 1, "b": {"type": 5, "allowedValues": 5, "defaultValue": "[parameters('a')]"}},
            "resources": [], "outputs": {"o": {"value": "[parameters('b')]"}, "p": 1, "q": {"copy": {"count": "x"}}}}"#,
        r#"{"variables": {"copy": [1, {"name": 1}, {"name": "v", "count": "x", "input": 1}]}, "resources": [],
            "outputs": {"o": {"value": "[variables('v')]"}}}"#,
    ] {
        run(&parse(text), &small());
    }
}

// ---- mutations ----

/// A small generator with its seed in the open.
struct Random(u64);

impl Random {
    fn next(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % below.max(1) as u64) as usize
    }
}

const SEED_TEMPLATE: &str = include_str!("fuzz/template.json");

const PIECES: [&str; 28] = [
    "[",
    "]",
    "(",
    ")",
    "'",
    ",",
    ".",
    "[0]",
    "[?0]",
    ".?",
    "parameters('a')",
    "variables('v')",
    "reference('net')",
    "copyIndex()",
    "-1",
    "999999999999",
    "null()",
    "createArray(",
    "lambda('x', ",
    "lambdaVariables('x')",
    "{0}",
    "𝒳é",
    "n.f(",
    "GEN-UNIQUE-3",
    "..",
    "[[",
    "resourceId('a/b', 'c')",
    "uniqueString(",
];

/// Changes a few strings and values of a tree.
fn mutate(node: &Node, random: &mut Random) -> Node {
    let value = match &node.value {
        _ if random.next(60) == 0 => any_value(random),
        Value::String(text) if random.next(6) == 0 => Value::String(mutated_text(text, random).into()),
        Value::Array(items) => Value::Array(Arc::new(items.iter().map(|n| mutate(n, random)).collect())),
        Value::Object(object) => {
            let mut out = Object::new();
            for entry in object.iter().filter(|_| random.next(60) != 0).cloned().collect::<Vec<_>>() {
                let key = if random.next(80) == 0 { any_key(random) } else { entry.key.clone() };
                out.push(Entry { key, key_at: entry.key_at, value: mutate(&entry.value, random) });
            }
            Value::Object(Arc::new(out))
        }
        other => other.clone(),
    };
    Node { at: node.at, value }
}

fn any_key(random: &mut Random) -> Arc<str> {
    ["copy", "existing", "scope", "condition", "value", "type", "[x]", "…", ""][random.next(9)].into()
}

fn any_value(random: &mut Random) -> Value {
    match random.next(7) {
        0 => Value::Null,
        1 => Value::Bool(true),
        2 => Value::Number(Number::Int(-7)),
        3 => Value::Number(Number::Float(1e300)),
        4 => Value::Array(Arc::new(vec![Node::built(Value::Null)])),
        5 => Value::Object(Arc::new(Object::new())),
        _ => Value::String(PIECES[random.next(PIECES.len())].into()),
    }
}

fn mutated_text(text: &str, random: &mut Random) -> String {
    let mut chars: Vec<String> = text.chars().map(String::from).collect();
    for _ in 0..=random.next(3) {
        let at = random.next(chars.len() + 1);
        match random.next(3) {
            0 if at < chars.len() => {
                chars.remove(at);
            }
            1 if at < chars.len() => chars.truncate(at),
            _ => chars.insert(at, PIECES[random.next(PIECES.len())].to_owned()),
        }
    }
    chars.concat()
}

#[test]
fn mutated_templates_never_panic() {
    let template = parse(SEED_TEMPLATE);
    let (deployment, notes) = run(&template, &small());
    assert_eq!(deployment.stats.resources, 6, "{notes:#?}");
    assert_eq!(deployment.outputs.len(), 4);
    let options = small();
    for seed in 1..=4_000u64 {
        let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let mutated = mutate(&template, &mut random);
        let outcome = std::panic::catch_unwind(|| run(&mutated, &options));
        assert!(outcome.is_ok(), "seed {seed}: {mutated}");
    }
}

#[test]
fn mutated_parameter_files_never_panic() {
    let template = parse(SEED_TEMPLATE);
    let file = parse(
        r#"{"parameters": {"a": {"value": "GEN-UNIQUE-5"}, "b": {"value": 3}, "m": {"reference": {}},
            "t": {"value": {"s": "x"}}, "list": {"value": ["GEN-PASSWORD", [1]]}}}"#,
    );
    for seed in 1..=500u64 {
        let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let mutated = mutate(&file, &mut random);
        let mut notes = Diagnostics::new();
        load(&template, &[&mutated], &small(), &mut notes);
    }
}
