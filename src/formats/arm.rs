//! Azure Resource Manager templates, their parameter files and what they expand to.
//!
//! Input: the parsed template and parameter files. Output: the resources the deployment would create, as
//! [`RawResource`]s, with every value traced to the text that made it. The template language is evaluated
//! as the deployment engine does it: lazily, without regard to case, nested deployments included. What the
//! files do not tell becomes [`Value::Unknown`](crate::doc::Value::Unknown) in exactly its place.
//!
//! Written after Microsoft's "ARM template documentation": template structure and syntax, functions, scopes,
//! copy loops, linked and nested templates.
//!
//! Made up, and therefore never to be taken for Azure's:
//!
//! - ids of principals (`identity.principalId`, a managed identity's `clientId`): GUIDs of version 8, see
//!   [`stand_in_principal`];
//! - `newGuid()`: likewise, from its place in the file;
//! - the private address of an Azure Firewall: the first that Azure gives out in its subnet, with a note;
//! - `GEN-UNIQUE-n` of a quickstart parameter file: `n` characters that begin with `gen`;
//! - a resource name that is not known: the expression in braces, such as `{vnetName}`.
//!
//! `guid()` is computed as Microsoft documents it and `uniqueString()` as it is seen to be computed, so both
//! are Azure's own values as soon as the caller gives the real subscription and resource group in [`Options`].
//! With the defaults they are stable and made up.

mod body;
mod cloud;
mod depends;
mod deployment;
mod engine;
mod expression;
mod firewall;
mod frame;
mod function;
mod link;
mod parameter;
mod reference;
mod runtime;
mod scope;
mod stand_in;
mod twice;
mod value;

pub use cloud::Cloud;
pub use link::is_usual_name;
pub use stand_in::{is_stand_in, stand_in_principal};

use crate::diag::{Diagnostics, DocId};
use crate::doc::{Node, Object};
use crate::inventory::RawResource;
use engine::Engine;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Where a template is deployed, and with what.
#[derive(Clone, Debug)]
pub struct Options {
    /// Subscription of the deployment. Default: the zero GUID.
    pub subscription_id: Arc<str>,
    /// Tenant of the deployment. Default: the zero GUID.
    pub tenant_id: Arc<str>,
    /// Resource group of the deployment. Default: `resource-group`.
    pub resource_group: Arc<str>,
    /// Region of the resource group or of the deployment. Default: `eastus`.
    pub location: Arc<str>,
    /// Management group of the deployment. Default: `management-group`.
    pub management_group: Arc<str>,
    /// What `deployment().name` gives. Default: `deployment`.
    pub deployment_name: Arc<str>,
    /// The cloud. Default: the public one.
    pub cloud: Cloud,
    /// Parameter values that win over those of the parameter files.
    pub parameters: BTreeMap<String, Node>,
    /// Linked templates and parameter files by path. A link is followed to the file whose path shares the most
    /// trailing segments with it, at least the file name.
    pub linked: Vec<(Arc<str>, Node)>,
    /// What `utcNow()` gives, in ISO 8601. Default: `2024-01-01T00:00:00Z`.
    pub utc_now: Arc<str>,
    /// How far expansion may go.
    pub limits: Limits,
}

const ZERO_GUID: &str = "00000000-0000-0000-0000-000000000000";

impl Default for Options {
    fn default() -> Self {
        Self {
            subscription_id: ZERO_GUID.into(),
            tenant_id: ZERO_GUID.into(),
            resource_group: "resource-group".into(),
            location: "eastus".into(),
            management_group: "management-group".into(),
            deployment_name: "deployment".into(),
            cloud: Cloud::Public,
            parameters: BTreeMap::new(),
            linked: Vec::new(),
            utc_now: "2024-01-01T00:00:00Z".into(),
            limits: Limits::default(),
        }
    }
}

/// How far a template may expand before it is stopped with `expansion-limit`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Turns of one copy loop, and numbers of one `range`. Default: 10,000; Azure stops at 800.
    pub turns: usize,
    /// Resources in all, deployments counted. Default: 200,000.
    pub resources: usize,
    /// Deployments within deployments. Default: 32.
    pub deployments_deep: usize,
    /// Bytes of one computed string. Default: 4 MiB.
    pub text: usize,
    /// Values in one computed array or object, those nested inside counted. Default: 500,000.
    pub values: usize,
    /// Steps of evaluation in all: an expression, a value looked at, four bytes of text. Default: 50,000,000,
    /// some seconds of work and at the very worst a gigabyte of values.
    pub steps: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            turns: 10_000,
            resources: 200_000,
            deployments_deep: 32,
            text: 4 << 20,
            values: 500_000,
            steps: 50_000_000,
        }
    }
}

