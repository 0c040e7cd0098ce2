//! What each function gives, as Microsoft's reference describes it.

use crate::diag::{Diagnostics, DocId};
use crate::doc::{Node, parse_json};
use crate::formats::arm::{Cloud, Options, load};

/// The template every expression stands in.
const TEMPLATE: &str = r#"{
  "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
  "contentVersion": "1.0.0.0",
  "languageVersion": "2.0",
  "parameters": {
    "missing": {"type": "string"},
    "secret": {"type": "secureString", "defaultValue": "hush"},
    "noSecret": {"type": "secureString", "defaultValue": ""}
  },
  "functions": [{"namespace": "contoso", "members": {
    "twice": {"parameters": [{"name": "what", "type": "string"}],
              "output": {"type": "string", "value": "[concat(parameters('what'), parameters('what'))]"}}
  }}],
  "variables": {
    "dogs": [
      {"name": "Evie", "age": 5, "likes": ["ball", "frisbee"]},
      {"name": "Casper", "age": 3, "likes": ["dogs"]},
      {"name": "Indy", "age": 2, "likes": ["butter"]}
    ],
    "abc": {"c": {"n": 3}, "a": {"n": 1}, "B": {"n": 2}},
    "copy": [{"name": "squares", "count": 4, "input": "[mul(copyIndex('squares'), copyIndex('squares'))]"}],
    "itself": "[variables('itself')]",
    "mixed": ["a", "[parameters('missing')]", "c"]
  },
  "resources": {
    "store": {"type": "Microsoft.Storage/storageAccounts", "apiVersion": "2023-01-01", "name": "Store1",
      "location": "westeurope", "kind": "StorageV2", "sku": {"name": "Standard_LRS"},
      "identity": {"type": "SystemAssigned"}, "properties": {"publicNetworkAccess": "Disabled", "gone": null}},
    "nic": {"type": "Microsoft.Network/networkInterfaces", "apiVersion": "2023-01-01", "name": "nic",
      "properties": {"ipConfigurations": [{"name": "one", "properties": {"primary": true}}]}},
    "net": {"type": "Microsoft.Network/virtualNetworks", "apiVersion": "2023-01-01", "name": "net",
      "properties": {"subnets": [{"name": "web", "properties": {"addressPrefix": "10.0.0.0/24"}}]}},
    "vault": {"type": "Microsoft.KeyVault/vaults", "apiVersion": "2023-01-01", "name": "elsewhere",
      "existing": true},
    "named": {"type": "Microsoft.Network/virtualNetworks", "apiVersion": "2023-01-01",
      "name": "[parameters('missing')]", "properties": {}},
    "many": {"copy": {"name": "many", "count": 3}, "type": "Microsoft.Network/publicIPAddresses",
      "apiVersion": "2023-01-01", "name": "[concat('ip', copyIndex(1))]",
      "properties": {"idleTimeoutInMinutes": "[copyIndex()]"}}
  },
  "outputs": {"o": {"type": "object", "value": VALUE}}
}"#;

fn evaluate(expression: &str, options: &Options) -> String {
    let source = serde_json::Value::String(format!("[{expression}]")).to_string();
    let text = TEMPLATE.replace("VALUE", &source);
    let template = parse_json(DocId(0), &text, &mut Diagnostics::new()).expect("json");
    let deployment = load(&template, &[], options, &mut Diagnostics::new());
    let value = deployment.outputs.get("o").map_or_else(|| "no output".to_owned(), Node::to_string);
    value.replace("00000000-0000-0000-0000-000000000000", "ZERO")
}

#[track_caller]
fn check(expression: &str, expected: &str) {
    assert_eq!(evaluate(expression, &Options::default()), expected, "{expression}");
}

/// The expression fails as it would in a deployment, with these words.
#[track_caller]
fn check_fails(expression: &str, words: &str) {
    let got = evaluate(expression, &Options::default());
    assert!(
        got.starts_with("<unknown: the expression fails: ") && got.contains(words),
        "{expression}: {got}"
    );
}

/// The value is not known, for a reason with these words.
#[track_caller]
fn check_unknown(expression: &str, words: &str) {
    let got = evaluate(expression, &Options::default());
    let is_unknown = got.starts_with("<unknown: ") && !got.contains("fails") && got.contains(words);
    assert!(is_unknown, "{expression}: {got}");
}

