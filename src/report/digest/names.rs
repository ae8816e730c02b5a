//! Host names as short as they can be and still be told apart.

use crate::compare::Cluster;

/// The brokers' names of a cluster without what all of them share: the domain, or an address's network.
pub struct Names {
    short: Vec<String>,
    /// What they share and is left out: the domain with its dot, or the network without.
    pub domain: Option<String>,
}

impl Names {
    /// The names of a cluster's brokers.
    pub fn of(cluster: &Cluster) -> Self {
        let hosts: Vec<&str> = cluster.brokers.iter().map(|broker| broker.host.as_str()).collect();
        if let Some(network) = network(&hosts) {
            let short = hosts.iter().map(|host| host[network..].to_owned()).collect();
            return Names { short, domain: Some(hosts[0][..network].to_owned()) };
        }
        let domain = domain(&hosts);
        let cut = domain.as_deref().map_or(0, str::len);
        let short = hosts.iter().map(|host| host[..host.len() - cut].to_owned()).collect();
        Names { short, domain }
    }

    /// The short name of the broker at `index`.
    pub fn short(&self, index: usize) -> &str {
        self.short.get(index).map_or("?", String::as_str)
    }
}

/// How much of IPv4 addresses is the same up to the last dot, which stays: people say `.177` too.
fn network(hosts: &[&str]) -> Option<usize> {
    let [first, others @ ..] = hosts else { return None };
    let last_dot = |host: &str| host.parse::<std::net::Ipv4Addr>().ok().and_then(|_| host.rfind('.'));
    let cut = last_dot(first)?;
    let alike = |host: &&str| last_dot(host) == Some(cut) && host[..cut] == first[..cut];
    (!others.is_empty() && others.iter().all(alike)).then_some(cut)
}

/// The longest end of all names that begins at a dot; none for addresses, whose end is what differs.
fn domain(hosts: &[&str]) -> Option<String> {
    let [first, others @ ..] = hosts else { return None };
    if others.is_empty() || hosts.iter().any(|host| host.chars().all(|c| c.is_ascii_digit() || c == '.')) {
        return None;
    }
    first
        .char_indices()
        .filter(|(at, c)| *c == '.' && *at > 0)
        .map(|(at, _)| &first[at..])
        .find(|end| others.iter().all(|host| host.len() > end.len() && host.ends_with(end)))
        .map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_shared_domain_is_left_out() {
        assert_eq!(
            domain(&["q1.dc1.example.net", "q2.dc1.example.net"]).as_deref(),
            Some(".dc1.example.net")
        );
        assert_eq!(domain(&["q1.dc1.example.net", "q1.dc2.example.net"]).as_deref(), Some(".example.net"));
        assert_eq!(domain(&["10.0.0.1", "10.1.0.1"]), None);
        assert_eq!(domain(&["q1.a", "q2"]), None);
        assert_eq!(domain(&["q1.a"]), None);
        assert_eq!(domain(&[".a", ".a"]), None);
        assert_eq!(network(&["10.200.8.176", "10.200.8.177"]), Some(8));
        assert_eq!(network(&["10.200.8.176", "10.200.9.177"]), None);
        assert_eq!(network(&["10.200.8.176", "broker"]), None);
    }
}
