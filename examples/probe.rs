//! probe (not committed)
use netwhy::fast::{self, Asker, FlowIds, Verdict};
use netwhy::generate::{self, Flows, Layout, Mix, Profile as Size, Settings, Shape};
use netwhy::trace::{Endpoint, Flow};
use std::time::Instant;
fn rss() -> u64 {
    let s = std::fs::read_to_string("/proc/self/status").unwrap();
    let g = |k: &str| {
        s.lines()
            .find(|l| l.starts_with(k))
            .and_then(|l| l.split_whitespace().nth(1)?.parse::<u64>().ok())
            .unwrap_or(0)
            / 1024
    };
    eprint!("[rss {} MiB peak {} MiB] ", g("VmRSS"), g("VmHWM"));
    0
}
fn main() {
    let args: Vec<String> = std::env::args().collect();
    let size = match args[1].as_str() {
        "s" => Size::S,
        "m" => Size::M,
        "l" => Size::L,
        "xl" => Size::Xl,
        _ => Size::Giga,
    };
    let shape = match args.get(2).map(String::as_str) {
        Some("vwan") => Shape::Vwan,
        Some("mesh") => Shape::Mesh,
        Some("flat") => Shape::Flat,
        _ => Shape::HubSpoke,
    };
    let mixn = args.get(3).cloned().unwrap_or("uniform".into());
    let mix = match mixn.as_str() {
        "east" => Mix::EastWest,
        "inet" => Mix::Internet,
        "paas" => Mix::Paas,
        "zipf" => Mix::Zipf,
        _ => Mix::Uniform,
    };
    let n: usize = args.get(4).and_then(|x| x.parse().ok()).unwrap_or(100_000);
    let settings =
        Settings { sizes: size.sizes(), shape, seed: 1, unique: args.get(5).is_some_and(|x| x == "unique") };
    let t = Instant::now();
    let mut notes = netwhy::diag::Diagnostics::new();
    let inv = generate::inventory(&settings, &mut notes);
    rss();
    eprintln!("inventory {:?}", t.elapsed());
    let t = Instant::now();
    let net = netwhy::network::compile(
        inv,
        netwhy::tags::ServiceTags::builtin(),
        netwhy::profile::Profile::default(),
        &mut notes,
    );
    rss();
    eprintln!(
        "network {:?} attachments {} subnets {} nsgs {} tables {}",
        t.elapsed(),
        net.attachments.len(),
        net.subnets.len(),
        net.security.inbound.len(),
        net.inventory.route_tables.len()
    );
    let t = Instant::now();
    let f = fast::compile(&net);
    rss();
    eprintln!(
        "fast {:?} {} MiB = {} B/endpoint",
        t.elapsed(),
        f.bytes() >> 20,
        f.bytes() / net.attachments.len().max(1)
    );
    eprintln!("  lines {} MiB slots {}", f.lines.len() * 64 >> 20, f.slot_count);
    let flows = Flows::new(settings, mix, Layout::Csv);
    let t = Instant::now();
    let mut asker = Asker::new(&net, &f);
    let mut ids: Vec<FlowIds> = Vec::new();
    let mut all: Vec<Flow> = Vec::new();
    let mut line = String::new();
    let mut bad = 0;
    for i in 0..n {
        line.clear();
        flows.line(i as u64, &mut line);
        let p: Vec<&str> = line.trim().split(',').collect();
        let end = |x: &str| match x.parse() {
            Ok(ip) => Endpoint::Address(ip),
            Err(_) if x == "internet" => Endpoint::Internet,
            Err(_) if x.contains('.') => Endpoint::Fqdn(x.into()),
            _ => Endpoint::Named(x.into()),
        };
        let flow = Flow {
            name: None,
            from: end(p[0]),
            to: end(p[1]),
            protocol: netwhy::net::Protocol::Tcp,
            port: p[3].parse().unwrap(),
            source_port: None,
            identity: None,
            action: None,
        };
        match asker.read(&flow) {
            Ok(x) => {
                ids.push(x);
                if i < 2000 {
                    all.push(flow)
                }
            }
            Err(e) => {
                bad += 1;
                if bad < 3 {
                    eprintln!("{line} {e}")
                }
            }
        }
    }
    rss();
    eprintln!("read {} flows in {:?}, {bad} not understood", ids.len(), t.elapsed());
    let mut verdicts = vec![Verdict::PENDING; ids.len()];
    // check against the engine, deferral
    let k = ids.len().min(if matches!(size, Size::Giga | Size::Xl) { 300 } else { 2000 });
    let t = Instant::now();
    asker.decide(&ids[..k], &mut verdicts[..k]);
    eprintln!("first {k}: {:?}, deferred {}", t.elapsed(), asker.counts().deferred);
    let mut shown = 0;
    for (fl, v) in all.iter().zip(&verdicts[..k]) {
        if v.deferred && shown < 8 {
            shown += 1;
            eprintln!("  deferred: {} -> {} :{} = {:?}", fl.from, fl.to, fl.port, asker.decision(v));
        }
    }
    let t = Instant::now();
    let mut wrong = 0;
    for (fl, v) in all.iter().zip(&verdicts[..k]) {
        let d = netwhy::trace::decide(&net, fl);
        if d != asker.decision(v) {
            wrong += 1;
            if wrong < 5 {
                eprintln!("  WRONG {fl:?} {:?} vs {d:?}", asker.decision(v));
            }
        }
    }
    eprintln!(
        "engine {:?} for {k}: {} us/flow, {wrong} differ",
        t.elapsed(),
        t.elapsed().as_micros() as f64 / k as f64
    );
    // time only what is not deferred
    let mut counts = std::collections::BTreeMap::new();
    let ids: Vec<FlowIds> = ids;
    let mut w = vec![Verdict::PENDING; ids.len()];
    asker.walk_only(&ids, &mut w);
    let kept: Vec<FlowIds> = ids.iter().zip(&w).filter(|(_, v)| !v.deferred).map(|(i, _)| *i).collect();
    for v in &w {
        *counts.entry((v.deferred, v.outcome, v.cause)).or_insert(0usize) += 1;
    }
    for (k, v) in &counts {
        eprintln!("   {:?} {}", k, v);
    }
    let mut w = vec![Verdict::PENDING; kept.len()];
    let mut best = f64::MAX;
    for _ in 0..7 {
        let t = Instant::now();
        asker.decide(&kept, &mut w);
        best = best.min(t.elapsed().as_nanos() as f64 / kept.len() as f64);
    }
    eprintln!(
        "kept {} of {} ({:.2}% deferred): {best:.1} ns/flow = {:.2} M/s",
        kept.len(),
        ids.len(),
        100.0 - 100.0 * kept.len() as f64 / ids.len() as f64,
        1000.0 / best
    );
}
