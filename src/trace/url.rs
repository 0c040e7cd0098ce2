//! Paths of URLs, as Front Door and application gateways compare them with their patterns.

/// How closely a pattern of a Front Door route fits a path: the smaller, the closer. An exact pattern comes first, then
/// the longest before a star; without regard to case (AFD-1). `None` where it does not fit.
pub(super) fn closeness(pattern: &str, path: &str) -> Option<(bool, std::cmp::Reverse<usize>)> {
    match prefix_of(pattern) {
        Some(prefix) => starts_with(path, prefix).then_some((true, std::cmp::Reverse(prefix.len()))),
        None => pattern.eq_ignore_ascii_case(path).then_some((false, std::cmp::Reverse(pattern.len()))),
    }
}

/// Whether a pattern of an application gateway's path rule takes a path.
pub(super) fn takes(pattern: &str, path: &str) -> bool {
    match prefix_of(pattern) {
        Some(prefix) => starts_with(path, prefix),
        None => pattern.eq_ignore_ascii_case(path),
    }
}

/// What stands before the star of a pattern; `*` alone takes every path.
fn prefix_of(pattern: &str) -> Option<&str> {
    let prefix = pattern.strip_suffix('*')?;
    Some(if prefix.is_empty() { "/" } else { prefix })
}

fn starts_with(path: &str, prefix: &str) -> bool {
    path.get(..prefix.len()).is_some_and(|head| head.eq_ignore_ascii_case(prefix))
}

/// The path that an origin is asked for: where the route names one of its own, that stands in place of what the
/// pattern matched before its star.
pub(super) fn at_origin(origin_path: &str, pattern: Option<&str>, path: &str) -> String {
    let matched = pattern.map_or("/", |p| prefix_of(p).unwrap_or(p));
    let rest = path.get(matched.len()..).unwrap_or_default();
    let base = origin_path.trim_end_matches('*');
    match (base.ends_with('/'), rest.starts_with('/')) {
        (true, true) => format!("{base}{}", &rest[1..]),
        (false, false) if !rest.is_empty() => format!("{base}/{rest}"),
        _ => format!("{base}{rest}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closest_pattern_wins() {
        let check = |patterns: &[&'static str], path: &str, expected: Option<&str>| {
            let mut fits: Vec<_> = patterns.iter().filter_map(|p| Some((closeness(p, path)?, *p))).collect();
            fits.sort();
            assert_eq!(fits.first().map(|(_, p)| *p), expected, "{path}");
        };
        let all = ["/*", "/ab", "/ab/*", "/ab/cd/*", "/x/y"];
        check(&all, "/", Some("/*"));
        check(&all, "/ab", Some("/ab"));
        check(&all, "/AB/c", Some("/ab/*"));
        check(&all, "/ab/cd/e", Some("/ab/cd/*"));
        check(&all[1..], "/other", None);
        check(&["*"], "/other", Some("*"));
        check(&["/x/*"], "/x", None);
    }

    #[test]
    fn an_origin_path_stands_before_the_rest() {
        let check = |own: &str, pattern: Option<&str>, path: &str, expected: &str| {
            assert_eq!(at_origin(own, pattern, path), expected);
        };
        check("/new/", Some("/old/*"), "/old/a", "/new/a");
        check("/new", Some("/old/*"), "/old/a/b", "/new/a/b");
        check("/new", Some("/*"), "/", "/new");
        check("/new/", None, "/é", "/new/é");
    }
}