#[test]
fn arrays() {
    check("array('a')", r#"["a"]"#);
    check("array(createArray(1))", "[1]");
    check("array(createObject('a', 1))", r#"[{"a":1}]"#);
    check("concat(createArray(1, 2), createArray(3))", "[1,2,3]");
    check_fails("concat('a', createArray(1))", "takes a list, not a string");
    check("createArray()", "[]");
    check("createArray(1, 'a', createArray())", r#"[1,"a",[]]"#);
    check("first(createArray('one', 'two'))", r#""one""#);
    check("last(createArray('one', 'two'))", r#""two""#);
    check("first(createArray())", "null");
    check("flatten(createArray(createArray(1, 2), createArray(), createArray(3)))", "[1,2,3]");
    check("indexOf(createArray('a', 'b', 'b'), 'b')", "1");
    check("lastIndexOf(createArray('a', 'b', 'b'), 'b')", "2");
    check("indexOf(createArray('a'), 'A')", "-1");
    check("indexFromEnd(createArray('a', 'b', 'c'), 1)", r#""c""#);
    check("tryIndexFromEnd(createArray('a'), 2)", "null");
    check(
        "tryIndexFromEnd(createArray(createArray(1, 2)), 1, createObject('value', 2, 'fromEnd', true()))",
        "1",
    );
    check("tryIndexFromEnd(createArray(createArray(1, 2)), 2, 0)", "null");
    check("tryGet(createArray(1, 2, 3), createObject('value', 1, 'fromEnd', true()))", "3");
    check("tryGet(createArray(1, 2, 3), createObject('value', 1))", "2");
    check("tryGet(createArray(1), createObject('value', 2, 'fromEnd', true()))", "null");
    check_fails("indexFromEnd(createArray('a'), 2)", "finds no item 2");
    check("length(createArray(1, 2, 3))", "3");
    check("range(5, 3)", "[5,6,7]");
    check("range(1, 0)", "[]");
    check_fails("range(1, -1)", "cannot count down");
    check("skip(createArray(1, 2, 3), 2)", "[3]");
    check("take(createArray(1, 2, 3), 2)", "[1,2]");
    check("take(createArray(1), 5)", "[1]");
    check("skip(createArray(1), -5)", "[1]");
    check("min(createArray(3, 1, 2))", "1");
    check("max(3, 1, 2)", "3");
    check("union(createArray('one', 'two'), createArray('two', 'three'))", r#"["one","two","three"]"#);
    check("union(createArray(createArray(1)), createArray(createArray(1), createArray(2)))", "[[1],[2]]");
    check(
        "intersection(createArray('one', 'two', 'three'), createArray('three', 'two'))",
        r#"["two","three"]"#,
    );
    check("contains(createArray('one'), 'one')", "true");
    check("contains(createArray('one'), 'One')", "false");
    check("empty(createArray())", "true");
    check("variables('squares')", "[0,1,4,9]");
    check("createArray(10, 20)[1]", "20");
    check_fails("createArray(10)[1]", "a list of 1 has no item 1");
    check("tryGet(createArray(10), 1)", "null");
    check("createArray(10)[?1]", "null");
}

#[test]
fn objects() {
    check("createObject('a', 1, 'b', createObject('c', null()))", r#"{"a":1,"b":{"c":null}}"#);
    check_fails("createObject('a')", "pairs");
    check("contains(createObject('One', 1), 'one')", "true");
    check("length(createObject('a', 1, 'b', 2))", "2");
    check("items(createObject('b', 2, 'a', 1))", r#"[{"key":"a","value":1},{"key":"b","value":2}]"#);
    check("objectKeys(variables('abc'))", r#"["a","B","c"]"#);
    check("intersection(json('{\"a\":1,\"b\":2}'), json('{\"a\":1,\"b\":3}'))", r#"{"a":1}"#);
    let merged = r#"{"property":{"one":"a","two":"b","three":"c2","four":"d"},"list":[3,4]}"#;
    check(
        "union(json('{\"property\":{\"one\":\"a\",\"two\":\"b\",\"three\":\"c1\"},\"list\":[1,2]}'), \
         json('{\"property\":{\"three\":\"c2\",\"four\":\"d\"},\"list\":[3,4]}'))",
        merged,
    );
    check(
        "shallowMerge(createArray(json('{\"a\":{\"x\":1}}'), json('{\"a\":{\"y\":2},\"b\":3}')))",
        r#"{"a":{"y":2},"b":3}"#,
    );
    check("tryGet(variables('abc'), 'a', 'n')", "1");
    check("tryGet(variables('abc'), 'z', 'n')", "null");
    check("tryGet(null(), 'z')", "null");
    check("variables('abc').B.n", "2");
    check("variables('ABC')['b'].N", "2");
    check("variables('abc').?z", "null");
    check("variables('abc').?z.n.m", "null");
    check_fails("variables('abc').z", "an object has no property `z`");
    check_fails("variables('dogs')[0].nme", "the nearest is `name`");
    check("json('[1, 2.5, \"a\", true, null]')", r#"[1,2.5,"a",true,null]"#);
    check("empty(json('null'))", "true");
    check_fails("json('{')", "not well-formed JSON");
    check(
        "mapValues(createObject('a', 1, 'b', 2), lambda('v', mul(lambdaVariables('v'), 10)))",
        r#"{"a":10,"b":20}"#,
    );
}

#[test]
fn strings() {
    check("concat('a', 'b', 3)", r#""ab3""#);
    check("'it''s'", r#""it's""#);
    check("format('{0}-{1:D3}-{0}', 'x', 7)", r#""x-007-x""#);
    check("format('{{{0}}}', 1)", r#""{1}""#);
    check("format('{0:N0} {0:N}', 8175133)", r#""8,175,133 8,175,133.00""#);
    check("format('{0:#,##0} {1:#,##0}', 8175133, -1200)", r#""8,175,133 -1,200""#);
    check("format('[{0,5}] [{0,-5}]', 'ab')", r#""[   ab] [ab   ]""#);
    check("format('{0:X2} {0:000}', 10)", r#""0A 010""#);
    check("format('{0}', true())", r#""True""#);
    check("format('{0}', createArray(1, 'a'))", r#""[1,\"a\"]""#);
    check_fails("format('{1}', 'a')", "has no value for `{1}`");
    check_fails("format('{0', 'a')", "unpaired");
    check_unknown("format('{0:C}', 1)", "not modelled");
    check("replace('123-123-1234', '-', '')", r#""1231231234""#);
    check("split('one,two,three', ',')", r#"["one","two","three"]"#);
    check("split('one;two,three', createArray(',', ';'))", r#"["one","two","three"]"#);
    check("split('', ',')", r#"[""]"#);
    check("split(',a,', ',')", r#"["","a",""]"#);
    check("join(createArray('one', 'two'), ', ')", r#""one, two""#);
    check("padLeft('123', 10, '0')", r#""0000000123""#);
    check("padLeft(7, 3)", r#""  7""#);
    check("startsWith('abcdef', 'AB')", "true");
    check("endsWith('abcdef', 'e')", "false");
    check("endsWith('abcdef', 'EF')", "true");
    check("substring('one two three', 4, 3)", r#""two""#);
    check("substring('one two', 4)", r#""two""#);
    check_fails("substring('one', 2, 5)", "behind the end");
    check("toLower('One Two')", r#""one two""#);
    check("toUpper('One Two')", r#""ONE TWO""#);
    check("trim('  a b ')", r#""a b""#);
    check("first('One')", r#""O""#);
    check("last('One')", r#""e""#);
    check("take('abc', 2)", r#""ab""#);
    check("skip('abc', 2)", r#""c""#);
    check("length('One Two Three')", "13");
    check("indexOf('test', 't')", "0");
    check("lastIndexOf('test', 't')", "3");
    check("indexOf('abcdef', 'CD')", "2");
    check("indexOf('abcdef', 'z')", "-1");
    check("contains('OneTwoThree', 'e')", "true");
    check("contains('OneTwoThree', 'E')", "false");
    check("empty('')", "true");
    check("string(1)", r#""1""#);
    check("string(createObject('a', createArray(1, true())))", r#""{\"a\":[1,true]}""#);
    check("string('a')", r#""a""#);
    check("contoso.twice('ab')", r#""abab""#);
    check("CONTOSO.Twice('ab')", r#""abab""#);
    check_fails("contoso.thrice('ab')", "no function `contoso.thrice`");
    check_fails("fail('enough')", "is called: enough");
    check_fails("toLower(1)", "`toLower`: takes a string, not a number");
    check_fails("toLower('a', 'b')", "`toLower` takes 1 arguments, not 2");
}

#[test]
fn hashes() {
    let id = "/subscriptions/00000000-0000-4000-8000-000000000084/resourceGroups/rg-p84";
    check(&format!("uniqueString('{id}', 'p84fixture')"), r#""52p2c4jfs43ig""#);
    check("length(uniqueString('a'))", "13");
    // A name-based GUID of version 5 over `a-b`, in the namespace Microsoft states.
    check("guid('a', 'b')", r#""2d796349-8c7e-55ec-9624-54ece82ed031""#);
    check("equals(guid('a'), guid('a'))", "true");
    check("equals(guid('a'), guid('b'))", "false");
    check("length(newGuid())", "36");
    check("equals(newGuid(), newGuid())", "true");
}

#[test]
fn encodings() {
    check("base64('one, two, three')", r#""b25lLCB0d28sIHRocmVl""#);
    check("base64ToString('b25lLCB0d28sIHRocmVl')", r#""one, two, three""#);
    check("base64ToJson(base64('{\"one\": \"a\"}'))", r#"{"one":"a"}"#);
    check_fails("base64ToString('%%%')", "not base64");
    check("dataUri('Hello')", r#""data:text/plain;charset=utf8;base64,SGVsbG8=""#);
    check("dataUriToString('data:;base64,SGVsbG8sIFdvcmxkIQ==')", r#""Hello, World!""#);
    check("uriComponent('http://a.org/b c')", r#""http%3A%2F%2Fa.org%2Fb%20c""#);
    check("uriComponentToString('http%3A%2F%2Fa.org%2Fb%20c')", r#""http://a.org/b c""#);
    check("uri('http://contoso.org/firstpath', 'myscript.sh')", r#""http://contoso.org/myscript.sh""#);
    check(
        "uri('http://contoso.org/firstpath/', 'myscript.sh')",
        r#""http://contoso.org/firstpath/myscript.sh""#,
    );
    check(
        "uri('http://contoso.org/a/azuredeploy.json', '../b/./c.json?x=1')",
        r#""http://contoso.org/b/c.json?x=1""#,
    );
    check("uri('http://contoso.org/a/b', '/c')", r#""http://contoso.org/c""#);
    check("uri('http://contoso.org', 'c')", r#""http://contoso.org/c""#);
    check("uri('http://contoso.org/a', 'https://other/b')", r#""https://other/b""#);
    check_fails("uri('a/b', 'c')", "absolute address");
    check("parseUri('https://a.org:8080/b?c=1').port", "8080");
    check("buildUri(createObject('host', 'a.org', 'path', 'b'))", r#""https://a.org/b""#);
}

#[test]
fn numbers() {
    check("add(5, 3)", "8");
    check("sub(7, 3)", "4");
    check("mul(5, 3)", "15");
    check("div(8, 3)", "2");
    check("div(-8, 3)", "-2");
    check("mod(7, 3)", "1");
    check("int('4')", "4");
    check("float('4.5')", "4.5");
    check("min(0, 3)", "0");
    check("max(createArray(0, 3))", "3");
    check_fails("div(1, 0)", "divides by zero");
    check_fails("add(9223372036854775807, 1)", "range of whole numbers");
    check_fails("int('x')", "cannot read `x`");
    check_fails("add('1', 2)", "`add`: takes a whole number, not a string");
    check_fails("copyIndex()", "there is no loop around");
}

#[test]
fn logic() {
    check("and(true(), bool('true'), not(false()))", "true");
    check("or(false(), false())", "false");
    check("bool(1)", "true");
    check("bool('False')", "false");
    check("if(equals(1, 1), 'yes', fail('never'))", r#""yes""#);
    check("if(false(), variables('itself'), 'no')", r#""no""#);
    check("coalesce(null(), 'a', fail('never'))", r#""a""#);
    check("coalesce(null(), null())", "null");
    check_fails("if('true', 1, 2)", "`if` takes a truth value, not a string");
    check("equals(createArray('a', 'b'), createArray('a', 'b'))", "true");
    check("equals(createObject('a', 1), createObject('A', 1))", "true");
    check("equals('a', 'A')", "false");
    check("equals('1', 1)", "false");
    check("less(1, 2)", "true");
    check("lessOrEquals(2, 2)", "true");
    // The documented example: lower case comes before upper case.
    check("greater('A', 'a')", "true");
    check("less('A', 'a')", "false");
    check("less('apple', 'Banana')", "true");
    check("less('ab', 'abc')", "true");
    check_unknown("less('a-b', 'a_b')", "not documented");
    check_fails("less(1, 'a')", "two numbers or two strings");
    check_fails("variables('itself')", "depends on itself");
}

#[test]
fn dates() {
    check("utcNow()", r#""20240101T000000Z""#);
    check("utcNow('yyyy-MM-dd')", r#""2024-01-01""#);
    check("utcNow('d')", r#""01/01/2024""#);
    check("dateTimeAdd('2020-04-07 14:53:14Z', 'P3Y')", r#""2023-04-07 14:53:14Z""#);
    check("dateTimeAdd('2020-04-07 14:53:14Z', '-P9D')", r#""2020-03-29 14:53:14Z""#);
    check("dateTimeAdd('2020-04-07 14:53:14Z', 'PT1H')", r#""2020-04-07 15:53:14Z""#);
    check("dateTimeAdd('2020-01-31T00:00:00Z', 'P1M', 'yyyy-MM-dd')", r#""2020-02-29""#);
    check("dateTimeToEpoch('2023-05-11T11:18:48Z')", "1683803928");
    check("dateTimeFromEpoch(1683040573)", r#""2023-05-02T15:16:13Z""#);
    check("dateTimeToEpoch('2020-01-01T01:00:00+01:00')", "1577836800");
    check("dateTimeAdd(utcNow('u'), 'P1D', 'ddd dd MMM yyyy hh:mm tt')", r#""Tue 02 Jan 2024 12:00 AM""#);
    check_fails("dateTimeToEpoch('2023-02-29')", "cannot read");
    check_fails("dateTimeAdd('2020-04-07', '3 days')", "cannot add");
}

#[test]
fn address_ranges() {
    check(
        "parseCidr('10.144.0.0/20')",
        r#"{"network":"10.144.0.0","netmask":"255.255.240.0","broadcast":"10.144.15.255","firstUsable":"10.144.0.1","lastUsable":"10.144.15.254","cidr":20}"#,
    );
    check(
        "parseCidr('fdad:3236:5555::/48')",
        r#"{"network":"fdad:3236:5555::","netmask":"ffff:ffff:ffff::","firstUsable":"fdad:3236:5555::","lastUsable":"fdad:3236:5555:ffff:ffff:ffff:ffff:ffff","cidr":48}"#,
    );
    check("cidrSubnet('10.144.0.0/20', 24, 4)", r#""10.144.4.0/24""#);
    check("cidrSubnet('fdad:3236:5555::/48', 52, 3)", r#""fdad:3236:5555:3000::/52""#);
    check("cidrHost('10.144.3.0/24', 0)", r#""10.144.3.1""#);
    check("cidrHost('10.144.3.0/24', 253)", r#""10.144.3.254""#);
    check("cidrHost('fdad:3236:5555:3000::/52', 4)", r#""fdad:3236:5555:3000::5""#);
    check_fails("cidrHost('10.144.3.0/24', 254)", "has no host 254");
    check_fails("cidrSubnet('10.0.0.0/24', 25, 2)", "has no subnet 2");
    check_fails("cidrSubnet('10.0.0.0/24', 20, 0)", "cannot make subnets");
    check_fails("parseCidr('10.0.0.0')", "takes an address range");
}

#[test]
fn lambdas() {
    check("map(variables('dogs'), lambda('d', lambdaVariables('d').name))", r#"["Evie","Casper","Indy"]"#);
    check(
        "map(createArray('a', 'b'), lambda('x', 'i', format('{0}{1}', lambdaVariables('x'), lambdaVariables('i'))))",
        r#"["a0","b1"]"#,
    );
    check(
        "map(filter(variables('dogs'), lambda('d', greaterOrEquals(lambdaVariables('d').age, 3))), lambda('d', lambdaVariables('d').age))",
        "[5,3]",
    );
    check("reduce(range(1, 4), 0, lambda('a', 'b', add(lambdaVariables('a'), lambdaVariables('b'))))", "10");
    check(
        "map(sort(variables('dogs'), lambda('a', 'b', less(lambdaVariables('a').age, lambdaVariables('b').age))), lambda('d', lambdaVariables('d').name))",
        r#"["Indy","Casper","Evie"]"#,
    );
    check(
        "toObject(variables('dogs'), lambda('d', lambdaVariables('d').name), lambda('d', lambdaVariables('d').age))",
        r#"{"Evie":5,"Casper":3,"Indy":2}"#,
    );
    check(
        "groupBy(createArray('ant', 'bee', 'ape'), lambda('x', first(lambdaVariables('x'))))",
        r#"{"a":["ant","ape"],"b":["bee"]}"#,
    );
    check(
        "map(range(0, 2), lambda('x', map(range(0, 2), lambda('y', add(mul(lambdaVariables('x'), 10), lambdaVariables('y'))))))",
        "[[0,1],[10,11]]",
    );
    check_fails("map(range(0, 2), 'x')", "`lambda` is wanted");
    check_fails("map(range(0, 2), lambda('x', lambdaVariables('y')))", "no lambda variable `y`");
}

#[test]
fn scopes_and_ids() {
    let group = "/subscriptions/ZERO/resourceGroups/resource-group";
    let network = format!("{group}/providers/Microsoft.Network");
    check("resourceGroup().id", &format!("\"{group}\""));
    check("resourceGroup().location", r#""eastus""#);
    check_unknown("resourceGroup().tags", "described in none of the files: `tags`");
    check("subscription().id", r#""/subscriptions/ZERO""#);
    check_unknown("subscription().displayName", "described in none of the files");
    check("tenant().tenantId", r#""ZERO""#);
    check("deployment().name", r#""deployment""#);
    check("environment().suffixes.storage", r#""core.windows.net""#);
    check("environment().suffixes.keyvaultDns", r#"".vault.azure.net""#);
    check("environment().authentication.loginEndpoint", r#""https://login.microsoftonline.com/""#);
    check("environment().name", r#""AzureCloud""#);
    let government = Options { cloud: Cloud::UsGovernment, ..Options::default() };
    assert_eq!(evaluate("environment().suffixes.storage", &government), r#""core.usgovcloudapi.net""#);
    check(
        "resourceId('Microsoft.Network/virtualNetworks/subnets', 'v', 's')",
        &format!("\"{network}/virtualNetworks/v/subnets/s\""),
    );
    check(
        "resourceId('other', 'Microsoft.Network/virtualNetworks', 'v')",
        r#""/subscriptions/ZERO/resourceGroups/other/providers/Microsoft.Network/virtualNetworks/v""#,
    );
    check(
        "resourceId('sub', 'other', 'Microsoft.Network/virtualNetworks', 'v')",
        r#""/subscriptions/sub/resourceGroups/other/providers/Microsoft.Network/virtualNetworks/v""#,
    );
    check_fails("resourceId('Microsoft.Network/virtualNetworks', 'v', 's')", "takes 1 names");
    check(
        "subscriptionResourceId('Microsoft.Authorization/roleDefinitions', 'r')",
        r#""/subscriptions/ZERO/providers/Microsoft.Authorization/roleDefinitions/r""#,
    );
    check(
        "subscriptionResourceId('Microsoft.Resources/resourceGroups', 'g')",
        r#""/subscriptions/ZERO/resourceGroups/g""#,
    );
    check(
        "tenantResourceId('Microsoft.Authorization/roleDefinitions', 'r')",
        r#""/providers/Microsoft.Authorization/roleDefinitions/r""#,
    );
    check(
        "managementGroupResourceId('Microsoft.Authorization/policyDefinitions', 'p')",
        r#""/providers/Microsoft.Management/managementGroups/management-group/providers/Microsoft.Authorization/policyDefinitions/p""#,
    );
    check(
        "extensionResourceId(resourceId('Microsoft.Network/virtualNetworks', 'v'), 'Microsoft.Authorization/locks', 'l')",
        &format!("\"{network}/virtualNetworks/v/providers/Microsoft.Authorization/locks/l\""),
    );
    check_unknown("pickZones('Microsoft.Compute', 'virtualMachines', 'eastus')", "zones");
    check_unknown("deployer().objectId", "who deploys");
    check_unknown("providers('Microsoft.Network', 'virtualNetworks')", "withdrawn");
    check_unknown("externalInput('sys.cli', 'x')", "from outside");
}

#[test]
fn references() {
    check("reference('store').publicNetworkAccess", r#""Disabled""#);
    check("reference('store').primaryEndpoints.blob", r#""https://store1.blob.core.windows.net/""#);
    check(
        "reference(resourceId('Microsoft.Storage/storageAccounts', 'STORE1')).provisioningState",
        r#""Succeeded""#,
    );
    check("reference('store', '2023-01-01', 'Full').location", r#""westeurope""#);
    check("reference('store', '2023-01-01', 'full').sku.name", r#""Standard_LRS""#);
    check("length(reference('store', '2023-01-01', 'Full').identity.principalId)", "36");
    check("reference('store', '2023-01-01', 'Full').identity.tenantId", r#""ZERO""#);
    check("resourceInfo('store').name", r#""Store1""#);
    check_unknown("reference('store').creationTime", "only a deployment knows");
    check_unknown("contains(reference('store'), 'gone')", "only a deployment knows");
    check_unknown("tryGet(reference('store'), 'creationTime')", "only a deployment knows");
    check(
        "reference('nic').ipConfigurations[0].id",
        r#""/subscriptions/ZERO/resourceGroups/resource-group/providers/Microsoft.Network/networkInterfaces/nic/ipConfigurations/one""#,
    );
    check_unknown(
        "reference('nic').ipConfigurations[0].properties.privateIPAddress",
        "networkInterfaces/nic",
    );
    let web = "resourceId('Microsoft.Network/virtualNetworks/subnets', 'net', 'web')";
    check(&format!("reference({web}).addressPrefix"), r#""10.0.0.0/24""#);
    check(&format!("reference({web}, '2023-01-01', 'Full').name"), r#""web""#);
    check_unknown(&format!("reference({web}).ipConfigurations"), "only a deployment knows");
    check("reference('vault').vaultUri", r#""https://elsewhere.vault.azure.net/""#);
    check_unknown("reference('vault').enableRbacAuthorization", "is in none of the files");
    check_unknown("items(reference('vault'))", "is in none of the files");
    check_unknown(
        "reference(resourceId('Microsoft.Network/virtualNetworks', 'far')).subnets",
        "virtualNetworks/far` is in none of the files",
    );
    check_unknown(
        "reference(resourceId('Microsoft.Resources/deployments', 'far')).outputs.x.value",
        "deployments/far",
    );
    check_fails("reference('nothing').x", "declares no resource `nothing`");
    check("references('many')[2].idleTimeoutInMinutes", "2");
    check("reference('many[1]').idleTimeoutInMinutes", "1");
    check("reference('ip3').idleTimeoutInMinutes", "2");
    check("length(references('many'))", "3");
    check_fails("reference('many[7]').x", "3 turns");
    check_fails("reference('many').x", "is a loop");
    check_unknown("listKeys('store', '2023-01-01').keys[0].value", "secret");
    check_unknown("listAnythingElse('store', '2023-01-01')", "secret");
}

#[test]
fn what_is_not_known_stays_so() {
    check_unknown("parameters('missing')", "the parameter `missing` has no value");
    check_unknown("parameters('secret')", "is a secret");
    check("empty(parameters('noSecret'))", "true");
    check_unknown("concat('a', parameters('missing'))", "has no value");
    check(
        "createObject('a', 1, 'b', parameters('missing'))",
        r#"{"a":1,"b":<unknown: the parameter `missing` has no value>}"#,
    );
    check_unknown("if(equals(parameters('missing'), 'x'), 1, 2)", "has no value");
    check("and(equals(parameters('missing'), 'x'), false())", "false");
    check("or(equals(parameters('missing'), 'x'), true())", "true");
    check_unknown("and(equals(parameters('missing'), 'x'), true())", "has no value");
    check("length(variables('mixed'))", "3");
    check("first(variables('mixed'))", r#""a""#);
    check("contains(variables('mixed'), 'c')", "true");
    check_unknown("contains(variables('mixed'), 'z')", "has no value");
    check_unknown("join(variables('mixed'), ',')", "has no value");
    check_unknown("union(variables('mixed'), createArray('z'))", "has no value");
    check_unknown("noSuchFunction('a')", "`noSuchFunction` is not a template function");
    check_unknown("coalesce(parameters('missing'), 'a')", "has no value");
    check_unknown("uniqueString(parameters('missing'))", "has no value");
    // The id of a declared resource is known though its name is not: both mean the same one.
    check(
        "resourceId('Microsoft.Network/virtualNetworks/subnets', parameters('missing'), 'default')",
        r#""/subscriptions/ZERO/resourceGroups/resource-group/providers/Microsoft.Network/virtualNetworks/{missing}/subnets/default""#,
    );
    check_unknown("resourceId('Microsoft.Network/routeTables', parameters('missing'))", "has no value");
}

/// Every function of Microsoft's reference (array, CIDR, comparison, date, deployment, lambda, logical, numeric,
/// object, resource, scope and string functions) and what Bicep compiles to beside them, with the fewest and the
/// most arguments; 99 stands for any number.
const DOCUMENTED: &[(&str, usize, usize)] = &[
    ("array", 1, 1),
    ("concat", 1, 99),
    ("contains", 2, 2),
    ("createArray", 0, 99),
    ("empty", 1, 1),
    ("first", 1, 1),
    ("flatten", 1, 1),
    ("indexFromEnd", 2, 2),
    ("indexOf", 2, 2),
    ("intersection", 2, 99),
    ("last", 1, 1),
    ("lastIndexOf", 2, 2),
    ("length", 1, 1),
    ("max", 1, 99),
    ("min", 1, 99),
    ("range", 2, 2),
    ("skip", 2, 2),
    ("take", 2, 2),
    ("tryGet", 2, 99),
    ("tryIndexFromEnd", 2, 99),
    ("union", 1, 99),
    ("parseCidr", 1, 1),
    ("cidrSubnet", 3, 3),
    ("cidrHost", 2, 2),
    ("coalesce", 1, 99),
    ("equals", 2, 2),
    ("less", 2, 2),
    ("lessOrEquals", 2, 2),
    ("greater", 2, 2),
    ("greaterOrEquals", 2, 2),
    ("dateTimeAdd", 2, 3),
    ("dateTimeFromEpoch", 1, 1),
    ("dateTimeToEpoch", 1, 1),
    ("utcNow", 0, 1),
    ("deployer", 0, 0),
    ("deployment", 0, 0),
    ("environment", 0, 0),
    ("parameters", 1, 1),
    ("variables", 1, 1),
    ("filter", 2, 2),
    ("groupBy", 2, 3),
    ("map", 2, 2),
    ("mapValues", 2, 2),
    ("reduce", 3, 3),
    ("sort", 2, 2),
    ("toObject", 2, 3),
    ("lambda", 1, 99),
    ("lambdaVariables", 1, 1),
    ("and", 1, 99),
    ("bool", 1, 1),
    ("false", 0, 0),
    ("if", 3, 3),
    ("not", 1, 1),
    ("or", 1, 99),
    ("true", 0, 0),
    ("add", 2, 2),
    ("copyIndex", 0, 2),
    ("div", 2, 2),
    ("float", 1, 1),
    ("int", 1, 1),
    ("mod", 2, 2),
    ("mul", 2, 2),
    ("sub", 2, 2),
    ("createObject", 0, 99),
    ("items", 1, 1),
    ("json", 1, 1),
    ("null", 0, 0),
    ("objectKeys", 1, 1),
    ("shallowMerge", 1, 1),
    ("extensionResourceId", 3, 99),
    ("listAccountSas", 1, 3),
    ("listKeys", 1, 3),
    ("listSecrets", 1, 3),
    ("listAnythingElse", 1, 3),
    ("managementGroupResourceId", 2, 99),
    ("pickZones", 3, 5),
    ("providers", 1, 2),
    ("reference", 1, 3),
    ("references", 1, 2),
    ("resourceId", 2, 99),
    ("resourceInfo", 1, 1),
    ("subscriptionResourceId", 2, 99),
    ("tenantResourceId", 2, 99),
    ("toLogicalZone", 3, 3),
    ("toLogicalZones", 3, 3),
    ("toPhysicalZone", 3, 3),
    ("toPhysicalZones", 3, 3),
    ("managementGroup", 0, 1),
    ("resourceGroup", 0, 2),
    ("subscription", 0, 1),
    ("tenant", 0, 0),
    ("base64", 1, 1),
    ("base64ToJson", 1, 1),
    ("base64ToString", 1, 1),
    ("buildUri", 1, 1),
    ("dataUri", 1, 1),
    ("dataUriToString", 1, 1),
    ("endsWith", 2, 2),
    ("fail", 1, 1),
    ("format", 1, 99),
    ("guid", 1, 99),
    ("join", 2, 2),
    ("newGuid", 0, 0),
    ("padLeft", 2, 3),
    ("parseUri", 1, 1),
    ("replace", 3, 3),
    ("split", 2, 2),
    ("startsWith", 2, 2),
    ("string", 1, 1),
    ("substring", 2, 3),
    ("toLower", 1, 1),
    ("toUpper", 1, 1),
    ("trim", 1, 1),
    ("uniqueString", 1, 99),
    ("uri", 2, 2),
    ("uriComponent", 1, 1),
    ("uriComponentToString", 1, 1),
    ("externalInput", 1, 99),
    ("getSecret", 2, 4),
];

#[test]
fn every_documented_function_is_known_with_its_arguments() {
    for (name, min, max) in DOCUMENTED {
        let function = super::find(name).unwrap_or_else(|| panic!("{name} is not known"));
        let fits = |number: usize| super::check_arity(function, number).is_ok();
        assert!(fits(*min) && fits(*max), "{name} takes {min} to {max}");
        assert!(min.checked_sub(1).is_none_or(|fewer| !fits(fewer)), "{name} takes at least {min}");
        assert!(*max == 99 || !fits(max + 1), "{name} takes at most {max}");
        assert!(super::find(&name.to_uppercase()).is_some(), "{name} in any case");
    }
    let undocumented: Vec<&str> = super::names()
        .filter(|name| !DOCUMENTED.iter().any(|(known, ..)| known.eq_ignore_ascii_case(name)))
        .collect();
    assert_eq!(undocumented, ["externalInputs"]);
}
