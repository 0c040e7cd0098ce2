//! The program as people and scripts meet it: arguments in; standard output, standard error, exit code and files
//! out.

#![allow(clippy::disallowed_methods, reason = "these tests make their own files")]

#[path = "support/schema.rs"]
mod support;

use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const ESTATE: &str = "\
netwhy: estate/1
defaults: { resourceGroup: net, location: westeurope }
virtualNetworks:
  - name: hub
    addressPrefixes: [10.0.0.0/16]
    subnets:
      - { name: apps, addressPrefix: 10.0.1.0/24, networkSecurityGroup: web-nsg }
      - { name: data, addressPrefix: 10.0.2.0/24 }
networkSecurityGroups:
  - name: web-nsg
    securityRules:
      - { name: allow-https, priority: 100, direction: Inbound, access: Allow, protocol: Tcp, sourceAddressPrefix: '*', sourcePortRange: '*', destinationAddressPrefix: '*', destinationPortRange: 443 }
      - { name: deny-in, priority: 200, direction: Inbound, access: Deny, protocol: '*', sourceAddressPrefix: '*', sourcePortRange: '*', destinationAddressPrefix: '*', destinationPortRange: '*' }
hosts:
  - { name: web, subnet: hub/apps, privateIPAddress: 10.0.1.4 }
  - { name: db, subnet: hub/data, privateIPAddress: 10.0.2.4 }
";

const SCENARIO: &str = "\
netwhy: scenario/1
name: web front end
estate: estate.yaml
rules: [NSG-2]
flows:
  - { name: https, from: db, to: web, port: 443, expect: allowed }
  - { name: ssh, from: db, to: web, port: 22, expect: blocked, cause: NSG_RULE_DENY, decider: deny-in, needed-for: [admin] }
variants:
  - name: rule removed
    changes: [{ remove: web-nsg/allow-https }]
    flows: { https: { expect: blocked, decider: web-nsg/deny-in } }
";

