//! What people write for an end of a flow.
//!
//! `internet`, an address, a DNS name or URL, else the name or id of a resource; each with `:port` behind it.

use crate::net::{IpAddr, Ipv6Addr, parse_prefix};
use crate::trace::{Endpoint, Scheme};
use std::fmt;
use std::sync::Arc;

/// An endpoint with the port that was written with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The end.
    pub endpoint: Endpoint,
    /// The port, from `:443` or from the scheme of a URL.
    pub port: Option<u16>,
    /// The path of a URL, where it is more than the root.
    pub path: Option<Arc<str>>,
    /// What a URL says is spoken, where its port is another's.
    pub scheme: Option<Scheme>,
}

/// Why a text is no endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EndpointError {
    /// Nothing is written.
    Empty,
    /// A pattern names no single place.
    Wildcard(String),
    /// A prefix names no single place.
    Prefix(String),
    /// The port is not 1 to 65535.
    Port(String),
    /// The scheme's port is not known.
    Scheme(String),
    /// The host of a URL is no name or address.
    Host(String),
    /// A bracket is not closed, or holds no IPv6 address.
    Bracket(String),
}

impl fmt::Display for EndpointError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("an end of the flow is empty"),
            Self::Wildcard(text) => {
                write!(f, "`{text}` is a pattern; a flow goes to one name, such as `pypi.org`")
            }
            Self::Prefix(text) => write!(f, "`{text}` is a prefix; a flow has one address at each end"),
            Self::Port(text) => write!(f, "`{text}` is not a port from 1 to 65535"),
            Self::Scheme(text) => {
                write!(f, "the port of `{text}://` is not known here; write it behind the host, `host:port`")
            }
            Self::Host(text) => write!(f, "`{text}` is not a host name or address"),
            Self::Bracket(text) => write!(f, "`{text}` has no IPv6 address between `[` and `]`"),
        }
    }
}

impl std::error::Error for EndpointError {}

/// Schemes with their ports.
const SCHEMES: &[(&str, u16)] =
    &[("https", 443), ("http", 80), ("wss", 443), ("ws", 80), ("ssh", 22), ("amqps", 5671), ("rediss", 6380)];

/// Reads an end of a flow.
pub fn endpoint(text: &str) -> Result<Asked, EndpointError> {
    let text = text.trim();
    if text.is_empty() {
        return Err(EndpointError::Empty);
    }
    if let Some((scheme, rest)) = text.split_once("://") {
        return url(scheme, rest);
    }
    if let Some(rest) = text.strip_prefix('[') {
        return bracketed(text, rest);
    }
    if text.parse::<Ipv6Addr>().is_ok() {
        return Ok(Asked { endpoint: host(text), port: None, path: None, scheme: None });
    }
    if text.contains('*') {
        return Err(EndpointError::Wildcard(text.into()));
    }
    if text.contains('/') && parse_prefix(text).is_some() {
        return Err(EndpointError::Prefix(text.into()));
    }
    let (name, port) = split_port(text)?;
    if name.is_empty() {
        return Err(EndpointError::Empty);
    }
    Ok(Asked { endpoint: host(name), port, path: None, scheme: None })
}

/// `name:port`; only digits behind the last colon are a port.
fn split_port(text: &str) -> Result<(&str, Option<u16>), EndpointError> {
    match text.rsplit_once(':') {
        Some((name, port)) if !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()) => {
            Ok((name, Some(self::port(port)?)))
        }
        Some((_, rest)) => Err(EndpointError::Port(rest.into())),
        None => Ok((text, None)),
    }
}

fn port(text: &str) -> Result<u16, EndpointError> {
    text.parse().ok().filter(|port| *port != 0).ok_or_else(|| EndpointError::Port(text.into()))
}

fn bracketed(text: &str, rest: &str) -> Result<Asked, EndpointError> {
    let bad = || EndpointError::Bracket(text.into());
    let (inside, after) = rest.split_once(']').ok_or_else(bad)?;
    let address: Ipv6Addr = inside.parse().map_err(|_| bad())?;
    let port = match after.strip_prefix(':') {
        Some(text) => Some(port(text)?),
        None if after.is_empty() => None,
        None => return Err(bad()),
    };
    Ok(Asked { endpoint: Endpoint::Address(IpAddr::V6(address)), port, path: None, scheme: None })
}

fn url(scheme: &str, rest: &str) -> Result<Asked, EndpointError> {
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let authority = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let bad = || EndpointError::Host(authority.into());
    let (name, written) = match authority.strip_prefix('[') {
        Some(rest) => {
            let asked = bracketed(authority, rest)?;
            (asked.endpoint, asked.port)
        }
        None => {
            let (name, port) = split_port(authority)?;
            (host(name), port)
        }
    };
    let endpoint = match name {
        Endpoint::Named(name) if is_host_name(&name) => Endpoint::Fqdn(name),
        Endpoint::Named(_) | Endpoint::Internet => return Err(bad()),
        other => other,
    };
    let usual = SCHEMES.iter().find(|(word, _)| word.eq_ignore_ascii_case(scheme)).map(|(_, port)| *port);
    match written.or(usual) {
        Some(port) => {
            let scheme = spoken(scheme).filter(|_| usual != Some(port));
            Ok(Asked { endpoint, port: Some(port), path: path_of(rest), scheme })
        }
        None => Err(EndpointError::Scheme(scheme.into())),
    }
}

