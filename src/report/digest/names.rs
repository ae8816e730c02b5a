//! Host names as short as they can be and still be told apart.

use crate::compare::Cluster;

/// The brokers' names of a cluster without the domain that all of them share.
pub struct Names {
    short: Vec<String>,
    /// The shared domain, with its dot.
    pub domain: Option<String>,
}

impl Names {
    /// The names of a cluster's brokers.
    pub fn of(cluster: &Cluster) -> Self {
        let hosts: Vec<&str> = cluster.brokers.iter().map(|broker| broker.host.as_str()).collect();
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
    }
}