/// A folder of its own, removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("netwhy-cli-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a folder");
        let folder = Self(path);
        folder.write("estate.yaml", ESTATE);
        folder.write("scenario.yaml", SCENARIO);
        folder
    }

    fn write(&self, file: &str, text: impl AsRef<[u8]>) {
        let path = self.0.join(file);
        std::fs::create_dir_all(path.parent().expect("below the folder")).expect("made");
        std::fs::write(path, text).expect("written");
    }

    fn read(&self, file: &str) -> String {
        std::fs::read_to_string(self.0.join(file)).expect("readable")
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_netwhy"));
        command.current_dir(&self.0).args(arguments).env_remove("NO_COLOR").env_remove("CLICOLOR_FORCE");
        command
    }

    fn run(&self, arguments: &[&str]) -> Done {
        self.run_with(arguments, "")
    }

    fn run_with(&self, arguments: &[&str], input: &str) -> Done {
        let mut child = self
            .command(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let mut stdin = child.stdin.take().expect("piped");
        let input = input.to_owned();
        let writer = std::thread::spawn(move || {
            // A program that does not read its input closes it.
            let _ = stdin.write_all(input.as_bytes());
        });
        let output = child.wait_with_output().expect("the program ends");
        writer.join().expect("the input was written");
        Done {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).expect("text"),
            err: String::from_utf8(output.stderr).expect("text"),
            what: arguments.join(" "),
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

impl Folder {
    /// A schema the program prints.
    fn schema(&self, what: &str) -> serde_json::Value {
        serde_json::from_str(&self.run(&["schema", what]).code(0).out).expect("JSON")
    }
}

#[track_caller]
fn fits(schema: &serde_json::Value, document: &serde_json::Value) {
    let mut faults = Vec::new();
    support::validate(schema, schema, document, "", &mut faults);
    assert!(faults.is_empty(), "{faults:#?}");
}

/// What a run left.
struct Done {
    code: Option<i32>,
    out: String,
    err: String,
    what: String,
}

impl Done {
    fn code(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{}\n--- out\n{}\n--- err\n{}", self.what, self.out, self.err);
        self
    }

    fn says(self, words: &[&str]) -> Self {
        for word in words {
            assert!(
                self.out.contains(word),
                "{}: no `{word}` in\n{}\n--- err\n{}",
                self.what,
                self.out,
                self.err
            );
        }
        self
    }

    fn tells(self, words: &[&str]) -> Self {
        for word in words {
            assert!(self.err.contains(word), "{}: no `{word}` told in\n{}", self.what, self.err);
        }
        self
    }

    fn says_nothing(self) -> Self {
        assert_eq!(self.out, "", "{}", self.what);
        self
    }
}

#[test]
fn help_is_as_agreed() {
    let folder = Folder::new("help");
    for command in [
        "",
        "trace",
        "check",
        "what-if",
        "diff",
        "import",
        "tags",
        "explain",
        "schema",
        "effective-routes",
        "effective-rules",
        "next-hop",
        "ip-flow-verify",
        "connectivity",
        "nsg-diagnostics",
        "replay",
        "catalogue",
        "requirements",
        "graph",
        "reach",
        "compile",
    ] {
        let arguments: Vec<&str> = command.split_whitespace().chain(["-h"]).collect();
        let done = folder.run(&arguments).code(0);
        let name = if command.is_empty() { "netwhy" } else { command };
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/cli/help-{name}.txt"));
        if std::env::var("NETWHY_BLESS").is_ok() {
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            std::fs::write(&path, &done.out).expect("written");
        }
        let golden = std::fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(done.out, golden, "{name}: NETWHY_BLESS=1 writes it anew");
    }
    folder.run(&["--version"]).code(0).says(&["netwhy "]);
}

#[test]
fn all_pairs_are_summed_up_written_and_explained() {
    let folder = Folder::new("reach");
    let files = ["--csv", "pairs.csv", "--parquet", "pairs.parquet", "--members", "classes.csv"];
    let asked = ["reach", "estate.yaml", "--matrix", "--service", "tcp/443", "--service", "22"];
    folder.run(&[&asked[..], &files[..]].concat()).code(0).says(&[
        "2 machines in 2 classes",
        "tcp/443",
        "tcp/22",
        "NSG_RULE_DENY",
        "Most exposed",
    ]);
    let csv = folder.read("pairs.csv");
    let lines: Vec<&str> = csv.lines().collect();
    assert_eq!(lines[0], "from_class,to_class,service,outcome,cause,pairs,answered_by,from,to");
    assert!(csv.contains(",tcp/443,allowed,,1,class,db,web\n"), "{csv}");
    assert!(csv.contains(",tcp/22,blocked,NSG_RULE_DENY,1,class,db,web\n"), "{csv}");
    // Two machines and the internet: every pair of them by two services, without those of one end with itself.
    assert_eq!(lines.len() - 1, 3 * 2 * 2, "{csv}");
    let parquet = std::fs::read(folder.0.join("pairs.parquet")).expect("written");
    assert!(parquet.starts_with(b"PAR1") && parquet.ends_with(b"PAR1"));
    let members = folder.read("classes.csv");
    assert!(members.starts_with("class,machine,address,id\n"), "{members}");
    assert!(members.contains(",web,10.0.1.4,") && members.contains(",db,10.0.2.4,"), "{members}");
    folder
        .run(&["reach", "estate.yaml", "--explain", "db", "web", "22"])
        .code(0)
        .says(&["cell: db -> web tcp/22: blocked NSG_RULE_DENY for 1 pair", "deny-in"]);
    folder.run(&["reach", "estate.yaml", "--matrix", "--format", "json"]).code(0).says(&["netwhy/reach/1"]);
    folder.run(&[&asked[..], &["--limit", "3"]].concat()).code(2).tells(&["18 flows", "--limit"]);
    folder.run(&["reach", "estate.yaml", "--matrix", "--service", "tcp"]).code(2).tells(&["tcp/443"]);
    folder.run(&["reach", "estate.yaml", "--matrix", "--service", "icmp/8"]).code(2).tells(&["no ports"]);
    let explain = |port: &str| folder.run(&["reach", "estate.yaml", "--explain", "db", "web", port]).code(2);
    explain("443/tcp").tells(&["the protocol comes first: `tcp/443`"]);
    explain("https").tells(&["neither a port, as in `443`, nor a protocol"]);
    explain("70000").tells(&["`70000` is not a port from 1 to 65535"]);
    let table = folder.run(&[&asked[..], &["--csv", "-"]].concat()).code(0);
    assert_eq!(table.out, csv, "standard output holds the table alone");
    table.tells(&["2 machines in 2 classes"]);
    for alone in
        [&["--parquet", "-"][..], &["--csv", "-", "--members", "-"], &["--csv", "-", "--format", "json"]]
    {
        folder.run(&[&asked[..], alone].concat()).code(2).says_nothing().tells(&["standard output"]);
    }
    assert!(!folder.0.join("-").exists());
    folder.write(
        "one.yaml",
        ESTATE.replace("  - { name: db, subnet: hub/data, privateIPAddress: 10.0.2.4 }\n", ""),
    );
    folder.run(&["reach", "one.yaml", "--matrix"]).code(0).says(&["1 machine in 1 class that"]);
    folder.run(&["reach", "estate.yaml"]).code(2).tells(&["--matrix"]);
}

#[test]
fn a_compiled_estate_answers_like_its_sources() {
    let folder = Folder::new("compile");
    folder
        .run(&["compile", "estate.yaml", "-o", "estate.netwhy"])
        .code(0)
        .says_nothing()
        .tells(&["2 addresses"]);
    folder.write(
        "flows.csv",
        "from,to,protocol,port\ndb,web,tcp,443\ndb,web,tcp,22\n10.0.2.4,10.0.1.4,tcp,80\n",
    );
    for rest in [
        &["--from", "db", "--to", "web:22", "--verbose"][..],
        &["--from", "db", "--to", "web:443", "--format", "json"],
        &["--from", "internet", "--to", "web:443"],
        &["--flows", "flows.csv", "--format", "csv"],
        &["--flows", "flows.csv", "--format", "ndjson"],
        &["--from", "db", "--to", "web:22", "--profile-set", "udrPrefixesInVirtualNetworkTag=true"],
    ] {
        let ask = |estate: &str| folder.run(&[&["trace", estate][..], rest].concat()).code(0);
        let (sources, compiled) = (ask("estate.yaml"), ask("estate.netwhy"));
        assert_eq!(sources.out, compiled.out, "{rest:?}");
    }
    for rest in [&["reach", "--matrix"][..], &["graph", "--title", "x"], &["effective-rules", "--vm", "web"]]
    {
        let ask = |estate: &str| folder.run(&[rest, &[estate][..]].concat());
        assert_eq!(ask("estate.yaml").out, ask("estate.netwhy").out, "{rest:?}");
    }
    folder.write("change.yaml", "netwhy: changes/1\nchanges: [{ remove: web-nsg/deny-in }]\n");
    let changed = ["--change", "change.yaml", "--flows", "flows.csv", "--format", "csv"];
    let ask = |estate: &str| folder.run(&[&["trace", estate][..], &changed].concat()).code(0).out;
    assert_eq!(ask("estate.yaml"), ask("estate.netwhy"), "tables of another estate are compiled anew");
    let whole = std::fs::read(folder.0.join("estate.netwhy")).expect("written");
    let question = ["trace", "damaged.netwhy", "--from", "db", "--to", "web:22"];
    for at in [9, 17, 40, whole.len() / 2, whole.len() - 1] {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x10;
        folder.write("damaged.netwhy", &bytes);
        folder.run(&question).code(3).says_nothing().tells(&["damaged.netwhy", "compile the estate again"]);
    }
    folder
        .run(&["compile", "--verify", "estate.netwhy"])
        .code(0)
        .says_nothing()
        .tells(&["as it was written"]);
    folder.run(&["compile", "--verify", "damaged.netwhy"]).code(3).says_nothing().tells(&["checksum"]);
    let stranger = folder.run(&["compile", "--verify", "estate.yaml"]).code(3);
    stranger.tells(&["`estate.yaml` is no compiled estate, but an estate file", "netwhy compile"]);
    folder.run(&["compile", "--verify", "."]).code(3).tells(&["it is a folder"]);
    folder.run(&["compile", "estate.yaml"]).code(2).tells(&["--output"]);
    folder.run(&["compile", "estate.yaml", "-o", "-"]).code(2).says_nothing().tells(&["it needs a file"]);
    folder.write("stored.yaml", SCENARIO.replace("estate.yaml", "estate.netwhy"));
    folder.run(&["check", "stored.yaml"]).code(0).says(&["4 held, 0 failed"]);
    folder.write("tagged.yaml", SCENARIO.replace("estate.yaml", "estate.netwhy\nparameters: { a: 1 }"));
    folder.run(&["check", "tagged.yaml"]).code(3).tells(&["is a compiled estate: parameters"]);
    folder.write("damaged.netwhy", &whole[..whole.len() - 70]);
    folder.run(&question).code(3).tells(&["length"]);
    folder
        .run(&["trace", "estate.netwhy", "estate.yaml", "--from", "db", "--to", "web:22"])
        .code(2)
        .tells(&["stands alone"]);
    folder.run(&["compile", "estate.yaml", "-o", "x", "--profile-set", "a=b"]).code(2).tells(&["knobs"]);
}

#[test]
fn a_batch_tells_paths() {
    let folder = Folder::new("paths");
    folder.write("flows.csv", "from,to,protocol,port\ndb,web,tcp,443\ndb,web,tcp,22\n");
    let asked = ["trace", "estate.yaml", "--flows", "flows.csv", "--depth", "trace"];
    let told = folder.run(&[&asked[..], &["--format", "ndjson"]].concat()).code(0).out;
    let lines: Vec<serde_json::Value> =
        told.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let stages = |line: &serde_json::Value| -> Vec<String> {
        let path = line["path"].as_array().expect("a path");
        path.iter().map(|s| format!("{} {}", s["stage"], s["name"]).replace('"', "")).collect()
    };
    assert_eq!(lines.len(), 2);
    assert_eq!(stages(&lines[0]).first().map(String::as_str), Some("at db"), "{told}");
    assert!(stages(&lines[0]).iter().any(|stage| stage == "back null"), "{told}");
    assert!(
        stages(&lines[1]).iter().all(|stage| stage != "back null"),
        "what stopped it ends the path: {told}"
    );
    folder.run(&asked).code(2).tells(&["ndjson"]);
    folder.run(&["compile", "estate.yaml", "-o", "estate.netwhy"]).code(0);
    let stored = ["trace", "estate.netwhy", "--flows", "flows.csv", "--depth", "trace", "--format", "ndjson"];
    assert_eq!(folder.run(&stored).code(0).out, told);
    let schema = folder.schema("flow-answer");
    lines.iter().for_each(|line| fits(&schema, line));
    fits(
        &schema,
        &serde_json::from_str(
            folder.run(&[&asked[..4], &["--format", "ndjson"]].concat()).out.lines().next().expect("a line"),
        )
        .expect("JSON"),
    );
}

#[test]
fn the_name_of_a_generated_file_says_its_format() {
    let folder = Folder::new("named");
    folder.run(&["generate", "-o", "made.json"]).code(0);
    folder.run(&["generate", "flows", "-o", "made.ndjson", "--count", "3"]).code(0);
    let read = |name: &str| std::fs::read_to_string(folder.0.join(name)).expect("written");
    assert!(read("made.json").starts_with('{'));
    assert!(read("made.ndjson").lines().all(|line| line.starts_with('{')));
    folder.run(&["trace", "made.json", "--flows", "made.ndjson"]).code(0);
}

#[test]
fn a_difference_of_rules_is_shown_by_a_packet() {
    let folder = Folder::new("rules");
    folder.write("halves.yaml", ESTATE.replace("sourceAddressPrefix: '*', sourcePortRange: '*', destinationAddressPrefix: '*', destinationPortRange: 443", "sourceAddressPrefixes: [0.0.0.0/1, 128.0.0.0/1, '::/0'], sourcePortRange: '*', destinationAddressPrefix: '*', destinationPortRange: 443"));
    folder.run(&["diff", "estate.yaml", "halves.yaml"]).code(0).says(&[
        "SAME BEHAVIOUR",
        "web-nsg inbound",
        "treated alike in any network",
    ]);
    folder.write("wider.yaml", ESTATE.replace("destinationPortRange: 443", "destinationPortRange: 440-443"));
    folder.run(&["diff", "estate.yaml", "wider.yaml"]).code(0).says(&[
        "not every packet is treated alike",
        ":440",
        "denied  deny-in",
        "allowed  allow-https",
    ]);
}

#[test]
fn nothing_compared_is_not_the_same() {
    let folder = Folder::new("nothing");
    let empty = |space: &str| {
        format!("netwhy: estate/1\nvirtualNetworks: [{{ name: hub, addressPrefixes: [{space}] }}]\n")
    };
    folder.write("a.yaml", empty("10.0.0.0/16"));
    folder.write("b.yaml", empty("10.1.0.0/16"));
    let diff = |more: &[&str]| folder.run(&[&["diff", "a.yaml", "b.yaml"][..], more].concat());
    diff(&[]).code(0).says(&["BEHAVIOUR NOT COMPARED", "no flow was asked", "--scenario FILE"]);
    diff(&["--format", "markdown"]).code(0).says(&["## Behaviour not compared"]);
    diff(&["--fail-on-difference", "behaviour"]).code(1);
    folder
        .run(&["diff", "a.yaml", "a.yaml", "--fail-on-difference", "behaviour"])
        .code(0)
        .says(&["NO DIFFERENCE"]);
}

#[test]
#[cfg(unix)]
fn what_is_not_read_of_a_folder_is_told() {
    let folder = Folder::new("skipped");
    folder.write("all/estate.yaml", ESTATE);
    std::os::unix::fs::symlink("/no/such/peerings.yaml", folder.0.join("all/peerings.yaml")).expect("linked");
    let told = ["warning[skipped-file]", "`all/peerings.yaml` is not read: it is a link to nothing"];
    folder.run(&["trace", "all", "--from", "db", "--to", "web:443"]).code(0).says(&["ALLOWED"]).tells(&told);
    folder.run(&["check", "all"]).code(3).tells(&told);
    folder.run(&["explain", "skipped-file"]).code(0).says(&["a link that leads nowhere"]);
}

/// A recording of one check, as JSON over several lines, without a part of it.
fn recording(without: &str) -> String {
    let all = [
        ("operation", "\"nextHop\""),
        (
            "request",
            "{ \"targetResourceId\": \"x\", \"sourceIPAddress\": \"10.0.0.4\", \"destinationIPAddress\": \"8.8.8.8\" }",
        ),
        ("response", "{ \"nextHopType\": \"Internet\" }"),
        ("resources", "[]"),
    ];
    let parts: Vec<String> = all
        .iter()
        .filter(|(name, _)| *name != without)
        .map(|(name, value)| format!("    \"{name}\": {value}"))
        .collect();
    format!("{{ \"checks\": [\n  {{\n{}\n  }}\n] }}\n", parts.join(",\n"))
}

#[test]
fn a_faulty_recording_names_its_fault() {
    let folder = Folder::new("recording");
    let whole = recording("nothing");
    let ask = |text: &str, more: &[&str]| {
        folder.write("recording.json", text);
        folder.run(&[&["replay", "recording.json"][..], more].concat())
    };
    ask(&whole[..whole.len() - 10], &[])
        .code(3)
        .says_nothing()
        .tells(&["recording.json:6", "not well-formed JSON: unterminated array"]);
    for part in ["operation", "response"] {
        let message = format!("a recorded check has no `{part}`");
        ask(&recording(part), &[]).code(3).says_nothing().tells(&["recording.json:2", &message]);
    }
    ask(&recording("resources"), &[]).code(3).tells(&["which resources there were"]);
    ask(&recording("response"), &["--lenient"])
        .code(0)
        .says(&["does not tell Azure's answer", "1 not asked"]);
    ask(&whole, &["--of", "nobody"]).code(3).says_nothing().tells(&["nobody"]);
    folder.run(&["replay", "estate.yaml"]).code(3).tells(&["`estate.yaml` is an estate file"]);
}

#[test]
fn usage_errors_are_2() {
    let folder = Folder::new("usage");
    folder.run(&[]).code(2).says_nothing().tells(&["Usage"]);
    folder.run(&["trase"]).code(2).says_nothing().tells(&["trace"]);
    folder.run(&["trace", "estate.yaml", "--from", "db"]).code(2).tells(&["--to"]);
    folder.run(&["trace", "--from", "db", "--to", "web:1"]).code(2).tells(&["ESTATE"]);
    folder.run(&["trace", "estate.yaml", "--from", "*.x", "--to", "web:1"]).code(2).tells(&["pattern"]);
    folder
        .run(&["trace", "estate.yaml", "--from", "db", "--to", "web", "--port", "0"])
        .code(2)
        .tells(&["port"]);
    folder
        .run(&["trace", "estate.yaml", "--from", "db", "--to", "web:1", "--port", "2"])
        .code(2)
        .tells(&["twice"]);
    let set = ["trace", "estate.yaml", "--from", "db", "--to", "web:1", "--profile-set", "smtpBlockd=true"];
    folder.run(&set).code(2).tells(&["did you mean `smtpBlocked`?"]);
    let twice = ["trace", "-", "--flows", "-"];
    folder.run(&twice).code(2).tells(&["only once"]);
    folder.run(&["explain", "NSG_RULE_DENIED"]).code(2).says_nothing().tells(&["`NSG_RULE_DENY`"]);
    folder
        .run(&["check", "scenario.yaml", "--log", "nonsense"])
        .code(2)
        .tells(&["error, warn, info, debug, trace"]);
}

#[test]
fn a_trace_is_told_to_people_and_programs() {
    let folder = Folder::new("trace");
    let ask = |more: &[&str]| {
        let asked = ["trace", "estate.yaml", "--from", "db", "--to", "web:22"];
        folder.run(&[&asked, more].concat()).code(0)
    };
    ask(&[]).says(&["BLOCKED", "NSG_RULE_DENY", "deny-in", "estate.yaml:13", "timeout"]);
    let json: serde_json::Value = serde_json::from_str(&ask(&["--format", "json"]).out).expect("JSON");
    assert_eq!((&json["version"], &json["outcome"]), (&"netwhy/trace/1".into(), &"blocked".into()));
    assert_eq!(ask(&["--format", "ndjson"]).out.lines().count(), 1);
    assert!(!ask(&[]).out.contains('\u{1b}'), "no colour in a pipe");
    assert!(ask(&["--color", "always"]).out.contains('\u{1b}'));
    folder
        .run(&["trace", "estate.yaml", "--from", "db", "--to", "https://10.0.1.4"])
        .code(0)
        .says(&["ALLOWED"]);
    folder.run(&["trace", ".", "--from", "db", "--to", "web:443"]).code(0).says(&["ALLOWED"]);
    folder.run_with(&["trace", "-", "--from", "db", "--to", "web:443"], ESTATE).code(0).says(&["ALLOWED"]);
}

#[test]
fn changes_and_knobs_of_the_command_line_count() {
    let folder = Folder::new("change");
    folder.write(
        "close.yaml",
        "netwhy: changes/1\nchanges: [{ set: { target: web-nsg/allow-https, access: Deny } }]\n",
    );
    folder.write(
        "wrong.yaml",
        "netwhy: changes/1\nchanges: [{ set: { target: web-nsg/alow-https, access: Deny } }]\n",
    );
    let ask = |change: &str| {
        folder.run(&["trace", "estate.yaml", "--from", "db", "--to", "web:443", "--change", change])
    };
    ask("close.yaml")
        .code(0)
        .says(&[
            "BLOCKED",
            "web-nsg/allow-https  close.yaml:2",
            "set: { target: web-nsg/allow-https, access: Deny }",
        ])
        .tells(&["securityRules/allow-https access: \"Allow\" -> \"Deny\""]);
    ask("wrong.yaml").code(3).says_nothing().tells(&["wrong.yaml:2", "did you mean `web-nsg/allow-https`?"]);
    ask("estate.yaml").code(3).tells(&["a change file is wanted here"]);
}

#[test]
fn faulty_input_is_3_and_names_the_place() {
    let folder = Folder::new("faulty");
    let ask = |estate: &str| folder.run(&["trace", estate, "--from", "db", "--to", "web:443"]);
    ask("missing.yaml").code(3).says_nothing().tells(&["cannot read `missing.yaml`"]);
    folder.write("typo.yaml", ESTATE.replace("securityRules", "securityRule"));
    ask("typo.yaml").code(3).says_nothing().tells(&["typo.yaml:11", "did you mean `securityRules`?"]);
    folder.run(&["trace", "typo.yaml", "--from", "db", "--to", "web:443", "--lenient"]).code(0);
    folder.write("broken.json", "{\"netwhy\": ");
    ask("broken.json").code(3).tells(&["broken.json:1"]);
    folder.write("bytes.yaml", [0x61, 0xff, 0xfe]);
    ask("bytes.yaml").code(3).tells(&["byte 1 is not UTF-8"]);
    folder.write("main.bicep", "resource x 'Microsoft.Network/virtualNetworks@2023-01-01' = {\n}\n");
    ask("main.bicep").code(3).tells(&["az bicep build"]);
    folder.write("empty/readme.txt", "");
    ask("empty").code(3).tells(&["holds no file"]);
    ask("scenario.yaml").code(3).tells(&["scenario"]);
    folder
        .run(&["trace", "estate.yaml", "--from", "dbb", "--to", "web:1"])
        .code(3)
        .tells(&["did you mean `db`?"]);
    folder.run(&["trace", "estate.yaml", "--from", "db", "--to", "web"]).code(3).tells(&["no port is said"]);
    let both = folder.run(&["trace", "a.yaml", "b.yaml", "--from", "db", "--to", "web:1"]).code(3);
    both.tells(&["`a.yaml`", "`b.yaml`"]);
}

#[test]
#[cfg(unix)]
fn a_file_that_may_not_be_read_is_named() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new("secret");
    let path = folder.0.join("estate.yaml");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o0)).expect("set");
    if std::fs::read(&path).is_ok() {
        eprintln!("skipped: this user may read everything");
        return;
    }
    folder.run(&["import", "estate.yaml"]).code(3).tells(&["permission denied"]);
}