/// What a scheme says is spoken, where a firewall's rules tell it from others.
fn spoken(scheme: &str) -> Option<Scheme> {
    match scheme.to_ascii_lowercase().as_str() {
        "http" | "ws" => Some(Scheme::Http),
        "https" | "wss" => Some(Scheme::Https),
        _ => None,
    }
}

/// The path behind the host of a URL, without what is asked there.
fn path_of(rest: &str) -> Option<Arc<str>> {
    let whole = rest.split(['?', '#']).next().unwrap_or_default();
    let path = whole.find('/').map(|at| &whole[at..])?;
    (path != "/").then(|| path.into())
}

fn host(text: &str) -> Endpoint {
    if text.eq_ignore_ascii_case("internet") {
        return Endpoint::Internet;
    }
    if let Ok(address) = text.parse() {
        return Endpoint::Address(address);
    }
    let bare = text.strip_suffix('.').unwrap_or(text);
    if bare.contains('.') && is_host_name(bare) {
        return Endpoint::Fqdn(bare.to_ascii_lowercase().into());
    }
    Endpoint::Named(text.into())
}

/// Whether a text can be a DNS host name: labels of letters, digits, `-` and `_`, the last not a number.
fn is_host_name(text: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let last = text.rsplit('.').next().unwrap_or_default();
    text.len() <= 253 && text.split('.').all(label) && last.bytes().any(|b| b.is_ascii_alphabetic())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let got = match endpoint(text) {
            Ok(asked) => {
                let kind = match &asked.endpoint {
                    Endpoint::Named(_) => "name",
                    Endpoint::Internet => "internet",
                    Endpoint::Address(_) => "address",
                    Endpoint::Fqdn(_) => "fqdn",
                };
                let port = asked.port.map_or(String::new(), |p| format!(" port {p}"));
                format!("{kind} {}{port}", asked.endpoint)
            }
            Err(error) => error.to_string(),
        };
        assert_eq!(got, expected, "{text}");
    }

    #[test]
    fn what_people_write() {
        check("internet", "internet internet");
        check(" Internet:443 ", "internet internet port 443");
        check("10.0.0.4", "address 10.0.0.4");
        check("10.0.0.4:22", "address 10.0.0.4 port 22");
        check("2001:db8::1", "address 2001:db8::1");
        check("[2001:db8::1]:443", "address 2001:db8::1 port 443");
        check("[2001:db8::1]", "address 2001:db8::1");
        check("st.blob.core.windows.net", "fqdn st.blob.core.windows.net");
        check("St.Blob.Core.Windows.Net.:443", "fqdn st.blob.core.windows.net port 443");
        check("https://pypi.org/simple?x#y", "fqdn pypi.org port 443");
        check("http://user:pw@pypi.org:8080/", "fqdn pypi.org port 8080");
        check("https://[2001:db8::1]/", "address 2001:db8::1 port 443");
        check("https://10.0.0.4", "address 10.0.0.4 port 443");
        check("http://intranet/", "fqdn intranet port 80");
        check("vm1", "name vm1");
        check("vm1:22", "name vm1 port 22");
        check("hub/apps", "name hub/apps");
        check(
            "/subscriptions/s/resourceGroups/g/providers/P/t/n:80",
            "name /subscriptions/s/resourceGroups/g/providers/P/t/n port 80",
        );
        check("vm_1.2", "name vm_1.2");
    }

    #[test]
    fn what_is_no_endpoint() {
        check("", "an end of the flow is empty");
        check(":443", "an end of the flow is empty");
        check("*.pypi.org", "`*.pypi.org` is a pattern; a flow goes to one name, such as `pypi.org`");
        check("10.0.0.0/24", "`10.0.0.0/24` is a prefix; a flow has one address at each end");
        check("vm1:0", "`0` is not a port from 1 to 65535");
        check("vm1:70000", "`70000` is not a port from 1 to 65535");
        check("vm1:https", "`https` is not a port from 1 to 65535");
        check(
            "ftp://host.example",
            "the port of `ftp://` is not known here; write it behind the host, `host:port`",
        );
        check("https://", "`` is not a host name or address");
        check("https://a b/", "`a b` is not a host name or address");
        check("[2001:db8::1", "`[2001:db8::1` has no IPv6 address between `[` and `]`");
        check("[x]:1", "`[x]:1` has no IPv6 address between `[` and `]`");
    }
}
