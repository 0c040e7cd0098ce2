//! How a person wants to see text: colour, line drawing, width, and how much of it.
//!
//! Meaning never hangs on colour or on a sign outside ASCII: each has a word or a plain sign beside it.

/// How text is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// Whether to colour with ANSI sequences.
    pub color: bool,
    /// Whether signs outside ASCII may be drawn; names and texts of the estate are shown as they are.
    pub unicode: bool,
    /// Columns to wrap to; 0 never wraps.
    pub width: usize,
    /// Whether to show all evidence and every rule looked at.
    pub verbose: bool,
}

impl Default for Style {
    fn default() -> Self {
        Self { color: false, unicode: true, width: 100, verbose: false }
    }
}

/// What a piece of text is for; the colour follows from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Paint {
    Plain,
    Dim,
    Strong,
    Good,
    Bad,
    Warn,
    Name,
}

impl Paint {
    fn code(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Dim => "2",
            Self::Strong => "1",
            Self::Good => "32",
            Self::Bad => "1;31",
            Self::Warn => "33",
            Self::Name => "36",
        }
    }
}

/// The signs that are drawn.
#[derive(Clone, Copy, Debug)]
pub(super) struct Signs {
    pub(super) arrow: &'static str,
    pub(super) dots: &'static str,
    pub(super) pass: &'static str,
    pub(super) rewrite: &'static str,
    pub(super) block: &'static str,
    pub(super) unknown: &'static str,
    pub(super) note: &'static str,
    pub(super) yes: &'static str,
    pub(super) no: &'static str,
    pub(super) bar: &'static str,
    pub(super) node: &'static str,
    pub(super) dotted: &'static str,
    pub(super) bullet: &'static str,
}

const DRAWN: Signs = Signs {
    arrow: "→",
    dots: "…",
    pass: "✓",
    rewrite: "↻",
    block: "╳",
    unknown: "?",
    note: "·",
    yes: "✓",
    no: "✗",
    bar: "│",
    node: "●",
    dotted: "┊",
    bullet: "•",
};

const TYPED: Signs = Signs {
    arrow: "->",
    dots: "...",
    pass: "+",
    rewrite: "~",
    block: "X",
    unknown: "?",
    note: "-",
    yes: "y",
    no: "n",
    bar: "|",
    node: "o",
    dotted: ":",
    bullet: "-",
};

impl Style {
    pub(super) fn signs(&self) -> &'static Signs {
        if self.unicode { &DRAWN } else { &TYPED }
    }

    /// The text in the colour of its purpose.
    pub(super) fn paint(&self, paint: Paint, text: &str) -> String {
        if !self.color || paint == Paint::Plain || text.is_empty() {
            return text.to_owned();
        }
        format!("\u{1b}[{}m{text}\u{1b}[0m", paint.code())
    }

    /// Columns left of an indentation; never too few to say anything.
    pub(super) fn room(&self, indent: usize) -> usize {
        if self.width == 0 { usize::MAX / 4 } else { self.width.saturating_sub(indent).max(24) }
    }
}