#[test]
fn an_ambiguous_name_lists_its_candidates() {
    let folder = Folder::new("ambiguous");
    let twice = "  - { name: db, resourceGroup: other, subnet: hub/apps, privateIPAddress: 10.0.1.9 }\n";
    folder.write("estate.yaml", format!("{ESTATE}{twice}"));
    let done =
        folder.run(&["trace", "estate.yaml", "--from", "db", "--to", "web:443"]).code(3).says_nothing();
    done.tells(&["`db` fits 2 resources", "resourceGroups/net/", "resourceGroups/other/"]);
}

#[test]
fn a_check_tells_what_differs_and_how_it_ended() {
    let folder = Folder::new("check");
    folder.run(&["check", "scenario.yaml"]).code(0).says(&["4 held, 0 failed"]);
    folder
        .run(&["check", "scenario.yaml", "-v"])
        .code(0)
        .says(&["ok", "web front end [rule removed]: https"]);
    folder.write("failing.yaml", SCENARIO.replace("expect: allowed", "expect: blocked"));
    let done = folder.run(&["check", "scenario.yaml", "failing.yaml"]).code(1);
    done.says(&["FAIL", "expect: expected blocked, got allowed", "failing.yaml:6", "7 held, 1 failed"]);
    folder.write("typo.yaml", SCENARIO.replace("expect: allowed", "expct: allowed"));
    let done = folder.run(&["check", "failing.yaml", "typo.yaml"]).code(3);
    done.says(&["1 scenario faulty"]).tells(&["typo.yaml:6", "did you mean `expect`?"]);
    folder.write("lost.yaml", SCENARIO.replace("estate.yaml", "nowhere.yaml"));
    folder.run(&["check", "lost.yaml"]).code(3).tells(&["cannot read `nowhere.yaml`"]);
    folder.write("nobody.yaml", SCENARIO.replace("from: db", "from: dbb"));
    folder.run(&["check", "nobody.yaml"]).code(3).tells(&["nobody.yaml:6", "did you mean `db`?"]);
    folder.run(&["check", "scenario.yaml", "--filter", "ssh"]).code(0).says(&["2 held"]);
    folder.run(&["check", "scenario.yaml", "--filter", "nothing"]).code(3).tells(&["no flow matches"]);
    folder.write("none/estate.yaml", ESTATE);
    folder.run(&["check", "none"]).code(3).tells(&["no scenario"]);
    for asked in [&["check", "estate.yaml"][..], &["trace", "--scenario", "estate.yaml"]] {
        let done = folder.run(asked).code(3);
        assert_eq!(done.err.matches("error").count(), if asked.len() == 2 { 2 } else { 3 }, "{}", done.err);
        done.tells(&["this is an estate file, and a scenario is wanted here", "netwhy trace FILE --from A"]);
    }
}

