//! From documents to resources.
