//! Names of the command line that an estate has to have.

use super::Failure;
use crate::analysis::needs;
use crate::catalogue::Actor;
use crate::diag::{At, nearest};
use crate::network::Network;
use crate::run::engine;
use crate::scenario;
use crate::trace::{Endpoint, Flow};

/// Whether a name can send flows in this estate. A name that it has not is a fault of the input: the file that has it may
/// be missing.
pub(super) fn sender(network: &Network, flag: &str, text: &str) -> Result<(), Failure> {
    let asked = scenario::endpoint(text).map_err(|e| Failure::Usage(format!("`{flag}`: {e}")))?;
    let flow = Flow::tcp(asked.endpoint, Endpoint::Internet, 443);
    engine::understood(network, &flow, At::NOWHERE).map_err(|fault| {
        let help = fault.help.as_ref().map(|help| format!("; {help}")).unwrap_or_default();
        Failure::Input(vec![format!("`{flag}`: {}{help}", fault.message)])
    })
}

/// Workloads bound by hand, each written as NAME=KIND.
pub(super) fn workloads(network: &Network, given: &[String]) -> Result<Vec<(String, Actor)>, Failure> {
    given.iter().map(|text| workload(network, text)).collect()
}

/// `; did you mean ...?`, where something is near.
pub(super) fn did_you_mean(near: Option<&str>) -> String {
    near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default()
}

fn workload(network: &Network, given: &str) -> Result<(String, Actor), Failure> {
    let Some((name, kind)) = given.split_once('=') else {
        return Err(Failure::Usage(format!("`--workload {given}` is not of the form NAME=KIND")));
    };
    let Some(actor) = Actor::parse(kind) else {
        let list = Actor::ALL.iter().map(|a| a.word()).collect::<Vec<_>>().join(", ");
        let near = nearest(kind, Actor::ALL.iter().map(|a| a.word()));
        return Err(Failure::Usage(format!(
            "`--workload`: `{kind}` is none of {list}{}",
            did_you_mean(near)
        )));
    };
    sender(network, "--workload", name)?;
    Ok((name.to_owned(), actor))
}

/// The workloads of the estate and those bound by hand.
pub(super) fn all_workloads(network: &Network, given: &[String]) -> Result<Vec<needs::Workload>, Failure> {
    let named = workloads(network, given)?;
    let mut all = needs::workloads(network);
    all.extend(named.iter().map(|(name, actor)| needs::named(network, name, *actor)));
    Ok(all)
}