/// What a template expands to.
#[derive(Clone, Debug, Default)]
pub struct Deployment {
    /// The resources in template order, nested deployments in their place.
    pub resources: Vec<RawResource>,
    /// The outputs of the template, name to value.
    pub outputs: Object,
    /// What was done.
    pub stats: Stats,
    /// Linked files that were not handed over: the document that links, and as much of the end of their paths as
    /// is known.
    pub missing_links: BTreeSet<(DocId, Arc<str>)>,
}

/// Counts of an expansion.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Resources listed.
    pub resources: usize,
    /// Nested and linked deployments, which are expanded and not listed.
    pub deployments: usize,
    /// Expressions met; one in a loop counts each turn.
    pub expressions: usize,
    /// Of those, how many have a value.
    pub evaluated: usize,
    /// Of those, how many are unknown.
    pub unknown: usize,
}

impl std::ops::AddAssign for Stats {
    fn add_assign(&mut self, other: Self) {
        self.resources += other.resources;
        self.deployments += other.deployments;
        self.expressions += other.expressions;
        self.evaluated += other.evaluated;
        self.unknown += other.unknown;
    }
}

/// Expands a template with its parameter files, of which the later win. Faults go to `notes`; whatever was
/// understood is kept.
pub fn load(template: &Node, parameters: &[&Node], options: &Options, notes: &mut Diagnostics) -> Deployment {
    // Evaluation recurses as deep as the template chains its variables and deployments. A stack of its own
    // makes the depth limit independent of the caller's thread.
    let run = |notes: &mut Diagnostics, levels| Engine::new(options, notes, levels).run(template, parameters);
    let spawned = std::thread::scope(|scope| {
        let builder = std::thread::Builder::new().name("arm".into()).stack_size(STACK_BYTES);
        let handle = builder.spawn_scoped(scope, || run(notes, LEVELS)).ok()?;
        match handle.join() {
            Ok(deployment) => Some(deployment),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    });
    spawned.unwrap_or_else(|| run(notes, LEVELS_WITHOUT_STACK))
}

/// Stack of the evaluating thread; only what is used is ever committed.
const STACK_BYTES: usize = 256 << 20;
/// Levels of evaluation that fit this stack many times over.
const LEVELS: usize = 2_000;
/// Levels of evaluation where no thread can be had.
const LEVELS_WITHOUT_STACK: usize = 64;

/// Whether a document is an ARM template.
pub fn looks_like_template(document: &Node) -> bool {
    let has_schema = schema(document).is_some_and(|s| s.contains("deploymenttemplate"));
    let has_resources =
        document.get("resources").is_some_and(|r| r.as_array().is_some() || r.as_object().is_some());
    has_schema || (has_resources && document.get("contentVersion").is_some())
}

/// Whether a document is a parameter file of an ARM template.
pub fn looks_like_parameters(document: &Node) -> bool {
    if looks_like_template(document) {
        return false;
    }
    let has_schema = schema(document).is_some_and(|s| s.contains("deploymentparameters"));
    let has_values = document.get("parameters").and_then(Node::as_object).is_some_and(|p| {
        p.iter().all(|e| e.value.get("value").is_some() || e.value.get("reference").is_some())
    });
    has_schema || (has_values && document.get("contentVersion").is_some())
}

/// Whether a document that was named as a parameter file is one, though it says so nowhere: only values by name.
pub fn looks_like_values(document: &Node) -> bool {
    let values = document.get("parameters").unwrap_or(document).as_object();
    let is_value =
        |node: &Node| ["value", "reference", "expression"].iter().any(|key| node.get(key).is_some());
    values.is_some_and(|values| !values.is_empty() && values.iter().all(|entry| is_value(&entry.value)))
}

fn schema(document: &Node) -> Option<String> {
    Some(document.get("$schema")?.as_str()?.to_ascii_lowercase())
}
