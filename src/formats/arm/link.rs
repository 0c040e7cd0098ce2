//! Linked templates and parameter files.
//!
//! Input: a `templateLink` or `parametersLink`. Output: the file among those the caller handed over that the
//! link means. Nothing is fetched.

use super::engine::{Context, Engine};
use super::frame::Given;
use super::parameter;
use crate::diag::{Code, Diagnostic};
use crate::doc::{Node, Object};
use hashbrown::HashMap;
use std::sync::Arc;

impl Engine<'_> {
    /// The template that a link means.
    pub(super) fn linked_template(&mut self, link: &Node, ctx: &Context) -> Result<Node, Arc<str>> {
        let found = self.linked(link, ctx)?;
        self.check_syntax(&found, 0);
        Ok(found)
    }

    /// The parameters of a linked file. If it is not there, every parameter without another value is unknown.
    pub(super) fn linked_parameters(
        &mut self,
        link: &Node,
        template: &Result<Node, Arc<str>>,
        ctx: &Context,
    ) -> HashMap<String, Given> {
        match self.linked(link, ctx) {
            Ok(file) => parameter::given(&[&file], &super::Options::default()),
            Err(why) => {
                let declared =
                    template.as_ref().ok().and_then(|t| t.get("parameters")).and_then(Node::as_object);
                let names = declared.into_iter().flat_map(Object::iter).map(|e| e.key.to_lowercase());
                names.map(|name| (name, Given::Unknown(why.clone()))).collect()
            }
        }
    }

    fn linked(&mut self, link: &Node, ctx: &Context) -> Result<Node, Arc<str>> {
        let written = ["relativePath", "uri", "id"].iter().find_map(|key| link.get(key));
        let Some(written) = written else {
            let why: Arc<str> = "a link names neither `uri` nor `relativePath`".into();
            self.note(Diagnostic::new(Code::LinkedTemplateMissing, link.at, &*why));
            return Err(why);
        };
        let known = self.template(written, &ctx.naming(false));
        // Where the address is not known its end often is: the file name behind an unknown folder.
        let node = if known.as_str().is_some() { known } else { self.template(written, &ctx.naming(true)) };
        let spec = node.as_str().and_then(template_spec);
        let address = match &spec {
            Some(spec) => format!("{spec}.json"),
            None => node.as_str().unwrap_or_default().to_owned(),
        };
        let options = self.options;
        match best_match(&address, &options.linked) {
            Found::One(file) => Ok(file.clone()),
            Found::None => {
                self.missing_links.insert((written.at.doc, tail(&address).into()));
                let why: Arc<str> =
                    format!("the linked file `{}` is not among the files given", shown(&address)).into();
                let note = Diagnostic::new(Code::LinkedTemplateMissing, written.at, &*why);
                let help = match &spec {
                    Some(spec) => format!(
                        "a template spec lies in Azure: `az ts export` writes it as a file; call it `{spec}.json` and give it too"
                    ),
                    None => "give the file too; it is found by the end of its path".to_owned(),
                };
                self.note(note.help(help));
                Err(why)
            }
            Found::Many(n) => {
                let why: Arc<str> =
                    format!("{n} of the files given fit the link `{}` equally", shown(&address)).into();
                self.note(Diagnostic::new(Code::LinkedTemplateMissing, written.at, &*why));
                Err(why)
            }
        }
    }
}

/// The name of the template spec that an id means.
fn template_spec(id: &str) -> Option<String> {
    let mut segments = id.split('/').skip_while(|s| !s.eq_ignore_ascii_case("templateSpecs"));
    segments.next()?;
    segments.next().filter(|name| !name.is_empty()).map(str::to_owned)
}

enum Found<'a> {
    None,
    One(&'a Node),
    Many(usize),
}

