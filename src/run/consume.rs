//! Readers of the event stream: each writes one output format.

mod ci;
mod json;
mod text;

pub use ci::{GitHub, Junit, Sarif};
pub use json::{Document, Lines};
pub use text::Text;

use super::check::Summary;
use super::event::Event;
use std::io::{self, Write};

/// Takes every event in order, then the end.
pub trait Consumer {
    /// The next event.
    fn take(&mut self, event: &Event, out: &mut dyn Write) -> io::Result<()>;

    /// After the last one.
    fn end(&mut self, summary: &Summary, out: &mut dyn Write) -> io::Result<()>;
}
