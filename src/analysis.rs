//! Network Watcher's questions, answered from files.
//!
//! Input: a compiled [`crate::network::Network`] and a question in Network Watcher's own terms. Output: plain
//! values with the field names and spellings of Azure's answers (NW-1 to NW-6), so that a script written for
//! the one reads the other. Nothing is sent anywhere, no machine has to run, and no agent is asked.
//!
//! | question | function | what Azure calls it |
//! |---|---|---|
//! | may this packet pass the rules of this machine? | [`ip_flow_verify`] | `ipFlowVerify` |
//! | where does this machine send a packet? | [`next_hop`] | `nextHop` |
//! | which routes does it have? | [`effective_routes`] | `effectiveRouteTable` |
//! | which rules does it have? | [`effective_rules`] | `effectiveNetworkSecurityGroups` |
//! | does a connection come about? | [`connectivity`] | `connectivityCheck` |
//! | why does a rule allow or deny? | [`nsg_diagnostics`] | `networkConfigurationDiagnostic` |
//! | which groups act at a machine? | [`security_group_view`] | `securityGroupView` |
//!
//! [`replay`] asks recorded questions again and compares the answers field by field.
//!
//! # Fields of our own
//!
//! What Azure has no field for has a name that begins with `x-`:
//!
//! | field | says |
//! |---|---|
//! | `x-unknown` | what the files would have to say before the answer is certain. The field that depends on it is left out, never guessed |
//! | `x-known` | beside `x-unknown`: what the answer is as far as the rules are known |
//! | `x-note` | one line on how the answer came about |
//! | `x-assumptions` | what was taken for granted |
//! | `x-networkSecurityGroupId`, `x-appliedTo` | the group that decided, and where it stands |
//! | `x-nextHopType` | the word of Network Watcher's page where it differs from the API's |
//! | `x-nextHopIpAddresses` | all appliances of an equal-cost route |
//! | `x-route` | the route that was chosen |
//! | `x-resourceId` | a resource that Azure's answer does not name |
//! | `x-cause` | our code for what stops the flow; `netwhy explain CODE` describes it |
//! | `x-notReached` | a group that a real packet does not come to, because one before it denies |
//! | `x-partly` | rules that match a part of the addresses asked about |
//!
//! Issue types and hop types without an Azure counterpart begin with `x-` too (NW-8).

pub mod block;
pub mod change_text;
pub mod compare;
mod connectivity;
mod diagnose;
pub mod diff;
mod effective;
pub mod equivalence;
mod flow_verify;
pub mod impact;
pub mod implied;
pub mod needs;
mod next_hop;
pub mod repair;
pub mod replay;
pub mod requirements;
pub mod residue;
mod security_group_view;
mod subject;
mod words;

pub use connectivity::{
    ConnectivityHop, ConnectivityInformation, Context, HopLink, Issue, NextHopAnalysis, connectivity,
    issue_type,
};
pub use diagnose::{
    Diagnosis, EvaluatedGroup, GroupResult, MatchedRule, Profile, ProfileResult, RuleEvaluation,
    SecurityRuleAnalysis, TrafficEnd, nsg_diagnostics,
};
pub use effective::{
    Association, EffectiveGroup, EffectiveGroups, EffectiveRouteView, EffectiveRoutes, EffectiveRuleView,
    IdView, effective_routes, effective_rules,
};
pub use flow_verify::{ANY_SOURCE_PORT, FlowQuestion, FlowVerification, ip_flow_verify};
pub use next_hop::{ChosenRoute, NextHopResult, SYSTEM_ROUTE, next_hop};
pub use security_group_view::{GroupAssociations, InterfaceView, SecurityGroupView, security_group_view};
pub use subject::{AskError, Subject};
