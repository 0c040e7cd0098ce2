//! String functions.

use super::array::list;
use super::object::written;
use super::{Function, MANY, Run, function, truth};
use crate::doc::{Node, Number, Value};
use crate::formats::arm::engine::{Context, Engine};
use crate::formats::arm::stand_in;
use crate::formats::arm::value::{Fault, Outcome, failed, int, items, text};

pub(super) const FUNCTIONS: &[Function] = &[
    function("string", 1, 1, Run::Values(|e, ctx, args| e.text(ctx, written(&args[0])?))),
    function("format", 1, MANY, Run::Values(format_text)),
    function("replace", 3, 3, Run::Values(replace)),
    function("split", 2, 2, Run::Growing(split)),
    function("join", 2, 2, Run::Values(join)),
    function("padLeft", 2, 3, Run::Values(pad_left)),
    function("startsWith", 2, 2, Run::Values(|_, ctx, args| truth(ctx, begins(args)?))),
    function("endsWith", 2, 2, Run::Values(|_, ctx, args| truth(ctx, ends(args)?))),
    function("substring", 2, 3, Run::Values(substring)),
    function("toLower", 1, 1, Run::Values(|e, ctx, args| e.text(ctx, text(&args[0])?.to_lowercase()))),
    function("toUpper", 1, 1, Run::Values(|e, ctx, args| e.text(ctx, text(&args[0])?.to_uppercase()))),
    function("trim", 1, 1, Run::Values(|e, ctx, args| e.text(ctx, text(&args[0])?.trim()))),
    function("guid", 1, MANY, Run::Values(|e, ctx, args| hashed(e, ctx, args, stand_in::guid))),
    function(
        "uniqueString",
        1,
        MANY,
        Run::Values(|e, ctx, args| hashed(e, ctx, args, stand_in::unique_string)),
    ),
    function("newGuid", 0, 0, Run::Values(new_guid)),
    function("fail", 1, 1, Run::Values(|_, _, args| failed(format!("is called: {}", text(&args[0])?)))),
];

fn hashed(engine: &mut Engine<'_>, ctx: &Context, args: &[Node], hash: fn(&[&str]) -> String) -> Outcome {
    let parts: Result<Vec<String>, Fault> = args.iter().map(written).collect();
    let parts = parts?;
    engine.room(parts.iter().map(String::len).sum())?;
    let parts: Vec<&str> = parts.iter().map(|p| &**p).collect();
    engine.text(ctx, hash(&parts))
}

/// A GUID that is the same each time for the same place.
fn new_guid(engine: &mut Engine<'_>, ctx: &Context, _: &[Node]) -> Outcome {
    let place = format!("{}:{}:{}", ctx.at.doc.0, ctx.at.start, ctx.identity());
    engine.text(ctx, stand_in::made_up("newGuid", &place))
}

fn replace(engine: &mut Engine<'_>, ctx: &Context, args: &[Node]) -> Outcome {
    let (whole, old, new) = (text(&args[0])?, text(&args[1])?, text(&args[2])?);
    if old.is_empty() {
        return failed("cannot replace an empty string");
    }
    engine.spend(whole.len() / 16)?;
    let n_found = whole.matches(old).count();
    engine.room((whole.len() - n_found * old.len()).saturating_add(n_found.saturating_mul(new.len())))?;
    engine.text(ctx, whole.replace(old, new))
}

fn split(engine: &mut Engine<'_>, ctx: &Context, args: &[Node]) -> Outcome {
    let whole = text(&args[0])?;
    let signs: Vec<&str> = match &args[1].value {
        Value::Array(signs) => signs.iter().map(text).collect::<Result<_, _>>()?,
        _ => vec![text(&args[1])?],
    };
    let signs: Vec<&str> = signs.into_iter().filter(|s| !s.is_empty()).collect();
    engine.spend(whole.len() * signs.len().max(1) / 4)?;
    let mut out = Vec::new();
    let (mut start, mut at) = (0, 0);
    while at < whole.len() {
        let rest = &whole[at..];
        match signs.iter().find(|sign| rest.starts_with(**sign)) {
            Some(sign) => {
                out.push(Node::string(ctx.at, &whole[start..at]));
                at += sign.len();
                start = at;
            }
            None => at += rest.chars().next().map_or(1, char::len_utf8),
        }
    }
    out.push(Node::string(ctx.at, &whole[start..]));
    list(ctx, out)
}

