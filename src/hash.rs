//! Names made of what they name: the same in every round, on every machine and in every version.

/// 64 bits of FNV-1a over parts that may be absent, in hex.
pub(crate) fn hash<'a>(parts: impl IntoIterator<Item = Option<&'a str>>) -> String {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for part in parts {
        // A byte that no name holds keeps the parts apart, and nothing apart from an empty name.
        let bytes = part.into_iter().flat_map(|part| [1].into_iter().chain(part.bytes()));
        for byte in bytes.chain([0]) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
    format!("{hash:016x}")
}
