//! What other programs may store and read: the trace as plain, versioned data.
//!
//! The engine's own types stay free to change; these do not without a new [`VERSION`]. Fields are only
//! added. Every text here is as the files have it: making it safe to show is the renderer's work.

mod evidence;
mod fix;
mod question;
pub(in crate::report) mod schema;
mod steps;

pub use evidence::{BlockerView, CauseView, EvidenceView, MissingView, NearMissView, QuoteView, Way};
pub use fix::FixView;
pub use question::{EndKind, EndView, QuestionView, kind_of_resource};
pub use schema::schema;
pub use steps::{HeaderView, HopView, ReturnView, StepView};

use super::locate::Locator;
use crate::diag::Sources;
use crate::network::Network;
use crate::trace::{Action, Disposition, HopKind, Outcome, StepKind, Trace, Zone};
use serde::{Serialize, Serializer};

/// The version of the trace view.
pub const VERSION: &str = "netwhy/trace/1";

/// A trace with names and places instead of ids and byte ranges.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TraceView {
    /// [`VERSION`].
    pub version: &'static str,
    /// The question as it was understood.
    pub question: QuestionView,
    /// The answer in one word.
    #[serde(serialize_with = "word")]
    pub outcome: Outcome,
    /// How it ended.
    #[serde(serialize_with = "word")]
    pub disposition: Disposition,
    /// Why, where it did not get through or is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<CauseView>,
    /// What the caller would notice.
    pub notices: &'static str,
    /// Everything that stops the flow; the first is the primary one.
    pub blockers: Vec<BlockerView>,
    /// The way there.
    pub hops: Vec<HopView>,
    /// The way back.
    #[serde(rename = "return", skip_serializing_if = "Option::is_none")]
    pub back: Option<ReturnView>,
    /// What was taken for granted.
    pub assumptions: Vec<AssumptionView>,
    /// What the files would have to say.
    pub missing: Vec<MissingView>,
    /// Things worth knowing that decided nothing.
    pub warnings: Vec<String>,
    /// The same flow over other equal-cost branches.
    pub branches: Vec<TraceView>,
    /// What would open it, tried out, best first; filled in by whoever tries.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fixes: Vec<FixView>,
    /// Why no small change opens it, where that was looked for and none was found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub no_fix: Option<String>,
}

/// Something taken for granted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AssumptionView {
    /// The knob of the profile that would change it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub knob: Option<&'static str>,
    /// One line for a person.
    pub text: String,
}

impl TraceView {
    /// The view of one trace. For many, make one [`Locator`] and call [`TraceView::with`].
    pub fn new(trace: &Trace, network: &Network, sources: &Sources) -> TraceView {
        Self::with(trace, network, &Locator::new(sources))
    }

    /// The view of a trace, its places found by a shared locator.
    pub fn with(trace: &Trace, network: &Network, locator: &Locator<'_>) -> TraceView {
        let places = evidence::places(trace);
        let mut hops = steps::hops(&trace.hops, locator);
        let mut back = trace.back.as_ref().map(|b| ReturnView::new(b, locator));
        for (number, (blocker, (way, hop))) in trace.blockers.iter().zip(&places).enumerate() {
            let hops = match way {
                Way::There => Some(&mut hops),
                Way::Back => back.as_mut().map(|b| &mut b.hops),
            };
            let hop = hops.and_then(|hops| hops.get_mut(*hop));
            if let Some(hop) = hop {
                hop.mark(number + 1, blocker.cause.code());
            }
        }
        if places.first().is_some_and(|(way, _)| *way == Way::There) {
            steps::mark_unreached(&mut hops);
        }
        Self {
            version: VERSION,
            question: QuestionView::new(trace, network),
            outcome: trace.outcome,
            disposition: trace.disposition,
            cause: trace.cause.map(CauseView::new),
            notices: trace.noticed().word(),
            blockers: evidence::blockers(trace, &places, locator),
            hops,
            back,
            assumptions: trace.assumptions.iter().map(AssumptionView::new).collect(),
            missing: trace.missing.iter().map(|m| MissingView::new(m, locator)).collect(),
            warnings: trace.warnings.clone(),
            branches: trace.branches.iter().map(|b| Self::with(b, network, locator)).collect(),
            fixes: Vec::new(),
            no_fix: None,
        }
    }

    /// What decided, short: `nsg/rule`.
    pub fn decider(&self) -> Option<&str> {
        self.blockers.first()?.evidence.decider.as_deref()
    }
}

impl AssumptionView {
    fn new(assumption: &crate::trace::Assumption) -> Self {
        Self { knob: assumption.knob, text: assumption.text.clone() }
    }
}

/// Values that are written as their word.
trait Word {
    fn to_word(&self) -> &'static str;
}

macro_rules! words {
    ($($name:ident),*) => {
        $(impl Word for $name {
            fn to_word(&self) -> &'static str { self.word() }
        })*
    };
}

words!(Outcome, Disposition, HopKind, StepKind, Action, Zone);

fn word<T: Word, S: Serializer>(value: &T, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(value.to_word())
}
