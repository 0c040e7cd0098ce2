//! Flows through a generated estate, as lines of a batch.

use super::plan::Plan;
use super::rng::{Rng, Stream};
use super::{Settings, private_link};
use crate::net::Ipv4Addr;
use std::fmt::Write as _;

/// Which flows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mix {
    /// Everything, evenly: other interfaces, services, offices, the internet.
    Uniform,
    /// The same 65,536 flows, some far more often than others.
    Zipf,
    /// From interface to interface.
    EastWest,
    /// To the internet.
    Internet,
    /// To platform services by name.
    Paas,
}

/// How a line is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// Comma-separated values.
    Csv,
    /// A JSON object a line.
    Ndjson,
}

/// Flows that the frequent ones are drawn from.
const FREQUENT: u32 = 65_536;

/// A maker of lines.
#[derive(Clone, Copy, Debug)]
pub struct Flows {
    plan: Plan,
    mix: Mix,
    layout: Layout,
}

struct Line {
    from: String,
    to: String,
    port: u16,
}

impl Flows {
    /// Flows of the estate that these settings give.
    pub fn new(settings: Settings, mix: Mix, layout: Layout) -> Self {
        Self { plan: Plan::new(settings), mix, layout }
    }

    /// The line before the first flow.
    pub fn header(&self) -> &'static str {
        match self.layout {
            Layout::Csv => "from,to,protocol,port\n",
            Layout::Ndjson => "",
        }
    }

    /// Appends the flow with a number, as a line.
    pub fn line(&self, number: u64, out: &mut String) {
        let Line { from, to, port } = self.flow(number);
        let _ = match self.layout {
            Layout::Csv => writeln!(out, "{from},{to},tcp,{port}"),
            Layout::Ndjson => {
                writeln!(out, "{{\"from\":\"{from}\",\"to\":\"{to}\",\"protocol\":\"tcp\",\"port\":{port}}}")
            }
        };
    }

    fn flow(&self, number: u64) -> Line {
        let mut rng = Rng::of(self.plan.settings.seed, Stream::Flow, number);
        match self.mix {
            Mix::Zipf => {
                // Each power of two is as frequent as the next: the law of Zipf, without a table.
                let scale = 1 << rng.below(FREQUENT.trailing_zeros());
                let rank = scale + rng.below(scale);
                self.any(&mut Rng::of(self.plan.settings.seed, Stream::Flow, (1 << 40) + u64::from(rank)))
            }
            Mix::Uniform => self.any(&mut rng),
            Mix::EastWest => self.inside(&mut rng),
            Mix::Internet => self.internet(&mut rng),
            Mix::Paas => self.service(&mut rng),
        }
    }

    fn any(&self, rng: &mut Rng) -> Line {
        match rng.below(10) {
            0 => self.internet(rng),
            1 => self.service(rng),
            2 => {
                let (from, _) = self.endpoint(rng);
                let to = Ipv4Addr::from(0xac10_0000 + rng.below(1 << 20)).to_string();
                Line { from, to, port: *rng.pick(&[443, 445, 22]) }
            }
            _ => self.inside(rng),
        }
    }

    /// An interface: its name and address.
    fn endpoint(&self, rng: &mut Rng) -> (String, u32) {
        let sizes = self.plan.sizes;
        let in_hubs = sizes.hub_endpoints * sizes.hubs;
        if rng.below(sizes.endpoints) < in_hubs {
            let hub = self.plan.hub(rng.below(sizes.hubs));
            let number = rng.below(sizes.hub_endpoints);
            return (hub.endpoint(number), hub.endpoint_ip(number));
        }
        self.in_spoke(rng.below(sizes.spokes), rng)
    }

    fn in_spoke(&self, spoke: u32, rng: &mut Rng) -> (String, u32) {
        let spoke = self.plan.spoke(spoke);
        let tier = rng.below(self.plan.sizes.tiers);
        let number = rng.below(spoke.endpoints(tier).1);
        (spoke.endpoint(tier, number), spoke.endpoint_ip(tier, number))
    }

    fn inside(&self, rng: &mut Rng) -> Line {
        let near = rng.chance(30);
        let home = rng.below(self.plan.sizes.spokes);
        let ends = if near {
            (self.in_spoke(home, rng), self.in_spoke(home, rng))
        } else {
            (self.endpoint(rng), self.endpoint(rng))
        };
        let port = *rng.pick(&[443, 443, 443, 80, 8080, 1433, 22, 3389, 9092, 8443]);
        Line { from: ends.0.0, to: Ipv4Addr::from(ends.1.1).to_string(), port }
    }

    fn internet(&self, rng: &mut Rng) -> Line {
        let (from, _) = self.endpoint(rng);
        let to = match rng.below(4) {
            0 => "internet".to_owned(),
            _ => Ipv4Addr::from(0x3200_0000 + rng.below(0x0200_0000)).to_string(),
        };
        Line { from, to, port: *rng.pick(&[443, 443, 80, 22]) }
    }

    fn service(&self, rng: &mut Rng) -> Line {
        let (from, _) = self.endpoint(rng);
        let number = rng.below(self.plan.sizes.private_endpoints);
        Line {
            from,
            to: private_link::host(&self.plan, number),
            port: private_link::port(&self.plan, number),
        }
    }
}