#[test]
fn what_a_variant_makes_wrong_is_told_at_its_line() {
    let folder = Folder::new("variant");
    folder.write("removed.yaml", SCENARIO.replace("remove: web-nsg/allow-https", "remove: web-nsg"));
    let removed = folder.run(&["check", "removed.yaml", "--filter", "nothing"]);
    removed.tells(&[
        "removed.yaml:10",
        "with what stands here",
        "estate.yaml:7",
        "`web-nsg`, which is in none",
    ]);
    let step = "then: [{ name: gone, changes: [{ remove: web-nsg }] }, { name: later, changes: [{ remove: hub/data }] }]";
    folder.write("steps.yaml", format!("{SCENARIO}{step}\n"));
    let steps = folder.run(&["check", "steps.yaml", "--filter", "nothing"]);
    assert_eq!(steps.err.matches("`web-nsg`, which is in none").count(), 1, "{}", steps.err);
    // What is wrong without the variant too stands where it did.
    folder
        .write("estate.yaml", ESTATE.replace("networkSecurityGroup: web-nsg", "networkSecurityGroup: lost"));
    let before = folder.run(&["check", "scenario.yaml", "--filter", "nothing"]);
    assert!(!before.err.contains("with what stands here"), "{}", before.err);
    before.tells(&["estate.yaml:7"]);
}

