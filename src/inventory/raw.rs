//! What a format hands over: a resource in the shape of Azure Resource Manager.

use super::ResourceId;
use crate::diag::At;
use crate::doc::Node;
use std::sync::Arc;

/// Where a resource description comes from. Later ones win when two describe the same resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Origin {
    /// A reference such as `existing`: only the id is known.
    Mentioned,
    /// A template or plan: what will be deployed.
    Template,
    /// An export or state: what was deployed.
    Deployed,
    /// What a deployment will make of it, where that is to outrank what was deployed.
    Planned,
    /// Our own estate file: what a person says.
    Estate,
}

/// A resource as some format found it.
#[derive(Clone, Debug)]
pub struct RawResource {
    /// The resource id, from which type and name follow.
    pub id: ResourceId,
    /// Where it is declared.
    pub at: At,
    /// Who says so.
    pub origin: Origin,
    /// Why it is not certain that the resource exists (a condition that cannot be evaluated).
    pub uncertain: Option<Arc<str>>,
    /// The API version it is deployed with, where the source says it.
    pub api_version: Option<Arc<str>>,
    /// The resource object: `location`, `sku`, `identity`, `tags`, `zones`, `kind`, `properties`.
    /// Children (`subnets`, `securityRules`) may stand inside or come as resources of their own.
    pub body: Node,
}
