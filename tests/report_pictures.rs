//! Traces as pictures.

#[path = "report_samples.rs"]
mod samples;

use netwhy::report::{Locator, TraceView, dot, mermaid};
use samples::check;

#[test]
fn traces_as_graphs() {
    let world = samples::world();
    let locator = Locator::new(&world.sources);
    for (name, trace) in samples::samples() {
        let view = TraceView::with(&trace, &world.network, &locator);
        check(&format!("{name}.dot"), &dot::trace(&view));
        check(&format!("{name}.mmd"), &mermaid::trace(&view));
    }
}
