//! Encodings and addresses: base64, data URIs, URI components, `uri()`.

use super::object::{built, parse};
use super::{Function, Run, function};
use crate::doc::{Entry, Node, Number, Object, Value};
use crate::formats::arm::engine::{Context, Engine};
use crate::formats::arm::value::{Fault, Outcome, failed, object, text};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

pub(super) const FUNCTIONS: &[Function] = &[
    function("base64", 1, 1, Run::Values(|e, ctx, args| e.text(ctx, STANDARD.encode(text(&args[0])?)))),
    function("base64ToString", 1, 1, Run::Values(|e, ctx, args| e.text(ctx, decoded(text(&args[0])?)?))),
    function("base64ToJson", 1, 1, Run::Growing(|_, ctx, args| parse(ctx, &decoded(text(&args[0])?)?))),
    function("dataUri", 1, 1, Run::Values(data_uri)),
    function("dataUriToString", 1, 1, Run::Values(data_uri_to_string)),
    function("uriComponent", 1, 1, Run::Values(|e, ctx, args| e.text(ctx, escaped(text(&args[0])?)))),
    function(
        "uriComponentToString",
        1,
        1,
        Run::Values(|e, ctx, args| e.text(ctx, unescaped(text(&args[0])?)?)),
    ),
    function("uri", 2, 2, Run::Values(uri)),
    function("buildUri", 1, 1, Run::Values(build_uri)),
    function("parseUri", 1, 1, Run::Growing(parse_uri)),
];

fn decoded(encoded: &str) -> Result<String, Fault> {
    let bytes = STANDARD.decode(encoded.trim()).ok();
    bytes.and_then(|b| String::from_utf8(b).ok()).map_or_else(|| failed("reads text that is not base64"), Ok)
}

fn data_uri(engine: &mut Engine<'_>, ctx: &Context, args: &[Node]) -> Outcome {
    let encoded = STANDARD.encode(text(&args[0])?);
    engine.text(ctx, format!("data:text/plain;charset=utf8;base64,{encoded}"))
}

fn data_uri_to_string(engine: &mut Engine<'_>, ctx: &Context, args: &[Node]) -> Outcome {
    let whole = text(&args[0])?;
    let Some((head, data)) = whole.strip_prefix("data:").and_then(|rest| rest.split_once(',')) else {
        return failed("reads text that is not a data URI");
    };
    let out = if head.ends_with(";base64") { decoded(data)? } else { unescaped(data)? };
    engine.text(ctx, out)
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(char::from(byte)),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

fn unescaped(text: &str) -> Result<String, Fault> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let hex = tail
            .get(..2)
            .and_then(|h| std::str::from_utf8(h).ok())
            .and_then(|h| u8::from_str_radix(h, 16).ok());
        match (first, hex) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            _ => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8(bytes).or_else(|_| failed("decodes to bytes that are not text"))
}

fn uri(engine: &mut Engine<'_>, ctx: &Context, args: &[Node]) -> Outcome {
    let (base, relative) = (text(&args[0])?, text(&args[1])?);
    if ctx.naming && base.starts_with('{') {
        // The folder is not known; the file in it is, and a linked file is found by that.
        return engine.text(ctx, format!("{base}/{relative}"));
    }
    engine.text(ctx, combined(base, relative)?)
}

/// A base address with a relative one, as RFC 3986 section 5.2 joins them.
fn combined(base: &str, relative: &str) -> Result<String, Fault> {
    let Some((scheme, rest)) = base.split_once("://").filter(|(s, _)| is_scheme(s)) else {
        return failed(format!("takes an absolute address, not `{base}`"));
    };
    if relative.split_once("://").is_some_and(|(scheme, _)| is_scheme(scheme)) {
        return Ok(relative.to_owned());
    }
    let (authority, path) = rest.find(['/', '?', '#']).map_or((rest, ""), |at| rest.split_at(at));
    if let Some(other) = relative.strip_prefix("//") {
        return Ok(format!("{scheme}://{other}"));
    }
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let (relative, tail) = relative.find(['?', '#']).map_or((relative, ""), |at| relative.split_at(at));
    let merged = match relative {
        "" => path.to_owned(),
        relative if relative.starts_with('/') => relative.to_owned(),
        relative => {
            let folder = path.rfind('/').map_or("/", |at| &path[..=at]);
            format!("{folder}{relative}")
        }
    };
    let path = without_dots(&merged).replace(' ', "%20");
    Ok(format!("{scheme}://{authority}{path}{tail}"))
}

fn is_scheme(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
}

fn without_dots(path: &str) -> String {
    let mut out: Vec<&str> = Vec::new();
    let mut segments = path.trim_start_matches('/').split('/').peekable();
    while let Some(segment) = segments.next() {
        let is_last = segments.peek().is_none();
        match segment {
            "." | ".." => {
                if segment == ".." {
                    out.pop();
                }
                if is_last {
                    out.push("");
                }
            }
            segment => out.push(segment),
        }
    }
    format!("/{}", out.join("/"))
}

fn build_uri(engine: &mut Engine<'_>, ctx: &Context, args: &[Node]) -> Outcome {
    let parts = object(&args[0])?;
    let part = |key: &str| parts.get(key).filter(|n| !n.is_null()).map(text).transpose();
    let scheme = part("scheme")?.unwrap_or("https");
    let Some(host) = part("host")? else { return failed("needs a `host`") };
    let port = parts.get("port").and_then(Node::as_int).map(|p| format!(":{p}")).unwrap_or_default();
    let path = part("path")?.unwrap_or("/");
    let slash = if path.starts_with('/') { "" } else { "/" };
    let query = part("query")?.unwrap_or_default();
    engine.text(ctx, format!("{scheme}://{host}{port}{slash}{path}{query}"))
}

fn parse_uri(_: &mut Engine<'_>, ctx: &Context, args: &[Node]) -> Outcome {
    let whole = text(&args[0])?;
    let Some((scheme, rest)) = whole.split_once("://").filter(|(s, _)| is_scheme(s)) else {
        return failed(format!("takes an absolute address, not `{whole}`"));
    };
    let (authority, tail) = rest.find(['/', '?']).map_or((rest, ""), |at| rest.split_at(at));
    let (path, query) = tail.find('?').map_or((tail, ""), |at| tail.split_at(at));
    let (host, port) = match authority.rsplit_once(':').map(|(host, port)| (host, port.parse::<i64>())) {
        Some((host, Ok(port))) => (host, Some(port)),
        _ => (authority, None),
    };
    let mut out = Object::new();
    let mut push = |key: &str, value: Value| {
        out.push(Entry { key: key.into(), key_at: ctx.at, value: ctx.node(value) });
    };
    push("scheme", Value::String(scheme.into()));
    push("host", Value::String(host.into()));
    push("port", port.map_or(Value::Null, |port| Value::Number(Number::Int(port))));
    push("path", Value::String(if path.is_empty() { "/".into() } else { path.into() }));
    push("query", Value::String(query.into()));
    built(ctx, out)
}
