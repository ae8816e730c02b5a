//! Broker ids that are IPv4 addresses.
//!
//! Some fleets number their brokers by address: 180881591 is 10.200.8.183. Kafka takes a `broker.id`
//! as a signed 32-bit integer (kafka.server.KafkaConfig), so this works up to 127.255.255.255.

use std::net::Ipv4Addr;

/// The smallest id that is taken for an address: everything below would be 0.x.y.z.
const FIRST_ADDRESS: i64 = 1 << 24;

/// The address that a broker id spells, if it may be one.
pub fn to_address(id: i64) -> Option<Ipv4Addr> {
    if id < FIRST_ADDRESS {
        return None;
    }
    i32::try_from(id).ok().map(|id| Ipv4Addr::from(id.unsigned_abs()))
}

/// The broker id that an address would have, if Kafka could hold it.
pub fn from_address(address: Ipv4Addr) -> Option<i64> {
    let id = i64::from(u32::from(address));
    (FIRST_ADDRESS..=i64::from(i32::MAX)).contains(&id).then_some(id)
}

/// The IPv4 address in `address:port`, an address alone, or a name that is an address.
pub fn address_in(text: &str) -> Option<Ipv4Addr> {
    let host = text.rsplit_once(':').map_or(text, |(host, _)| host);
    host.parse().or_else(|_| text.parse()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_incidents_brokers_are_numbered_by_address() {
        assert_eq!(to_address(180881591), Some(Ipv4Addr::new(10, 200, 8, 183)));
        assert_eq!(from_address(Ipv4Addr::new(10, 200, 8, 176)), Some(180881584));
    }

    #[test]
    fn small_and_impossible_ids_are_no_address() {
        for id in [-1, 0, 1, 1001, 16777215, i64::from(i32::MAX) + 1, i64::MAX, i64::MIN] {
            assert_eq!(to_address(id), None, "{id}");
        }
        assert_eq!(from_address(Ipv4Addr::new(192, 168, 0, 1)), None);
    }

    #[test]
    fn an_address_is_found_with_and_without_a_port() {
        let node = Some(Ipv4Addr::new(10, 200, 8, 183));
        assert_eq!(address_in("10.200.8.183:22"), node);
        assert_eq!(address_in("10.200.8.183"), node);
        assert_eq!(address_in("broker-3:22"), None);
        assert_eq!(address_in("[::1]:22"), None);
    }

    proptest! {
        #[test]
        fn both_ways(id in FIRST_ADDRESS..=i64::from(i32::MAX)) {
            prop_assert_eq!(to_address(id).and_then(from_address), Some(id));
        }
    }
}