/// The file that shares most trailing path segments with the address.
fn best_match<'a>(address: &str, files: &'a [(Arc<str>, Node)]) -> Found<'a> {
    let wanted = segments(address);
    let score = |path: &str| wanted.iter().zip(segments(path)).take_while(|(a, b)| **a == *b).count();
    let scored: Vec<(usize, &Node)> = files.iter().map(|(path, node)| (score(path), node)).collect();
    let best = scored.iter().map(|(score, _)| *score).max().unwrap_or(0);
    if best == 1 && wanted.len() > 1 && is_usual_name(&wanted[0]) {
        return Found::None;
    }
    let mut fitting = scored.iter().filter(|(score, _)| *score == best && best > 0);
    match (fitting.next(), fitting.count()) {
        (None, _) => Found::None,
        (Some((_, node)), 0) => Found::One(node),
        (_, more) => Found::Many(more + 1),
    }
}

/// Whether a file name, in lower case, is the same in many folders, so that it alone tells nothing.
pub fn is_usual_name(name: &str) -> bool {
    ["azuredeploy.json", "deploy.json", "main.json", "maintemplate.json", "template.json"].contains(&name)
}

/// Path segments from the last to the first, in lower case, without query and unknown parts.
fn segments(address: &str) -> Vec<String> {
    let address = path(address);
    let segments = address.split('/').filter(|s| !s.is_empty() && *s != "." && *s != "..");
    let mut segments: Vec<String> = segments.map(str::to_lowercase).collect();
    segments.reverse();
    segments
}

/// An address without its query, and without an unknown end such as a signature.
fn path(address: &str) -> String {
    let address = address.split(['?', '#']).next().unwrap_or_default().replace('\\', "/");
    let cut = address.rfind('{').filter(|at| address[*at..].ends_with('}') && !address[*at..].contains('/'));
    cut.map_or(address.clone(), |at| address[..at].to_owned())
}

/// What is known of the end of an address, as a path; a relative path is whole.
fn tail(address: &str) -> String {
    let path = path(address);
    let path = path.split_once("://").map_or(&*path, |(_, rest)| rest.split_once('/').map_or("", |(_, p)| p));
    let known = path.rsplit('/').take_while(|segment| !segment.contains(['{', '}']));
    let mut known: Vec<&str> = known.filter(|s| !s.is_empty() && *s != ".").collect();
    known.reverse();
    known.join("/")
}

fn shown(address: &str) -> &str {
    address.split('?').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doc::Value;

    #[test]
    fn the_known_end_of_an_address_is_a_path() {
        let check = |address: &str, expected: &str| assert_eq!(tail(address), expected, "{address}");
        check("https://host/Repo/main/nested/vnet.json?sig=1", "Repo/main/nested/vnet.json");
        check("https://{base}/nested/vnet.json{sasToken}", "nested/vnet.json");
        check("{artifacts}nested/vnet.json", "vnet.json");
        check("./nested//vnet.json", "nested/vnet.json");
        check("../shared/vnet.json", "../shared/vnet.json");
        check("https://host", "");
    }

    #[test]
    fn links_are_followed_by_the_end_of_their_path() {
        let file =
            |path: &str, n: i64| (Arc::from(path), Node::built(Value::Number(crate::doc::Number::Int(n))));
        let files = [file("a/nested/vnet.json", 1), file("b/nested/vnet.json", 2), file("a/other.json", 3)];
        let check = |address: &str, expected: &str| {
            let got = match best_match(address, &files) {
                Found::None => "none".to_owned(),
                Found::One(node) => node.to_string(),
                Found::Many(n) => format!("{n} fit"),
            };
            assert_eq!(got, expected, "{address}");
        };
        check("https://host/x/a/nested/vnet.json?sig=1", "1");
        check("nested/vnet.json", "2 fit");
        check("./OTHER.json", "3");
        check("https://host/{base}/a/nested/vnet.json{sasToken}", "1");
        check("vnet", "none");
        let files = [file("a/azuredeploy.json", 4)];
        let check = |address: &str, expected: bool| {
            assert_eq!(matches!(best_match(address, &files), Found::One(_)), expected, "{address}");
        };
        check("https://host/101-vnet/azuredeploy.json", false);
        check("https://host/a/azuredeploy.json", true);
        check("azuredeploy.json", true);
    }
}