fn join(engine: &mut Engine<'_>, ctx: &Context, args: &[Node]) -> Outcome {
    let sign = text(&args[1])?;
    let mut out = String::new();
    for (i, item) in items(&args[0])?.iter().enumerate() {
        let piece = written(item)?;
        engine.room(out.len() + sign.len() + piece.len())?;
        if i > 0 {
            out.push_str(sign);
        }
        out.push_str(&piece);
    }
    engine.text(ctx, out)
}

fn pad_left(engine: &mut Engine<'_>, ctx: &Context, args: &[Node]) -> Outcome {
    let whole = match &args[0].value {
        Value::Number(number) => number.to_string(),
        _ => text(&args[0])?.to_owned(),
    };
    let Ok(length) = usize::try_from(int(&args[1])?) else { return failed("takes a length of at least 0") };
    let sign = match args.get(2).map(text).transpose()? {
        None => ' ',
        Some(sign) => match (sign.chars().next(), sign.chars().count()) {
            (Some(sign), 1) => sign,
            _ => return failed("pads with one character"),
        },
    };
    engine.room(length.saturating_mul(sign.len_utf8()))?;
    let missing = length.saturating_sub(whole.chars().count());
    let padding: String = std::iter::repeat_n(sign, missing).collect();
    engine.text(ctx, padding + &whole)
}

fn begins(args: &[Node]) -> Result<bool, Fault> {
    Ok(text(&args[0])?.to_lowercase().starts_with(&text(&args[1])?.to_lowercase()))
}

fn ends(args: &[Node]) -> Result<bool, Fault> {
    Ok(text(&args[0])?.to_lowercase().ends_with(&text(&args[1])?.to_lowercase()))
}

fn substring(engine: &mut Engine<'_>, ctx: &Context, args: &[Node]) -> Outcome {
    let whole: Vec<char> = text(&args[0])?.chars().collect();
    let start = usize::try_from(int(&args[1])?);
    let length = args.get(2).map(int).transpose()?.map(usize::try_from);
    let range = match (start, length) {
        (Ok(start), None) => start..whole.len(),
        (Ok(start), Some(Ok(length))) => start..start.saturating_add(length),
        _ => return failed("takes a start and a length of at least 0"),
    };
    match whole.get(range) {
        Some(part) => engine.text(ctx, part.iter().collect::<String>()),
        None => failed(format!("asks for characters behind the end of a string of {}", whole.len())),
    }
}

// ---- format ----

/// `format()`: composite formatting as .NET does it, for the formats that numbers have.
fn format_text(engine: &mut Engine<'_>, ctx: &Context, args: &[Node]) -> Outcome {
    let pattern = text(&args[0])?;
    let mut out = String::new();
    let mut rest = pattern;
    while let Some(at) = rest.find(['{', '}']) {
        out.push_str(&rest[..at]);
        let (sign, tail) = rest[at..].split_at(1);
        if tail.starts_with(sign) {
            out.push_str(sign);
            rest = &tail[1..];
            continue;
        }
        let Some(end) = tail.find('}').filter(|_| sign == "{") else {
            return failed(format!("finds an unpaired `{sign}` in `{}`", shortened(pattern)));
        };
        let piece = item(&tail[..end], &args[1..])?;
        engine.room(out.len() + piece.len())?;
        out.push_str(&piece);
        rest = &tail[end + 1..];
    }
    out.push_str(rest);
    engine.text(ctx, out)
}

