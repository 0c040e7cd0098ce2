//! Functions about resources: ids, `reference`, `list*`, zones.

use super::deployment::EXPECTED;
use super::object::built;
use super::{Function, MANY, Run, function};
use crate::diag::Severity;
use crate::doc::{Entry, Node, Object};
use crate::formats::arm::engine::{Context, Engine};
use crate::formats::arm::scope::{Scope, n_names, resource_id};
use crate::formats::arm::value::{Fault, Outcome, failed, text};

pub(super) const FUNCTIONS: &[Function] = &[
    function("resourceId", 2, MANY, Run::Id(own_id)),
    function("subscriptionResourceId", 2, MANY, Run::Id(subscription_id)),
    function("tenantResourceId", 2, MANY, Run::Id(|_, _, args| id_in("", args))),
    function("managementGroupResourceId", 2, MANY, Run::Id(management_group_id)),
    function("extensionResourceId", 3, MANY, Run::Id(|_, _, args| id_in(text(&args[0])?, &args[1..]))),
    function(
        "reference",
        1,
        3,
        Run::Values(|e, ctx, args| e.reference(text(&args[0])?, is_full(args, 2), ctx)),
    ),
    function(
        "references",
        1,
        2,
        Run::Growing(|e, ctx, args| e.references(text(&args[0])?, is_full(args, 1), ctx)),
    ),
    function("resourceInfo", 1, 1, Run::Values(resource_info)),
    function("providers", 1, 2, Run::Values(providers)),
    function("pickZones", 3, 5, Run::Values(|e, ctx, args| zones(e, ctx, args, "pickZones"))),
    function("toLogicalZone", 3, 3, Run::Values(|e, ctx, args| zones(e, ctx, args, "toLogicalZone"))),
    function("toLogicalZones", 3, 3, Run::Values(|e, ctx, args| zones(e, ctx, args, "toLogicalZones"))),
    function("toPhysicalZone", 3, 3, Run::Values(|e, ctx, args| zones(e, ctx, args, "toPhysicalZone"))),
    function("toPhysicalZones", 3, 3, Run::Values(|e, ctx, args| zones(e, ctx, args, "toPhysicalZones"))),
    function(
        "getSecret",
        2,
        4,
        Run::Values(|e, ctx, _| Ok(e.unknown(ctx, EXPECTED, "a secret of a key vault"))),
    ),
];

/// Every `list...` function.
pub(super) const LIST: Function = function("list*", 1, 3, Run::Values(list));

fn is_full(args: &[Node], at: usize) -> bool {
    args.get(at).and_then(Node::as_str).is_some_and(|form| form.eq_ignore_ascii_case("Full"))
}

/// AZURE: what a `list` operation answers is computed by the service, keys mostly; nothing of it is in the files.
fn list(engine: &mut Engine<'_>, ctx: &Context, args: &[Node]) -> Outcome {
    let of = text(&args[0])?;
    let why = format!("what a `list` operation of `{of}` answers is a secret or known only after deployment");
    Ok(engine.unknown(ctx, EXPECTED, why))
}

fn providers(engine: &mut Engine<'_>, ctx: &Context, _: &[Node]) -> Outcome {
    let why = "`providers` is withdrawn; which API versions Azure offers is in none of the files";
    Ok(engine.unknown(ctx, Severity::Warning, why))
}

fn zones(engine: &mut Engine<'_>, ctx: &Context, _: &[Node], name: &str) -> Outcome {
    let why = format!("which zones `{name}` gives depends on region and subscription");
    Ok(engine.unknown(ctx, Severity::Warning, why))
}

// ---- ids ----

/// The arguments before the type, the type, and the names joined.
struct Parts<'a> {
    before: Vec<&'a str>,
    kind: &'a str,
    name: String,
}

/// The type is the first argument with a slash; the names follow it, as many as it has segments.
fn parts(args: &[Node]) -> Result<Parts<'_>, Fault> {
    let texts: Vec<&str> = args.iter().map(text).collect::<Result<_, _>>()?;
    let Some(at) = texts.iter().position(|t| t.contains('/')) else {
        return failed("finds no resource type");
    };
    let (before, rest) = texts.split_at(at);
    let (kind, names) = (rest[0].trim_matches('/'), &rest[1..]);
    let name = names.join("/");
    let (wanted, got) = (n_names(kind), name.split('/').count());
    if names.is_empty() || wanted != got {
        return failed(format!(
            "takes {wanted} names for `{kind}`, not {}",
            if names.is_empty() { 0 } else { got }
        ));
    }
    Ok(Parts { before: before.to_vec(), kind, name })
}

fn id_in(scope: &str, args: &[Node]) -> Result<String, Fault> {
    let parts = parts(args)?;
    if !parts.before.is_empty() {
        return failed("takes the resource type first");
    }
    Ok(resource_id(scope, parts.kind, &parts.name).to_string())
}

/// `resourceId`: in the scope of the deployment, or in the subscription and group given.
fn own_id(engine: &mut Engine<'_>, ctx: &Context, args: &[Node]) -> Result<String, Fault> {
    let parts = parts(args)?;
    let own = engine.frames[ctx.frame].scope.clone();
    let scope = match (&parts.before[..], &own) {
        ([], Scope::ManagementGroup(_)) => Scope::Tenant,
        ([], _) => own,
        ([one], Scope::Group(subscription, _)) => Scope::Group(subscription.clone(), (*one).into()),
        // AZURE: in a subscription the one argument before the type is a subscription.
        ([one], _) => Scope::Subscription((*one).into()),
        ([subscription, group], _) => Scope::Group((*subscription).into(), (*group).into()),
        _ => return failed("takes at most a subscription and a group before the type"),
    };
    Ok(resource_id(&scope.id(), parts.kind, &parts.name).to_string())
}

fn subscription_id(engine: &mut Engine<'_>, ctx: &Context, args: &[Node]) -> Result<String, Fault> {
    let parts = parts(args)?;
    let own = engine.frames[ctx.frame].scope.clone();
    let subscription = match (&parts.before[..], own.subscription()) {
        ([], Some(own)) => own.clone(),
        ([], None) => engine.options().subscription_id.clone(),
        ([one], _) => (*one).into(),
        _ => return failed("takes at most a subscription before the type"),
    };
    Ok(resource_id(&Scope::Subscription(subscription).id(), parts.kind, &parts.name).to_string())
}

fn management_group_id(engine: &mut Engine<'_>, ctx: &Context, args: &[Node]) -> Result<String, Fault> {
    let parts = parts(args)?;
    let own = engine.frames[ctx.frame].scope.clone();
    let group = match (&parts.before[..], own) {
        ([], Scope::ManagementGroup(own)) => own,
        ([], _) => engine.options().management_group.clone(),
        ([one], _) => (*one).into(),
        _ => return failed("takes at most a management group before the type"),
    };
    Ok(resource_id(&Scope::ManagementGroup(group).id(), parts.kind, &parts.name).to_string())
}

/// `resourceInfo(symbol)`: id, name and type.
fn resource_info(engine: &mut Engine<'_>, ctx: &Context, args: &[Node]) -> Outcome {
    let identity = engine.identity_of_target(text(&args[0])?, ctx)?;
    let fields = [
        ("id", identity.id.to_string()),
        ("name", identity.name.rsplit('/').next().unwrap_or_default().to_owned()),
        ("type", identity.kind.to_string()),
    ];
    let entries = fields.map(|(key, text)| Entry {
        key: key.into(),
        key_at: ctx.at,
        value: Node::string(ctx.at, text),
    });
    built(ctx, Object::from_iter(entries))
}