#[test]
fn a_check_speaks_to_build_services() {
    let folder = Folder::new("ci");
    folder.write("failing.yaml", SCENARIO.replace("expect: allowed", "expect: blocked"));
    folder.write("faulty.yaml", SCENARIO.replace("NSG-2", "NGS-2"));
    let ask =
        |format: &str| folder.run(&["check", "failing.yaml", "faulty.yaml", "--format", format]).code(3);
    ask("junit").says(&["<testsuite name=\"web front end\"", "<failure", "the scenario itself"]);
    ask("github").says(&[
        "::error file=estate.yaml,line=12",
        "decided by web-nsg/allow-https",
        "::error file=faulty.yaml",
    ]);
    let sarif: serde_json::Value = serde_json::from_str(&ask("sarif").out).expect("JSON");
    assert_eq!(sarif["version"], "2.1.0");
    let json: serde_json::Value = serde_json::from_str(&ask("json").out).expect("JSON");
    assert_eq!(json["summary"]["failed"], 1);
    assert_eq!(json["scenarios"][0]["flows"][0]["differences"][0]["got"], "allowed");
    assert_eq!(json["scenarios"][1]["end"], "faulty");
    for line in ask("ndjson").out.lines() {
        let event: serde_json::Value = serde_json::from_str(line).expect("an event a line");
        assert!(event["event"].is_string());
    }
}

