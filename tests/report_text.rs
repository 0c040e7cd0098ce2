//! What a person reads of a trace.

#[path = "report_samples.rs"]
mod samples;

use netwhy::report::text::{FlowRow, flows_table, trace};
use netwhy::report::{Locator, Style, TraceView};
use samples::check;

const WIDE: Style = Style { color: false, unicode: true, width: 100, verbose: false };

fn views() -> Vec<(&'static str, TraceView)> {
    let world = samples::world();
    let locator = Locator::new(&world.sources);
    let view = |(name, trace)| (name, TraceView::with(&trace, &world.network, &locator));
    samples::samples().into_iter().map(view).collect()
}

fn text(view: &TraceView, style: &Style) -> String {
    let mut out = String::new();
    trace(&mut out, view, style);
    out
}

#[test]
fn traces_read_well() {
    for (name, view) in views() {
        check(&format!("{name}.txt"), &text(&view, &WIDE));
    }
}

#[test]
fn verbose_traces_show_everything() {
    for (name, view) in views().iter().take(2) {
        check(&format!("{name}.verbose.txt"), &text(view, &Style { verbose: true, ..WIDE }));
    }
}

#[test]
fn ascii_narrow_and_coloured() {
    let views = views();
    let ascii = Style { unicode: false, width: 72, ..WIDE };
    let plain = text(&views[0].1, &ascii);
    assert!(plain.is_ascii());
    check("blocked.ascii.txt", &plain);
    let color = Style { color: true, ..WIDE };
    check("blocked.color.txt", &text(&views[0].1, &color).replace('\u{1b}', "ESC"));
}

#[test]
fn many_flows_fit_a_table() {
    let mut rows: Vec<FlowRow> = views().iter().map(|(_, v)| FlowRow::from(v)).collect();
    rows.truncate(5);
    for (name, width) in [("flows.txt", 120), ("flows.narrow.txt", 80)] {
        let mut out = String::new();
        flows_table(&mut out, &rows, &Style { width, ..WIDE });
        check(name, &out);
    }
}

#[test]
fn a_row_of_a_batch_reads_like_a_trace() {
    use netwhy::trace::Endpoint;
    for (to, shown) in [("2001:db8::1", "[2001:db8::1]:443/tcp"), ("10.0.0.4", "10.0.0.4:443/tcp")] {
        let to = Endpoint::Address(to.parse().expect("an address"));
        let mut trace = samples::allowed();
        trace.flow = samples::flow(Endpoint::Internet, to, 443);
        let world = samples::world();
        let view = TraceView::new(&trace, &world.network, &world.sources);
        let row = FlowRow::new(&trace.flow, &trace.decision(), None);
        assert_eq!(row.to, shown);
        assert_eq!(row, FlowRow::from(&view));
    }
}
