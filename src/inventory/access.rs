//! Whom a service's own network rules let in: each kind says it in words of its own.

use super::raw::Origin;
use super::read::{Field, Many, Unknown};
use super::service::{AccessRestriction, DefaultAction, PlatformService, PublicNetworkAccess, SLOT};
use super::values::AddressWord;

const APIM: &str = "Microsoft.ApiManagement/service";
const COSMOS: &str = "Microsoft.DocumentDB/databaseAccounts";
const CLUSTER: &str = "Microsoft.ContainerService/managedClusters";
const IOT_HUB: &str = "Microsoft.Devices/IotHubs";
const SIGNALR: &str = "Microsoft.SignalRService/SignalR";
const SITE: &str = "Microsoft.Web/sites";

/// Kinds whose public endpoint closes with the first private one, unless they say otherwise.
const CLOSED_BY_ENDPOINTS: &[&str] = &[SITE, SLOT, "Microsoft.AppConfiguration/configurationStores"];

/// Kinds that are in a virtual network, or have a public endpoint, and never both.
const INJECTED: &[&str] = &[
    "Microsoft.Cache/Redis",
    "Microsoft.DBforMySQL/flexibleServers",
    "Microsoft.DBforPostgreSQL/flexibleServers",
];

/// Kinds that let in everybody until their rules list somebody, and then nobody else.
const LISTING: &[&str] = &[
    "Microsoft.Cache/Redis",
    "Microsoft.EventGrid/topics",
    "Microsoft.MachineLearningServices/workspaces",
    "Microsoft.Search/searchServices",
];

/// Kinds whose rules mean nothing until they list somebody, whatever the default action says.
const MESSAGING: &[&str] =
    &["Microsoft.EventHub/namespaces", "Microsoft.Relay/namespaces", "Microsoft.ServiceBus/namespaces"];

/// Kinds that let in nobody whom their rules do not name.
const DATABASES: &[&str] = &[
    "Microsoft.DBforMariaDB/servers",
    "Microsoft.DBforMySQL/flexibleServers",
    "Microsoft.DBforMySQL/servers",
    "Microsoft.DBforPostgreSQL/flexibleServers",
    "Microsoft.DBforPostgreSQL/servers",
    "Microsoft.Sql/servers",
    "Microsoft.Synapse/workspaces",
];

/// The requests that SignalR's clients and servers live by.
const SIGNALR_REQUESTS: [&str; 3] = ["ClientConnection", "RESTAPI", "ServerConnection"];

impl PlatformService {
    fn is_one_of(&self, kinds: &[&str]) -> bool {
        kinds.iter().any(|kind| self.id.is_kind(kind))
    }

    /// Whether the public endpoint answers. `connected` says whether the service has a private one.
    pub fn public_access(&self, connected: bool) -> Result<PublicNetworkAccess, Unknown> {
        if self.is_only_inside()? {
            return Ok(PublicNetworkAccess::Disabled);
        }
        let connected = connected || !self.private_endpoint_connections.items.is_empty();
        let closed = connected && self.is_one_of(CLOSED_BY_ENDPOINTS);
        let silent = if closed { PublicNetworkAccess::Disabled } else { PublicNetworkAccess::Enabled };
        Ok(self.written_access()?.unwrap_or(silent))
    }

    /// The switch as it is written, which some kinds have in two places.
    pub fn written_access(&self) -> Result<Option<PublicNetworkAccess>, Unknown> {
        match (&self.public_network_access, &self.rule_set_public_network_access) {
            (Field::Unknown(unknown), _) | (_, Field::Unknown(unknown)) => Err(unknown.clone()),
            (Field::Known(own), Field::Known(other)) if own != other => {
                let name = self.id.name();
                let why = format!(
                    "whether `{name}` is open to public networks: publicNetworkAccess is {own} of the namespace and {other} of its networkRuleSets, and Azure keeps one of the two"
                );
                Err(Unknown::new(self.at, why))
            }
            (Field::Known(access), _) | (Field::Absent, Field::Known(access)) => Ok(Some(*access)),
            (Field::Absent, Field::Absent) => Ok(None),
        }
    }

    /// Whether it stands in a virtual network and has no public endpoint at all.
    pub fn is_only_inside(&self) -> Result<bool, Unknown> {
        if self.id.is_kind(APIM) {
            let mode = self.virtual_network_type.or("None".into()).map_err(Clone::clone)?;
            return Ok(mode.eq_ignore_ascii_case("Internal"));
        }
        Ok(self.is_one_of(INJECTED) && !known(&self.injected_subnets)?.is_empty())
    }