#[test]
fn output_files_come_whole_or_not_at_all() {
    let folder = Folder::new("output");
    let report = ["check", "scenario.yaml", "--format", "junit", "-o", "report.xml"];
    folder.run(&report).code(0).says_nothing();
    assert!(folder.read("report.xml").contains("</testsuites>"));
    folder.write("report.xml", "old");
    folder.run(&["trace", "estate.yaml", "--from", "dbb", "--to", "web:1", "-o", "report.xml"]).code(3);
    assert_eq!(folder.read("report.xml"), "old", "a failing command leaves the old file");
    folder.run(&["import", "estate.yaml", "-o", "no/such/folder.yaml"]).code(3).tells(&["cannot write"]);
    folder.run(&["import", "estate.yaml", "-o", "."]).code(3).tells(&["cannot write"]);
    let left: Vec<_> = std::fs::read_dir(&folder.0)
        .expect("listed")
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("text"))
        .filter(|name| name.contains(".part"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn batches_are_answered_line_by_line() {
    let folder = Folder::new("batch");
    folder.write(
        "flows.csv",
        "name,from,to,protocol,port\na,db,web,tcp,443\nb,db,web,tcp,22\nc,db,,tcp,1\nd,dbb,web,tcp,1\n",
    );
    let done = folder.run(&["trace", "estate.yaml", "--flows", "flows.csv"]).code(3);
    assert_eq!(done.out.lines().count(), 2);
    done.says(&["allowed  db -> web:443", "blocked  db -> web:22", "NSG_RULE_DENY"])
        .tells(&["line 4: the flow has no `to`", "line 5: nothing in the estate is called `dbb`"]);
    let lines = "{\"from\":\"db\",\"to\":\"web:443\"}\n{\"from\":\"db\",\"to\":\"web:22\"}\n";
    let done = folder.run_with(&["trace", "estate.yaml", "--flows", "-", "--format", "json"], lines).code(0);
    let json: serde_json::Value = serde_json::from_str(&done.out).expect("JSON");
    assert_eq!((&json[0]["outcome"], &json[1]["outcome"]), (&"allowed".into(), &"blocked".into()));
    let done = folder.run_with(&["trace", "estate.yaml", "--flows", "-", "--format", "json"], "").code(0);
    assert_eq!(done.out, "[]\n");
    done.tells(&["there is no flow in `-`, so nothing was asked"]);
    folder
        .run(&["trace", "--scenario", "scenario.yaml"])
        .code(0)
        .says(&["https", "2 flows: 1 allowed, 1 blocked"]);
}

#[test]
fn answers_come_in_the_order_of_the_lines() {
    let folder = Folder::new("order");
    let mut flows = String::from("name,from,to,port\n");
    for number in 0..5_000 {
        let port = if number % 7 == 0 { 443 } else { 22 };
        flows.push_str(&format!("n{number},db,web,{port}\n"));
    }
    let done =
        folder.run_with(&["trace", "estate.yaml", "--flows", "-", "--format", "ndjson"], &flows).code(0);
    for (number, line) in done.out.lines().enumerate() {
        let answer: serde_json::Value = serde_json::from_str(line).expect("JSON");
        assert_eq!(answer["name"], format!("n{number}"));
        assert_eq!(answer["outcome"], if number % 7 == 0 { "allowed" } else { "blocked" });
    }
    assert_eq!(done.out.lines().count(), 5_000);
}

#[test]
fn events_come_in_a_stable_order_however_many_run_at_once() {
    let folder = Folder::new("stable");
    for number in 0..20 {
        let flows: String = (0..(number * 7) % 15)
            .map(|n| {
                format!("  - {{ name: f{n}, from: db, to: web, port: {}, expect: blocked }}\n", 1000 + n)
            })
            .collect();
        let text = format!(
            "netwhy: scenario/1\nname: s{number}\nestate: ../estate.yaml\nflows:\n  - {{ name: ok, from: db, to: web, port: 443, expect: allowed }}\n{flows}"
        );
        folder.write(&format!("many/{number:02}.yaml"), text);
    }
    for format in ["text", "ndjson", "junit"] {
        let run = || folder.run(&["check", "many", "-v", "--format", format]).code(0);
        let first = run();
        assert!(first.out.contains("s19"));
        for _ in 0..2 {
            assert_eq!(run().out, first.out, "{format}");
        }
    }
}

#[test]
#[cfg(unix)]
fn a_reader_that_goes_away_is_no_fault() {
    let folder = Folder::new("pipe");
    let flows: String = (0..50_000).map(|n| format!("n{n},db,web,443\n")).collect();
    folder.write("flows.csv", format!("name,from,to,port\n{flows}"));
    let mut child = folder
        .command(&["trace", "estate.yaml", "--flows", "flows.csv"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut line = String::new();
    BufReader::new(child.stdout.take().expect("piped")).read_line(&mut line).expect("a line");
    assert!(line.contains("allowed"), "{line}");
    let mut told = String::new();
    child.stderr.take().expect("piped").read_to_string(&mut told).expect("text");
    assert_eq!((child.wait().expect("it ends").code(), told.as_str()), (Some(0), ""));

    // A check that nobody reads still tells by its exit code.
    folder.write("failing.yaml", SCENARIO.replace("expect: allowed", "expect: blocked"));
    let mut child = folder
        .command(&["check", "failing.yaml"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program starts");
    drop(child.stdout.take());
    assert_eq!(child.wait().expect("it ends").code(), Some(1));
}

#[test]
#[cfg(unix)]
fn ctrl_c_ends_it_although_the_input_stalls() {
    let folder = Folder::new("interrupt");
    let mut child = folder
        .command(&["trace", "estate.yaml", "--flows", "-", "-o", "answers.txt"])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut stdin = child.stdin.take().expect("piped");
    stdin.write_all(b"from,to\ndb,web:443\n").expect("written");
    std::thread::sleep(std::time::Duration::from_millis(700));
    let kill = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(kill.expect("kill runs").success());
    assert_eq!(child.wait().expect("it ends").code(), Some(130));
    assert_eq!(folder.read("answers.txt"), "allowed  db -> web:443/tcp\n", "what was answered is kept");
}

#[test]
#[cfg(unix)]
fn ctrl_c_leaves_a_well_formed_file() {
    let folder = Folder::new("interrupt-long");
    for (format, begin) in [("json", "[\n"), ("csv", "line,name"), ("ndjson", "{")] {
        let mut child = folder
            .command(&["trace", "estate.yaml", "--flows", "-", "--format", format, "-o", "answers"])
            .stdin(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let mut stdin = child.stdin.take().expect("piped");
        stdin.write_all(b"from,to\n").expect("written");
        let lines = "db,web:443\n".repeat(2_000);
        stdin.write_all(lines.as_bytes()).expect("written");
        std::thread::sleep(std::time::Duration::from_millis(700));
        let kill = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
        assert!(kill.expect("kill runs").success());
        assert_eq!(child.wait().expect("it ends").code(), Some(130));
        let text = folder.read("answers");
        assert!(text.starts_with(begin), "{format}: {text:.100}");
        match format {
            "json" => assert!(serde_json::from_str::<Vec<serde_json::Value>>(&text).is_ok(), "{text}"),
            "csv" => assert!(text.lines().all(|line| line.split(',').count() == 10), "{text}"),
            _ => {
                assert!(text.lines().all(|l| serde_json::from_str::<serde_json::Value>(l).is_ok()), "{text}")
            }
        }
        assert!(text.lines().count() > 1_000, "{format}");
    }
}

#[test]
fn a_batch_may_be_a_table() {
    let folder = Folder::new("table");
    let lines = "from,to\ndb,web:443\ndb,web:22\n";
    let done = folder.run_with(&["trace", "estate.yaml", "--flows", "-", "--format", "csv"], lines).code(0);
    assert_eq!(
        done.out.lines().next(),
        Some("line,name,from,to,protocol,port,outcome,disposition,cause,decider")
    );
    done.says(&["2,,db,web,tcp,443,allowed", "3,,db,web,tcp,22,blocked,denied in,NSG_RULE_DENY,"]);
    folder.run(&["trace", "estate.yaml", "--from", "db", "--to", "web:22", "--format", "csv"]).code(2);
}

#[test]
fn an_estate_is_imported_and_read_again() {
    let folder = Folder::new("import");
    folder
        .run(&["import", "estate.yaml", "-o", "again.yaml"])
        .code(0)
        .says_nothing()
        .tells(&["understood 6 of 6 resources, 0 unknown kinds"]);
    folder
        .run(&["trace", "again.yaml", "--from", "db", "--to", "web:22"])
        .code(0)
        .says(&["BLOCKED", "deny-in"]);
    let again = folder.run(&["import", "again.yaml"]).code(0);
    assert_eq!(again.out, folder.read("again.yaml"), "importing what was imported changes nothing");
    let other = "[{\"id\": \"/subscriptions/s/resourceGroups/g/providers/Microsoft.Other/things/x\", \"type\": \"Microsoft.Other/things\", \"name\": \"x\", \"location\": \"westeurope\", \"properties\": {}}]";
    folder
        .run_with(&["import", "-"], other)
        .code(0)
        .tells(&["understood 0 of 1 resources, 1 unknown kind", "Microsoft.Other/things"]);
}

#[test]
fn templates_meet_their_parameters() {
    let folder = Folder::new("template");
    let schema = "https://schema.management.azure.com/schemas/2019-04-01";
    folder.write("net/main.json", format!(r#"{{"$schema": "{schema}/deploymentTemplate.json#", "contentVersion": "1.0.0.0",
        "parameters": {{"name": {{"type": "string"}}, "prefix": {{"type": "string", "defaultValue": "10.1.0.0/16"}}}},
        "resources": [{{"type": "Microsoft.Network/virtualNetworks", "apiVersion": "2023-09-01", "name": "[parameters('name')]",
          "location": "westeurope", "properties": {{"addressSpace": {{"addressPrefixes": ["[parameters('prefix')]"]}}}}}}]}}"#));
    let values = |name: &str| {
        format!(
            r#"{{"$schema": "{schema}/deploymentParameters.json#", "contentVersion": "1.0.0.0", "parameters": {{"name": {{"value": "{name}"}}}}}}"#
        )
    };
    folder.write("net/main.parameters.json", values("by-name"));
    folder.write("other.json", values("by-flag"));
    folder.run(&["import", "net"]).code(0).says(&["name: by-name", "10.1.0.0/16"]);
    folder.run(&["import", "net/main.json", "other.json"]).code(0).says(&["name: by-flag"]);
    folder.run(&["import", "net", "--parameters", "other.json"]).code(0).says(&["name: by-flag"]);
    let typed = ["import", "net", "--parameter", "name=typed", "--parameter", "prefix=10.9.0.0/16"];
    folder.run(&typed).code(0).says(&["name: typed", "10.9.0.0/16"]);
    folder.run(&["import", "estate.yaml", "--parameter", "a=1"]).code(0).tells(&["no template"]);
    folder
        .run(&["import", "estate.yaml", "--parameters", "other.json"])
        .code(0)
        .tells(&["none of the templates"]);
    folder.run(&["import", "net/main.json", "--parameter", "typed"]).code(3).tells(&["name=value"]);
    folder.write("net/main.parameters.dev.json", values("dev"));
    folder
        .run(&["import", "net"])
        .code(3)
        .says_nothing()
        .tells(&["several parameter files fit", "--parameters FILE"]);
}

#[test]
fn schemas_and_explanations_are_printed() {
    let folder = Folder::new("print");
    for what in ["estate", "scenario", "changes", "trace", "flow-answer", "flow-changes"] {
        let done = folder.run(&["schema", what]).code(0);
        let schema: serde_json::Value = serde_json::from_str(&done.out).expect("JSON");
        assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema", "{what}");
    }
    folder.run(&["explain", "nsg_rule_deny"]).code(0).says(&["NSG_RULE_DENY"]);
    folder.run(&["explain", "nsg4"]).code(0).says(&["NSG-4", "learn.microsoft.com"]);
    folder.run(&["explain", "smtpBlocked"]).code(0).says(&["smtpBlocked"]);
    folder.run(&["explain", "unknown-field"]).code(0).says(&["unknown-field"]);
    folder.run(&["explain", "--rules"]).code(0).says(&["NSG-1", "RBAC-6"]);
    folder.run(&["explain"]).code(0).says(&["UDR_NONE"]);
}

#[test]
fn stages_are_logged_only_when_asked() {
    let folder = Folder::new("log");
    let quiet = folder.run(&["check", "scenario.yaml"]).code(0);
    assert_eq!(quiet.err, "");
    folder.run(&["check", "scenario.yaml", "--log", "info"]).code(0).tells(&[
        "load",
        "compile",
        "resources=4",
    ]);
}

/// A question of Network Watcher's: the JSON field at a pointer, and a piece of the text.
fn check_watcher(question: &[&str], pointer: &str, expected: &str, text: &str) {
    let folder = Folder::new(&format!("watcher-{}", question[0]));
    let mut words = vec![question[0], "estate.yaml"];
    words.extend(&question[1..]);
    folder.run(&words).code(0).says(&[text]);
    words.extend(["--format", "json"]);
    let answer: serde_json::Value = serde_json::from_str(&folder.run(&words).out).expect("JSON");
    assert_eq!(answer.pointer(pointer).and_then(|v| v.as_str()), Some(expected), "{question:?}: {answer:#}");
}

#[test]
fn network_watchers_questions_are_commands() {
    check_watcher(
        &["effective-routes", "--nic", "web"],
        "/value/0/nextHopType",
        "VnetLocal",
        "Default  Active  10.0.0.0/16",
    );
    check_watcher(
        &["effective-rules", "--nic", "web"],
        "/value/0/effectiveSecurityRules/0/name",
        "securityRules/allow-https",
        "web-nsg on the subnet apps",
    );
    check_watcher(
        &["next-hop", "--vm", "web", "--dest-ip", "8.8.8.8"],
        "/nextHopType",
        "Internet",
        "0.0.0.0/0 (source Default)",
    );
    check_watcher(
        &[
            "ip-flow-verify",
            "--vm",
            "web",
            "--direction",
            "Inbound",
            "--local",
            "22",
            "--remote",
            "10.0.2.4:*",
        ],
        "/ruleName",
        "securityRules/deny-in",
        "Deny",
    );
    check_watcher(
        &["connectivity", "--from", "db", "--to", "web:22"],
        "/connectionStatus",
        "Unreachable",
        "Inbound NetworkSecurityRule",
    );
    check_watcher(
        &[
            "nsg-diagnostics",
            "--vm",
            "web",
            "--direction",
            "inbound",
            "--source",
            "*",
            "--destination",
            "10.0.1.4",
            "--port",
            "443",
        ],
        "/results/0/networkSecurityGroupResult/securityRuleAccessResult",
        "Allow",
        "matched  UserRule_allow-https (Allow)",
    );
}

#[test]
fn a_question_of_network_watchers_that_makes_no_sense_says_why() {
    let folder = Folder::new("watcher-faults");
    folder
        .run(&["next-hop", "estate.yaml", "--vm", "wbe", "--dest-ip", "8.8.8.8"])
        .code(3)
        .says_nothing()
        .tells(&["`wbe`", "`web`"]);
    folder
        .run(&["connectivity", "estate.yaml", "--from", "db", "--to", "web"])
        .code(3)
        .tells(&["no port is said for `web`; name the port"]);
    let verify = ["ip-flow-verify", "estate.yaml", "--vm", "web", "--direction", "inbound", "--local", "443"];
    folder
        .run(&[&verify[..], &["--remote", "443"]].concat())
        .code(2)
        .says_nothing()
        .tells(&["`--remote`: `443` is not of the form IP:PORT"]);
}

const LIVE: &str = r#"{ "value": [ { "category": "Azure Active Directory", "endpoints": [
  { "domainName": "login.microsoftonline.com", "endpointDetails": [ { "port": 443 } ] } ] } ] }"#;

const OWN_NEEDS: &str = "\
netwhy: catalogue/1
services: [{ name: feature-store, label: our feature store }]
needs:
  - { id: own.store, service: feature-store, workloads: [custom], from: [client], hosts: [store.contoso.com], ports: [tcp/8443], phases: [run] }
";

#[test]
fn needs_are_printed_extended_and_read() {
    let folder = Folder::new("catalogue");
    folder.write("live.json", LIVE);
    folder.write("own.yaml", OWN_NEEDS);
    folder.write("bad.yaml", OWN_NEEDS.replace("ports", "port"));
    folder.run(&["catalogue", "--workload", "compute-cluster", "--region", "westeurope"]).code(0).says(&[
        "*.westeurope.batch.azure.com",
        "BatchNodeManagement.westeurope",
        "Storage.westeurope",
    ]);
    folder
        .run(&["catalogue", "--catalogue", "own.yaml", "--service", "feature-store", "-v"])
        .code(0)
        .says(&["store.contoso.com (no service tag)", "tcp/8443"]);
    folder
        .run(&["catalogue", "--from", "live.json", "--format", "markdown"])
        .code(0)
        .says(&["`login.microsoftonline.com`", "AzureActiveDirectory"]);
    let json = folder.run(&[
        "catalogue",
        "--catalogue",
        "live.json",
        "--workload",
        "dependency",
        "--format",
        "json",
    ]);
    json.code(0).says(&["netwhy/catalogue-view/1", "live.1"]);
    folder.run(&["catalogue", "--catalogue", "bad.yaml"]).code(3);
    folder.run(&["catalogue", "--from", "own.yaml"]).code(3);
    folder.run(&["catalogue", "--workload", "stduio"]).code(2);
    folder.run(&["catalogue", "--service", "entra"]).code(2);
    folder.run(&["schema", "catalogue"]).code(0).says(&["netwhy catalogue file", "compute-instance"]);
}

#[test]
fn allow_lists_and_pictures_are_made() {
    let folder = Folder::new("requirements");
    folder.write("ask.yaml", "netwhy: scenario/1\nname: ask\nestate: estate.yaml\nflows: [{ name: https, from: db, to: web, port: 443 }]\n");
    folder.run(&["requirements", "ask.yaml"]).code(0).says(&[
        "Security group of hub/apps",
        "VirtualNetwork",
        "1 of 1 flow",
    ]);
    folder
        .run(&["requirements", "ask.yaml", "--format", "changes"])
        .code(0)
        .says(&["netwhy: changes/1", "hub-apps-required"]);
    folder
        .run(&["requirements", "ask.yaml", "--format", "arm"])
        .code(0)
        .says(&["Microsoft.Network/networkSecurityGroups"]);
    folder.run(&["requirements", "ask.yaml", "--format", "json"]).code(0).says(&["netwhy/requirements/1"]);
    // Nobody says what these machines need: what they reach today is to go on.
    folder.run(&["requirements", "estate.yaml"]).code(0).says(&["2 of 2 flows", "web to db:443"]);
    folder
        .run(&["requirements", "estate.yaml", "--as-is", "--workload", "web"])
        .code(0)
        .says(&["What can still leave"]);
    folder.run(&["graph", "estate.yaml"]).code(0).says(&["flowchart LR", "web-nsg"]);
    folder.run(&["graph", "estate.yaml", "--format", "dot"]).code(0).says(&["digraph netwhy"]);
    folder
        .run(&["trace", "estate.yaml", "--from", "db", "--to", "web:22", "--format", "mermaid"])
        .code(0)
        .says(&["BLOCKED HERE"]);
    folder.run(&["trace", "--scenario", "ask.yaml", "--format", "dot"]).code(2);
}

#[test]
fn a_fault_beside_a_character_of_several_bytes_is_shown() {
    let folder = Folder::new("quotes");
    folder.write("quotes.json", "{\n \"name\": \"x\" “y”\n}");
    folder.run(&["import", "quotes.json"]).code(3).says_nothing().tells(&["quotes.json:2:14", "“y”"]);
}

#[test]
fn what_contradicts_itself_is_told() {
    let folder = Folder::new("contradictions");
    folder.write(
        "estate.yaml",
        "netwhy: estate/1
virtualNetworks:
  - name: v
    addressPrefixes: [10.0.0.0/16]
    subnets:
      - { name: a, addressPrefix: 10.0.0.0/24, routeTable: t }
      - { name: b, addressPrefix: 10.0.0.128/25 }
      - { name: c, addressPrefix: 192.168.0.0/24 }
routeTables:
  - name: t
    routes:
      - { name: one, addressPrefix: 0.0.0.0/0, nextHopType: Internet }
      - { name: two, addressPrefix: 0.0.0.0/0, nextHopType: None }
hosts:
  - { name: h1, subnet: v/a, privateIPAddress: 10.0.0.4 }
  - { name: h2, subnet: v/a, privateIPAddress: 10.0.0.4 }
  - { name: h3, subnet: v/a, privateIPAddress: 10.0.9.4 }
",
    );
    folder.run(&["import", "estate.yaml"]).code(0).tells(&[
        "`a` and `b` share addresses: 10.0.0.0/24 and 10.0.0.128/25",
        "`c` has 192.168.0.0/24, which is not in the space of `v`",
        "the routes `one` and `two` of `t` are for the same prefix 0.0.0.0/0 (RT-27)",
        "`h1` and `h2` have the same address 10.0.0.4",
        "`h3` has 10.0.9.4, which is not in its subnet `v/a`",
    ]);
}

#[test]
fn a_list_of_flows_is_asked_before_and_after() {
    let folder = Folder::new("flow-changes");
    folder.write("flows.csv", "from,to,protocol,port\ndb,web,tcp,443\ndb,web,tcp,22\nweb,db,tcp,22\n");
    let asked = ["what-if", "estate.yaml", "--flows", "flows.csv"];
    let with = |more: &[&str]| folder.run(&[&asked[..], more].concat());
    with(&["--remove", "web-nsg/allow-https"]).code(0).says(&[
        "changed: removed `web-nsg` securityRules/allow-https",
        "1 of 3 flows gets another answer; 1 decided again",
        "line 2: db > web tcp/443",
        "before  allowed",
        "after   blocked (denied in) NSG_RULE_DENY by web-nsg/deny-in",
    ]);
    with(&["--remove", "web-nsg/allow-https", "--fail-on-break"]).code(1);
    // More than rules and routes: the network is compiled anew.
    with(&["--remove", "web-nsg", "--format", "json"]).code(0).says(&[
        "netwhy/flow-changes/1",
        "\"compiledAnew\": true",
        "\"decidedAgain\": 3",
        "web-nsg/deny-in",
    ]);
    let told = with(&["--remove", "web-nsg", "--format", "json"]).code(0).out;
    fits(&folder.schema("flow-changes"), &serde_json::from_str(&told).expect("JSON"));
    with(&[]).code(2).tells(&["nothing is to change"]);
    with(&["--remove", "web-nsg/allow-htps"]).code(3).tells(&["allow-https"]);
    with(&["--remove", "web-nsg", "--format", "markdown"]).code(2).tells(&["--flows"]);
    folder.write("flows.csv", "from,to,protocol,port\ndb,nobody,tcp,443\ndb,web,tcp,443\n");
    let done = with(&["--remove", "web-nsg/allow-https"]).code(3).tells(&["line 2", "nobody"]);
    done.says(&["1 of 1 flows gets another answer"]);
}