/// What stands for `index[,width][:format]`.
fn item(inside: &str, values: &[Node]) -> Result<String, Fault> {
    let (head, format) = inside.split_once(':').map_or((inside, None), |(head, format)| (head, Some(format)));
    let (index, width) = head.split_once(',').map_or((head, None), |(index, width)| (index, Some(width)));
    let value = index.trim().parse::<usize>().ok().and_then(|index| values.get(index));
    let Some(value) = value else { return failed(format!("has no value for `{{{inside}}}`")) };
    let piece = match (&value.value, format.filter(|f| !f.is_empty())) {
        (Value::Number(number), Some(format)) => number_as(*number, format)?,
        // .NET ignores a format for what cannot be formatted.
        _ => written(value)?,
    };
    match width.map(|w| w.trim().parse::<i32>()) {
        None => Ok(piece),
        Some(Ok(width)) if width.unsigned_abs() <= 1024 => Ok(aligned(&piece, width)),
        Some(_) => failed(format!("cannot read the width in `{{{inside}}}`")),
    }
}

fn aligned(piece: &str, width: i32) -> String {
    let missing = (width.unsigned_abs() as usize).saturating_sub(piece.chars().count());
    let padding = " ".repeat(missing);
    if width < 0 { format!("{piece}{padding}") } else { format!("{padding}{piece}") }
}

fn number_as(number: Number, format: &str) -> Result<String, Fault> {
    let unsupported =
        || Err(Fault::Unknown(format!("how .NET writes a number as `{format}` is not modelled").into()));
    let (letter, digits) = format.split_at(format.chars().next().map_or(0, char::len_utf8));
    if format.chars().all(|c| c == '0') {
        return match number {
            Number::Int(value) => Ok(zero_padded(value, format.len())),
            Number::Float(_) => unsupported(),
        };
    }
    if let ("#,##0" | "#,0", Number::Int(value)) = (format, number) {
        return Ok(grouped(&value.to_string(), 0));
    }
    let precision = match digits {
        "" => None,
        digits => match digits.parse::<usize>() {
            Ok(precision) if precision <= 99 => Some(precision),
            _ => return unsupported(),
        },
    };
    match (letter, number) {
        ("D" | "d", Number::Int(value)) => Ok(zero_padded(value, precision.unwrap_or(0))),
        ("X", Number::Int(value)) => Ok(format!("{value:0width$X}", width = precision.unwrap_or(0))),
        ("x", Number::Int(value)) => Ok(format!("{value:0width$x}", width = precision.unwrap_or(0))),
        ("N" | "n", Number::Int(value)) => {
            Ok(grouped(&value.to_string(), precision.unwrap_or(GROUPED_DECIMALS)))
        }
        ("F" | "f", Number::Int(value)) => Ok(with_decimals(&value.to_string(), precision.unwrap_or(2))),
        ("G" | "g", Number::Int(value)) if precision.is_none() => Ok(value.to_string()),
        _ => unsupported(),
    }
}

/// What .NET writes behind the point for `N` in the invariant culture.
const GROUPED_DECIMALS: usize = 2;

fn zero_padded(value: i64, width: usize) -> String {
    let digits = value.unsigned_abs().to_string();
    let zeros = "0".repeat(width.saturating_sub(digits.len()));
    format!("{}{zeros}{digits}", if value < 0 { "-" } else { "" })
}

fn grouped(written: &str, decimals: usize) -> String {
    let (sign, digits) = written.strip_prefix('-').map_or(("", written), |digits| ("-", digits));
    let mut out = String::from(sign);
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    with_decimals(&out, decimals)
}

fn with_decimals(whole: &str, decimals: usize) -> String {
    if decimals == 0 { whole.to_owned() } else { format!("{whole}.{}", "0".repeat(decimals)) }
}

fn shortened(text: &str) -> String {
    let head: String = text.chars().take(60).collect();
    if head.len() < text.len() { format!("{head}…") } else { head }
}
