//! How fast a round goes: in which batches, how often a lost connection is tried again, when it is enough.

use crate::playbook::Serial;

/// The pace of a round.
#[derive(Debug, Clone, PartialEq)]
pub struct Pace {
    /// How often a connection lost before the login is tried again, inside the time for connect and login.
    pub retries: u32,
    /// The sizes of the batches that are visited one after another; their sum is the number of hosts.
    pub batches: Vec<usize>,
    /// No further batch is begun when more than this percentage of one has failed.
    pub max_fail_percentage: Option<f64>,
}

/// Retries where nobody says otherwise.
pub const RETRIES: u32 = 3;

impl Pace {
    /// All `hosts` in one batch.
    pub fn at_once(hosts: usize) -> Self {
        Pace { retries: RETRIES, batches: vec![hosts], max_fail_percentage: None }
    }

    /// Whether `failed` hosts of a batch of `size` are more than may be.
    pub fn is_enough(&self, failed: usize, size: usize) -> bool {
        self.max_fail_percentage.is_some_and(|most| failed as f64 * 100.0 > most * size as f64)
    }
}

/// The batches of `hosts` hosts, as Ansible makes them: a percentage is of all hosts, rounded down but at
/// least one; the last item goes on to the end.
pub fn batches(serial: &[Serial], hosts: usize) -> Vec<usize> {
    let mut sizes = Vec::new();
    let mut left = hosts;
    let mut items = serial.iter();
    let mut size = hosts;
    while left > 0 {
        if let Some(item) = items.next() {
            size = match item {
                Serial::Hosts(count) => *count,
                Serial::Percent(share) => (hosts as f64 * share / 100.0) as usize,
            };
        }
        let batch = size.clamp(1, left);
        sizes.push(batch);
        left -= batch;
    }
    sizes
}

#[cfg(test)]
mod tests {
    use super::*;
    use Serial::{Hosts, Percent};
    use proptest::prelude::*;

    #[test]
    fn batches_are_ansibles() {
        assert_eq!(batches(&[], 7), [7]);
        assert_eq!(batches(&[Hosts(3)], 7), [3, 3, 1]);
        assert_eq!(batches(&[Percent(30.0)], 10), [3, 3, 3, 1]);
        assert_eq!(batches(&[Percent(1.0)], 4), [1, 1, 1, 1], "at least one");
        assert_eq!(batches(&[Hosts(1), Hosts(5), Percent(50.0)], 20), [1, 5, 10, 4]);
        assert_eq!(batches(&[Hosts(100)], 3), [3]);
        assert_eq!(batches(&[Hosts(2)], 0), Vec::<usize>::new());
    }

    #[test]
    fn exactly_the_percentage_is_not_more_than_it() {
        let pace = |most| Pace { max_fail_percentage: Some(most), ..Pace::at_once(10) };
        assert!(!pace(30.0).is_enough(3, 10) && pace(30.0).is_enough(4, 10));
        assert!(pace(0.0).is_enough(1, 10) && !pace(0.0).is_enough(0, 10));
        assert!(!Pace::at_once(10).is_enough(10, 10));
    }

    proptest! {
        #[test]
        fn nobody_is_left_out(items in proptest::collection::vec(prop_oneof![
            (0usize..50).prop_map(Hosts), (0f64..200.0).prop_map(Percent)], 0..5), hosts in 0usize..300) {
            let sizes = batches(&items, hosts);
            prop_assert_eq!(sizes.iter().sum::<usize>(), hosts);
            prop_assert!(sizes.iter().all(|size| *size > 0));
        }
    }
}