    /// Whether it stands in a virtual network and its public name leads to its address there.
    pub fn has_inside_address(&self) -> bool {
        self.is_one_of(INJECTED) && known(&self.injected_subnets).is_ok_and(|subnets| !subnets.is_empty())
    }

    /// Whether it may have a copy that is read in another region: a storage account of a class that says otherwise has
    /// none.
    pub fn may_be_read_elsewhere(&self) -> bool {
        self.sku.known().is_none_or(|sku| !sku.contains('_') || sku.to_ascii_uppercase().contains("_RAG"))
    }

    /// Why the public endpoint answers nobody.
    pub fn closed_text(&self) -> String {
        if self.is_only_inside() == Ok(true) {
            return "it stands in a virtual network and has no public endpoint".into();
        }
        match self.written_access() {
            Ok(None) => "public network access is not written, and a private endpoint closes it".into(),
            Ok(Some(PublicNetworkAccess::SecuredByPerimeter)) => {
                "public network access is left to a network security perimeter, and none lets this in".into()
            }
            _ => "public network access is disabled".into(),
        }
    }

    /// What its firewall does with what no rule names. Some services have no word for it: their rules imply it.
    pub fn rest(&self) -> Result<DefaultAction, Unknown> {
        let by = |listed: bool| if listed { DefaultAction::Deny } else { DefaultAction::Allow };
        if let Field::Unknown(unknown) = &self.default_action {
            return Err(unknown.clone());
        }
        if self.id.is_kind(COSMOS) {
            let filtered = self.is_virtual_network_filter_enabled.or(false).map_err(Clone::clone)?;
            return Ok(by(filtered || !known(&self.ip_rules)?.is_empty()));
        }
        if self.id.is_kind(CLUSTER) {
            return Ok(by(!known(&self.authorized_ip_ranges)?.is_empty()));
        }
        if self.id.is_kind(SIGNALR) {
            return self.rest_of_requests();
        }
        if self.is_database() && self.default_action.is_absent() {
            return self.rest_of_database().map(by);
        }
        let implied = self.is_one_of(LISTING) || self.is_one_of(MESSAGING) || self.id.is_kind(IOT_HUB);
        if !implied && self.default_action.is_absent() && self.names_callers() {
            let why = format!(
                "what `{}` does with what its rules do not name: they stand without a defaultAction",
                self.id.name()
            );
            return Err(Unknown::new(self.at, why));
        }
        let silent = by(self.is_one_of(LISTING) && !self.ip_rules.is_empty()
            || self.id.is_kind(IOT_HUB) && self.ip_rules.given);
        let rest = self.default_action.or(silent).map_err(Clone::clone)?;
        let moot = rest == DefaultAction::Deny && self.lists_nobody_yet()?;
        Ok(by(rest == DefaultAction::Deny && !moot))
    }

    /// Whether it is one of the messaging services and names neither addresses nor subnets: until it does, everybody
    /// comes in.
    pub fn lists_nobody_yet(&self) -> Result<bool, Unknown> {
        let nobody =
            || Ok(known(&self.ip_rules)?.is_empty() && known(&self.virtual_network_rules)?.is_empty());
        if self.is_one_of(MESSAGING) { nobody() } else { Ok(false) }
    }

    /// Whether it writes rules for addresses or subnets.
    fn names_callers(&self) -> bool {
        !self.ip_rules.is_empty() || !self.virtual_network_rules.is_empty()
    }

    fn rest_of_database(&self) -> Result<bool, Unknown> {
        let listed = !known(&self.ip_rules)?.is_empty() || !known(&self.virtual_network_rules)?.is_empty();
        if !listed && self.origin != Origin::Estate {
            let why = format!(
                "whom `{}` lets in: Azure shuts a database server that lists nobody, and rules of its firewall are in none of the files",
                self.id.name()
            );
            return Err(Unknown::new(self.at, why));
        }
        // A list that is written, and names nobody, is meant so.
        Ok(listed || self.ip_rules.given)
    }

