//! The one list of diagnostic codes.

use super::Severity;

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $severity:ident, $what:literal;)*) => {
        /// Kind of fault in the input; `netwhy explain CODE` prints its description.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code { $(#[doc = $what] $variant),* }

        impl Code {
            /// Every code.
            pub const ALL: &'static [Code] = &[$(Code::$variant),*];

            /// The kebab-case name.
            pub fn name(self) -> &'static str {
                match self { $(Code::$variant => $name),* }
            }

            /// What it means, in a sentence or two.
            pub fn what(self) -> &'static str {
                match self { $(Code::$variant => $what),* }
            }

            /// The severity unless the place says otherwise.
            pub fn severity(self) -> Severity {
                match self { $(Code::$variant => Severity::$severity),* }
            }
        }
    };
}

codes! {
    Syntax = "syntax", Error, "The file is not well-formed JSON or YAML.";
    TooDeep = "too-deep", Error, "Values are nested more deeply than any real estate needs; the file is refused rather than followed.";
    TooLarge = "too-large", Error, "The file, or what it expands to, is larger than the documented limit.";
    DuplicateKey = "duplicate-key", Warning, "An object names the same key twice; the last one counts, as in Azure Resource Manager.";
    UnknownFormat = "unknown-format", Error, "The file is nothing this program can read; the message says what it looks like.";
    UnsupportedVersion = "unsupported-version", Error, "The file states a format version that this program does not know.";
    UnknownField = "unknown-field", Error, "One of our own files has a field that does not exist; unknown fields are refused so that a typing error cannot silently change an answer.";
    MissingField = "missing-field", Error, "A field without which the item has no meaning is not there.";
    WrongType = "wrong-type", Error, "A value has another type than the field takes.";
    BadValue = "bad-value", Error, "A value is not one of those the field takes: an address, a port, or a word that Azure does not know.";
    UnknownKind = "unknown-kind", Note, "A resource type that is not modelled. It is kept by id and type, and a flow that meets it says so.";
    SkippedFile = "skipped-file", Warning, "Something in a folder that was given is not read: a link that leads nowhere or to a folder, or what is no plain file. What it would tell is missing from the answer.";
    NotUnderstood = "not-understood", Warning, "Something was read but carries no meaning here, so it was left out.";
    UnknownValue = "unknown-value", Warning, "A value cannot be known from the files given (an expression, a parameter without a value, a property only a deployment knows). It stays unknown, and answers that depend on it say so.";
    BadExpression = "bad-expression", Error, "A template expression cannot be parsed.";
    FailedExpression = "failed-expression", Warning, "A template expression is well formed but fails when evaluated, as it would in a deployment.";
    ExpansionLimit = "expansion-limit", Error, "A loop or nested deployment expands beyond the documented limit.";
    ParametersBeside = "parameters-beside", Note, "The template was given alone, so the parameter file with its name beside it was read as well. Name parameter files yourself to choose others.";
    DanglingReference = "dangling-reference", Warning, "A resource refers to another that is in none of the files. What depends on it is unknown.";
    AmbiguousReference = "ambiguous-reference", Error, "A name fits more than one resource; use the resource id.";
    EffectiveDiffers = "effective-differs", Warning, "What Azure said about an interface (its effective routes or security rules) differs from what follows from the files. One of the two is older, or a file is missing; the answer is computed from the files.";
    DuplicateResource = "duplicate-resource", Warning, "Two items describe the same resource id and disagree.";
    LinkedTemplateMissing = "linked-template-missing", Warning, "A deployment links a template by address; only files given on the command line are read, so its resources are not known.";
    LinkedBeside = "linked-beside", Note, "A file that nobody named was read because a template links to a file of that name, and it lies where the link leads from that template's folder.";
    AssumedAddress = "assumed-address", Note, "A template asks for an address that Azure gives out at deployment. It is taken to be the first one of the subnet, as Azure gives it to a firewall that is alone there.";
    ConditionUnknown = "condition-unknown", Warning, "Whether a resource is deployed depends on a value that is not known; the resource is marked uncertain, and an answer that leans on it is unknown: a rule, a route or a peering decides nothing then, and a machine, balancer, firewall or gateway lets nothing through for certain.";
    PeeringOneSided = "peering-one-sided", Warning, "A peering exists on one side only; it carries no traffic until the other side is created (PEER-1).";
    OverlappingPeers = "overlapping-peers", Warning, "Two peered virtual networks have overlapping address spaces, which Azure refuses (PEER-3).";
    InvalidConfiguration = "invalid-configuration", Warning, "Azure would refuse or ignore this configuration; the message names the rule.";
    UnknownServiceTag = "unknown-service-tag", Warning, "A rule or route names a service tag whose prefixes are not in the table in use; rules with it decide nothing for addresses it might hold.";
    RuleNeverMatches = "rule-never-matches", Note, "A rule can match nothing, for example because an earlier one always matches first.";
}
