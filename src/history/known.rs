//! What a finding's items are about, so that one that was not there before is told from those that were.

use std::collections::BTreeSet;

use crate::diagnose::finding::{Code, Finding, Item};
use crate::hash::hash;
use crate::kafka::log_name;

/// Hexadecimal digits that tell one item of a finding from the others.
pub const DIGITS: usize = 8;

/// What the items of a finding are about: partition and offsets, host, shape; nothing that differs from round
/// to round while the thing is the same.
pub fn identities(finding: &Finding) -> BTreeSet<Vec<String>> {
    let mut found = BTreeSet::new();
    for item in &finding.items {
        match item {
            Item::Truncation(cut) => {
                let numbers = [cut.from, cut.to].map(|offset| offset.to_string());
                let [from, to] = numbers;
                found.insert(vec![cut.partition.to_string(), cut.follower.clone(), from, to]);
            }
            // Each odd one for itself: one of two that recovered is no news.
            Item::Replicas(item) => {
                found.insert(vec![item.partition.to_string()]);
                found.extend(item.odd.iter().map(|host| vec![item.partition.to_string(), host.clone()]));
            }
            Item::Shape(item) => {
                found.extend(item.hosts.iter().map(|host| vec![item.shape.clone(), host.clone()]));
            }
            Item::Host(item) => {
                let path = item.path.as_deref().map(log_name::of_any).unwrap_or_default();
                found.insert(vec![
                    item.host.clone(),
                    item.probe.clone().unwrap_or_default(),
                    path.to_owned(),
                ]);
            }
        }
    }
    found
}

/// The same, short enough to be kept.
pub fn digests(finding: &Finding) -> BTreeSet<String> {
    let digest = |parts: Vec<String>| {
        let digest = hash(parts.iter().map(|part| Some(part.as_str())));
        digest.chars().take(DIGITS).collect()
    };
    identities(finding).into_iter().map(digest).collect()
}

/// Whether what a finding tells happened at a moment, so that a later sighting is another case; the other codes
/// tell of a state, which is seen again and again.
pub fn happens(code: Code) -> bool {
    matches!(code, Code::DataLost | Code::ReplicaTruncated | Code::UncleanElection | Code::BrokerCrashed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture::incident;

    #[test]
    fn a_cut_is_told_from_another_and_not_from_itself_at_another_line() {
        let case = incident();
        let found = case.findings.iter().find(|one| one.code == Code::ReplicaTruncated).unwrap();
        let known = digests(found);
        assert_eq!(known.len(), found.items.len());
        assert!(known.iter().all(|digest| digest.len() == DIGITS));
        let mut rotated = found.clone();
        let mut other = found.clone();
        for (same, another) in rotated.items.iter_mut().zip(&mut other.items) {
            let (Item::Truncation(same), Item::Truncation(another)) = (same, another) else { panic!() };
            same.file.push_str(".1");
            same.line += 9;
            another.to -= 1;
        }
        assert_eq!(digests(&rotated), known);
        assert!(digests(&other).is_disjoint(&known));
    }
}
