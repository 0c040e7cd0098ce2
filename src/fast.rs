//! Millions of flows: the network in the form the machine likes, and a walk of many flows in step.
//!
//! Input: a compiled [`Network`](crate::network::Network). Output: [`Fast`], one arena of 64-byte lines, and
//! verdicts of batches through an [`Asker`]. It knows no text but the names it is asked for, no files, no
//! clock. **The answer of a batch is the full engine's answer**: what the walk cannot decide exactly it leaves
//! to [`crate::trace`] for that flow, and counts it ([`Counts`]).
//!
//! # Structures
//!
//! | what | structure | lines touched |
//! |---|---|---|
//! | address to holder | open addressing, four slots a line; what many share is one place ([`tables`]) | 1 |
//! | rules of a group, up to 1,024 | a template that groups share, patches of its own ([`rules`]) | 1, and 8-10 shared |
//! | rules of a firewall, more | leaf index, small leaves side by side ([`leaf`]) | 8-12 |
//! | where an address leads | intervals with the next step, all layers of routes together ([`way`]) | 1-2 |
//! | routes, where that does not tell | what tables share, what each has of its own, one for each network ([`routes`], [`spans`]) | 3-4, and 3 shared |
//! | tags, sets | interval trees ([`tree`]) | 1-3 |
//!
//! What is shared by hundreds of spokes stays in the second cache. A flow between spokes by a firewall, with its
//! answer, touched some 50 lines, 20 of them its own, before ways were written out. One after the other, a cold line
//! costs 180-300 ns; asked for ahead, with the misses of 64 flows overlapping, some 10 ns. That is why
//! the walk (`fast/walk.rs`) is a stage machine over batches, and why everything is rows in one arena, without a
//! pointer: it can be mapped from a file. Runs of lines that are alike are kept once ([`alike`]), and the whole lies on
//! huge pages where the system has some.
//!
//! A stage is compiled for the vectors of the processor only where it is inlined into the one function that has them:
//! so no stage and no search stands in a closure, which the compiler keeps apart.
//!
//! # Depth, and other worlds
//!
//! [`Asker::trace`] is the same walk with records of eight bytes of every place, rule and route ([`trail`]). [`branch`]
//! keeps them by table, so that a rule or a route another way costs a look at who asked it, not a million flows.
//!
//! In estates that fit the second cache instructions are what a flow costs, not lines. Of the AVX2 form, a flow of the
//! uniform mix over `small`, both ways, by stage:
//!
//! | stage | before | now | what went |
//! |---|---|---|---|
//! | firewalls | 1,787 | 678 | rows of tagged rules asked though no tag holds an end; application rules asked for ports none listens on; searches in step though hot |
//! | filters | 1,600 | 1,244 | copies of rows; both levels one after the other; tags of rules walked though none holds an end; the header read anew |
//! | routes | 1,245 | 363 | three layers and their choice at every hop |
//! | taking in | 178 | 199 | |
//! | leaving, arriving, inside | 250 | 60 | queues between steps on one line, which are counted where they begin |
//! | batch, the rest | 190 | 112 | |
//! | all | 5,250 | 2,656 | |
//!
//! Tried and dropped: batches of 64 flows, which fit the first cache, but are 3 % slower than 128; 256; trees searched
//! through two levels whether they have them or not, to save the jump (7 % slower); all four slots of a line of
//! addresses compared at once (no difference). Kept: leaves and patches asked without a jump (3 % each), flows sorted by
//! where they are led (1 %), the first lines of a subnet's filters asked for ahead (15 % where there are a million).
//!
//! # All pairs, and files
//!
//! Machines that no table tells apart are one class ([`classes`]), and [`matrix`] asks one pair for all pairs of classes
//! that the same things decide.
//! [`stored`] turns the tables into bytes and back; the [`arena`] reads lines of a mapped file like its own, and a
//! [`directory`] tells the words of its flows, so that [`Known`] answers most of them without a network.
//!
//! # Coverage
//!
//! Security admin rules, groups at both levels, application security groups, service tags; user-defined,
//! system, peering, private endpoint, service endpoint and None routes; appliances, Azure Firewall with
//! network and application rules and translation; NAT gateways, public addresses, outbound rules, default
//! outbound access; private endpoints, service firewalls, names; the way back with its sessions. Left to the
//! full engine: IPv6, sites and gateways, Virtual WAN, load balancers and application gateways, Front Door,
//! DNAT, managed networks, identities, and whatever is unknown.

pub mod alike;
pub mod arena;
mod ask;
pub mod branch;
pub mod classes;
mod compile;
pub mod cpu;
pub mod directory;
mod flow;
mod forward;
mod judge;
pub mod leaf;
pub mod lines;
pub mod matrix;
mod names;
pub mod path;
pub mod routes;
pub mod rules;
pub mod spans;
pub mod stored;
pub mod tables;
pub mod trail;
pub mod tree;
mod walk;
pub mod way;

use ask::{Aside, Parts, question_to_server};
pub use ask::{Asker, Counts, End, Known};
pub use compile::{Sizes, compile, compile_measured};
pub use flow::{Aim, Decider, FlowIds, Start, Verdict};
pub use tables::Fast;
pub use walk::BATCH;