    /// SignalR lets in by the kind of the request.
    fn rest_of_requests(&self) -> Result<DefaultAction, Unknown> {
        let action = self.default_action.or(DefaultAction::Allow).map_err(Clone::clone)?;
        let allowed = known(&self.public_requests_allowed)?;
        let denied = known(&self.public_requests_denied)?;
        let names =
            |list: &[std::sync::Arc<str>], word: &str| list.iter().any(|w| w.eq_ignore_ascii_case(word));
        let passes = |word: &&str| match action {
            DefaultAction::Deny => names(allowed, word),
            DefaultAction::Allow => !names(denied, word),
        };
        match SIGNALR_REQUESTS.iter().filter(|word| passes(word)).count() {
            0 => Ok(DefaultAction::Deny),
            n if n == SIGNALR_REQUESTS.len() => Ok(DefaultAction::Allow),
            _ => {
                let why = format!(
                    "which kind of request this is: the public endpoint of `{}` takes some of ServerConnection, ClientConnection and RESTAPI, and refuses others",
                    self.id.name()
                );
                Err(Unknown::new(self.at, why))
            }
        }
    }

    /// Whether it is a web app whose access restrictions keep anybody out. One that lets in any address is what Azure
    /// writes where there are none.
    pub fn restricts(&self) -> bool {
        let shut = |of: Restrictions<'_>| {
            let open = |r: &AccessRestriction| {
                let any = r.ip_address.known().is_some_and(|ip| is_anybody(ip));
                r.action.is(DefaultAction::Allow)
                    && any
                    && (r.headers.is_absent() || r.headers.known().is_some_and(|h| !h.any()))
            };
            of.list.unknown.is_some()
                || of.list.iter().any(|r| !open(r))
                || !matches!(of.rest, Field::Absent | Field::Known(DefaultAction::Allow))
        };
        self.is_one_of(&[SITE, SLOT])
            && (self.config.unknown.is_some()
                || [false, true].iter().any(|scm| shut(self.restrictions(*scm))))
    }

    /// The access restrictions of a web app, or of its tools. Settings that are a resource of their own outrank what
    /// stands in the site.
    pub fn restrictions(&self, scm: bool) -> Restrictions<'_> {
        let last = |list: fn(&super::SiteConfig) -> &Many<AccessRestriction>| {
            self.config.iter().map(list).rfind(|l| l.given)
        };
        let rest = |rest: fn(&super::SiteConfig) -> &Field<DefaultAction>| {
            self.config.iter().map(rest).rfind(|r| !r.is_absent())
        };
        let as_main = self.config.iter().map(|c| &c.scm_as_main).rfind(|f| !f.is_absent());
        let as_main = as_main.unwrap_or(&self.scm_as_main);
        let (list, rest) = match scm && !as_main.is(true) {
            true => (
                last(|c| &c.scm_restrictions).unwrap_or(&self.scm_restrictions),
                rest(|c| &c.scm_rest).unwrap_or(&self.scm_restrictions_rest),
            ),
            false => (
                last(|c| &c.access_restrictions).unwrap_or(&self.access_restrictions),
                rest(|c| &c.rest).unwrap_or(&self.access_restrictions_rest),
            ),
        };
        let doubt = self.config.unknown.clone().or_else(|| as_main.unknown().filter(|_| scm).cloned());
        Restrictions { list, rest, doubt }
    }

    /// Whether it is a database server, which lets in nobody that its rules do not name.
    pub fn is_database(&self) -> bool {
        self.is_one_of(DATABASES)
    }

    /// The addresses it lists as let in.
    pub fn listed_addresses(&self) -> &Many<AddressWord> {
        match self.id.is_kind(CLUSTER) {
            true => &self.authorized_ip_ranges,
            false => &self.ip_rules,
        }
    }

    /// Whether a rule of it lets in every address of Azure, whoever's it is (COS-2).
    pub fn lets_in_azure(&self) -> bool {
        let may = self.is_database() || self.id.is_kind(COSMOS);
        may && self.ip_rules.iter().any(|w| matches!(&*w.text, "0.0.0.0" | "0.0.0.0-0.0.0.0"))
    }
}

/// The access restrictions that count for a web app, or for its tools.
#[derive(Clone, Debug)]
pub struct Restrictions<'a> {
    /// Its rules.
    pub list: &'a Many<AccessRestriction>,
    /// What becomes of who is in none of them.
    pub rest: &'a Field<DefaultAction>,
    /// Why it is not known which ones count.
    pub doubt: Option<Unknown>,
}

/// Whether a rule's address is everybody's.
pub fn is_anybody(text: &str) -> bool {
    text.eq_ignore_ascii_case("Any") || matches!(text, "0.0.0.0/0" | "0.0.0.0/0,::/0" | "::/0,0.0.0.0/0")
}

/// A list that is whole, or why it is not.
fn known<T: 'static>(list: &Many<T>) -> Result<&[T], Unknown> {
    match &list.unknown {
        Some(unknown) => Err(unknown.clone()),
        None => Ok(&list.items),
    }
}
