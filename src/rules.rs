//! Numbered rules.
