//! Decodes the table that comes with the project. Its header says what it holds and how it is written.

use super::ServiceTags;
use crate::net::{IpNet, Ipv4Net, Ipv6Net};
use std::sync::Arc;

const TEXT: &str = include_str!("builtin.txt");

/// The table. The text is a constant that tests compare with the publication; a line that could not be
/// decoded would leave its tag out.
pub(super) fn load() -> ServiceTags {
    let mut table = Table::default();
    for line in TEXT.lines().filter(|l| !l.starts_with('#')) {
        table.line(line);
    }
    table.close();
    let source = format!("built-in table ({}, change {}, {})", table.cloud, table.change, table.date);
    ServiceTags::of_prefixes(table.cloud, table.change, &source, table.done)
}

#[derive(Default)]
struct Table {
    cloud: &'static str,
    change: u64,
    date: &'static str,
    regions: Vec<Region>,
    open: Option<Open>,
    done: Vec<(Arc<str>, Vec<IpNet>)>,
}

struct Region {
    letter: u8,
    name: &'static str,
    code: &'static str,
}

/// The tag being read.
struct Open {
    name: &'static str,
    /// Which name of a region its regional forms have; `None` for a tag without regions.
    form: Option<fn(&Region) -> &'static str>,
    /// The IPv4 prefixes of the tag itself, where they are not simply all of those below.
    whole: Vec<IpNet>,
    next_whole: u64,
    /// Every prefix with the letter of its region.
    prefixes: Vec<(u8, IpNet)>,
    next_v4: u64,
    upper: u64,
}

const NO_REGION: u8 = b'-';

impl Table {
    fn line(&mut self, line: &'static str) {
        let mut words = line.split(' ');
        let mut word = || words.next().unwrap_or_default();
        match word() {
            "publication" => {
                (self.cloud, self.change, self.date) = (word(), word().parse().unwrap_or_default(), word());
            }
            "region" => {
                let letter = word().bytes().next().unwrap_or(NO_REGION);
                self.regions.push(Region { letter, name: word(), code: word() });
            }
            "tag" => {
                self.close();
                self.open = Some(Open::new(word(), word()));
            }
            "whole" => self.whole(word()),
            "4" => self.records(word(), Open::v4),
            "6" => self.records(word(), Open::v6),
            _ => {}
        }
    }

    fn whole(&mut self, text: &'static str) {
        let Some(open) = &mut self.open else { return };
        let mut letters = Letters(text.as_bytes());
        while let Some(prefix) = v4(&mut open.next_whole, &mut letters) {
            open.whole.push(prefix);
        }
    }

    fn records(&mut self, text: &'static str, read: fn(&mut Open, &mut Letters) -> Option<IpNet>) {
        let Some(open) = &mut self.open else { return };
        let mut letters = Letters(text.as_bytes());
        while let Some(prefix) = read(open, &mut letters) {
            let region = if open.form.is_some() { letters.next() } else { None };
            open.prefixes.push((region.unwrap_or(NO_REGION), prefix));
        }
    }

    fn close(&mut self) {
        let Some(open) = self.open.take() else { return };
        let every = open.prefixes.iter().map(|(_, p)| *p);
        let all: Vec<IpNet> = match open.whole.is_empty() {
            true => every.collect(),
            false => every.filter(|p| p.addr().is_ipv6()).chain(open.whole.iter().copied()).collect(),
        };
        self.done.push((open.name.into(), all));
        let Some(form) = open.form else { return };
        for region in &self.regions {
            let own = open.prefixes.iter().filter(|(letter, _)| *letter == region.letter).map(|(_, p)| *p);
            let own: Vec<IpNet> = own.collect();
            if !own.is_empty() {
                self.done.push((format!("{}.{}", open.name, form(region)).into(), own));
            }
        }
    }
}

impl Open {
    fn new(name: &'static str, form: &str) -> Open {
        let form: Option<fn(&Region) -> &'static str> = match form {
            "name" => Some(|r| r.name),
            "code" => Some(|r| r.code),
            _ => None,
        };
        Open { name, form, whole: Vec::new(), next_whole: 0, prefixes: Vec::new(), next_v4: 0, upper: 0 }
    }

    fn v4(&mut self, letters: &mut Letters) -> Option<IpNet> {
        v4(&mut self.next_v4, letters)
    }

    fn v6(&mut self, letters: &mut Letters) -> Option<IpNet> {
        let step = letters.number()? as u64;
        let scale = if letters.take(b'+') { 16 } else { 0 };
        self.upper = self.upper.checked_add(step.checked_mul(1 << scale)?)?;
        let lower = if letters.take(b'.') { letters.number()? as u64 } else { 0 };
        let base = if letters.take(b'_') { 40 } else { 103 };
        let length = letters.next()?.checked_sub(b'A')? + base;
        let address = u128::from(self.upper) << 64 | u128::from(lower);
        Some(Ipv6Net::new(address.into(), length).ok()?.into())
    }
}

/// One IPv4 prefix, and where the next may begin.
fn v4(next: &mut u64, letters: &mut Letters) -> Option<IpNet> {
    let start = *next + letters.number()? as u64;
    let length = letters.next()?.checked_sub(b'A')? + 7;
    let prefix = Ipv4Net::new(u32::try_from(start).ok()?.into(), length).ok()?;
    *next = u64::from(u32::from(prefix.broadcast())) + 1;
    Some(prefix.into())
}

/// What is left of a line of records.
struct Letters(&'static [u8]);

impl Letters {
    fn next(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn take(&mut self, letter: u8) -> bool {
        let there = self.0.first() == Some(&letter);
        if there {
            self.0 = &self.0[1..];
        }
        there
    }

    /// A number in base 36, zero where none is written; nothing at the end of the line.
    fn number(&mut self) -> Option<u128> {
        if self.0.is_empty() {
            return None;
        }
        let mut number = 0u128;
        while let Some(digit @ (b'0'..=b'9' | b'a'..=b'z')) = self.0.first().copied() {
            let value = if digit.is_ascii_digit() { digit - b'0' } else { digit - b'a' + 10 };
            number = number.checked_mul(36)?.checked_add(u128::from(value))?;
            self.0 = &self.0[1..];
        }
        Some(number)
    }
}
