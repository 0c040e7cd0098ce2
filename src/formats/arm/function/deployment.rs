//! Functions about the deployment and its scope.

use super::object::built;
use super::{Function, MANY, Run, function};
use crate::diag::Severity;
use crate::doc::{Entry, Node, Object, Value};
use crate::formats::arm::engine::{Context, Engine};
use crate::formats::arm::scope::Scope;
use crate::formats::arm::value::{LATER, OTHERS, Outcome, failed, marker, text};
use std::sync::Arc;

pub(super) const FUNCTIONS: &[Function] = &[
    function("parameters", 1, 1, Run::Values(|e, ctx, args| e.parameter(text(&args[0])?, ctx))),
    function("variables", 1, 1, Run::Values(|e, ctx, args| e.variable(text(&args[0])?, ctx))),
    function("deployment", 0, 0, Run::Values(deployment)),
    function("deployer", 0, 0, Run::Values(deployer)),
    function("environment", 0, 0, Run::Values(|e, ctx, _| Ok(e.options().cloud.environment(ctx.at)))),
    function("resourceGroup", 0, 2, Run::Values(resource_group)),
    function("subscription", 0, 1, Run::Values(subscription)),
    function("tenant", 0, 0, Run::Values(tenant)),
    function("managementGroup", 0, 1, Run::Values(management_group)),
    function("externalInput", 1, MANY, Run::Values(|e, ctx, args| e.external_input(ctx, args))),
    function("externalInputs", 1, MANY, Run::Values(|e, ctx, args| e.external_input(ctx, args))),
];

/// An object of known texts; the other fields are unknown.
fn described(ctx: &Context, fields: &[(&str, String)], others: Option<&str>) -> Outcome {
    let entries = fields.iter().map(|(key, text)| entry(ctx, key, Node::string(ctx.at, text.as_str())));
    let more = others.map(|why| marker(OTHERS, ctx.at, why.into()));
    built(ctx, entries.chain(more).collect())
}

fn entry(ctx: &Context, key: &str, value: Node) -> Entry {
    Entry { key: key.into(), key_at: ctx.at, value }
}

fn deployment(engine: &mut Engine<'_>, ctx: &Context, _: &[Node]) -> Outcome {
    let frame = &engine.frames[ctx.frame];
    let template = frame.template.clone();
    let why: Arc<str> = "only a deployment knows this property of `deployment()`".into();
    let own: Object = [
        entry(ctx, "template", template),
        entry(ctx, "mode", Node::string(ctx.at, "Incremental")),
        entry(ctx, "provisioningState", Node::string(ctx.at, "Accepted")),
        marker(LATER, ctx.at, why.clone()),
    ]
    .into_iter()
    .collect();
    let mut out = Object::new();
    out.push(entry(ctx, "name", Node::string(ctx.at, frame.name.clone())));
    if !matches!(frame.scope, Scope::Group(..)) {
        out.push(entry(ctx, "location", Node::string(ctx.at, engine.options().location.clone())));
    }
    out.push(entry(ctx, "properties", Node::object(ctx.at, own)));
    out.push(marker(LATER, ctx.at, why));
    built(ctx, out)
}

fn deployer(engine: &mut Engine<'_>, ctx: &Context, _: &[Node]) -> Outcome {
    let fields = [("tenantId", engine.options().tenant_id.to_string())];
    described(ctx, &fields, Some("who deploys is in none of the files"))
}

/// `resourceGroup()`. Its region is known for the group deployed to and for those that the deployment declares.
fn resource_group(engine: &mut Engine<'_>, ctx: &Context, args: &[Node]) -> Outcome {
    let scope = engine.frames[ctx.frame].scope.clone();
    let (subscription, name) = match (args, scope) {
        ([], Scope::Group(subscription, name)) => (subscription, name),
        ([name], scope) => match scope.subscription() {
            Some(subscription) => (subscription.clone(), text(name)?.into()),
            None => return failed("is not to be had in this scope"),
        },
        ([subscription, name], _) => (text(subscription)?.into(), text(name)?.into()),
        _ => return failed("is not to be had in this scope"),
    };
    let id = Scope::Group(subscription.clone(), name.clone()).id();
    let mut out = Object::new();
    for (key, value) in
        [("id", id.as_str()), ("name", &*name), ("type", "Microsoft.Resources/resourceGroups")]
    {
        out.push(entry(ctx, key, Node::string(ctx.at, value)));
    }
    let declared = engine.declared_body(&id);
    let options = engine.options();
    let is_own = name.eq_ignore_ascii_case(&options.resource_group)
        && subscription.eq_ignore_ascii_case(&options.subscription_id);
    let location = declared.as_ref().and_then(|body| body.get("location")).cloned();
    match (location, is_own) {
        (Some(location), _) => out.push(entry(ctx, "location", location)),
        (None, true) => out.push(entry(ctx, "location", Node::string(ctx.at, options.location.clone()))),
        (None, false) => {}
    }
    if let Some(tags) = declared.as_ref().and_then(|body| body.get("tags")) {
        out.push(entry(ctx, "tags", tags.clone()));
    }
    let state = entry(ctx, "provisioningState", Node::string(ctx.at, "Succeeded"));
    out.push(entry(ctx, "properties", Node::object(ctx.at, Object::from_iter([state]))));
    let why = format!("the resource group `{name}` is described in none of the files");
    out.push(marker(OTHERS, ctx.at, why.into()));
    built(ctx, out)
}

fn subscription(engine: &mut Engine<'_>, ctx: &Context, args: &[Node]) -> Outcome {
    let scope = engine.frames[ctx.frame].scope.clone();
    let id: Arc<str> = match (args.first(), scope.subscription()) {
        (Some(id), _) => text(id)?.into(),
        (None, Some(id)) => id.clone(),
        (None, None) => return failed("is not to be had in this scope"),
    };
    let fields = [
        ("id", format!("/subscriptions/{id}")),
        ("subscriptionId", id.to_string()),
        ("tenantId", engine.options().tenant_id.to_string()),
    ];
    described(ctx, &fields, Some("the subscription is described in none of the files"))
}

fn tenant(engine: &mut Engine<'_>, ctx: &Context, _: &[Node]) -> Outcome {
    let id = &engine.options().tenant_id;
    let fields = [("id", format!("/tenants/{id}")), ("tenantId", id.to_string())];
    described(ctx, &fields, Some("the tenant is described in none of the files"))
}

fn management_group(engine: &mut Engine<'_>, ctx: &Context, args: &[Node]) -> Outcome {
    let scope = engine.frames[ctx.frame].scope.clone();
    let name: Arc<str> = match (args.first(), scope) {
        (Some(name), _) => text(name)?.into(),
        (None, Scope::ManagementGroup(name)) => name,
        _ => return failed("is not to be had in this scope"),
    };
    let fields = [
        ("id", Scope::ManagementGroup(name.clone()).id()),
        ("name", name.to_string()),
        ("type", "Microsoft.Management/managementGroups".to_owned()),
    ];
    described(ctx, &fields, Some("the management group is described in none of the files"))
}

impl Engine<'_> {
    /// The evaluated body of the resource with this id, if one is declared. Nothing is opened to find it: a
    /// region is asked for so early that names depend on it.
    fn declared_body(&mut self, id: &str) -> Option<Node> {
        let instance = self.found(id)?;
        let body = self.body(instance).ok()?;
        matches!(body.value, Value::Object(_)).then_some(body)
    }
}

/// How diagnostics about what a deployment alone knows are rated: it is as it must be.
pub(super) const EXPECTED: Severity = Severity::Note;
