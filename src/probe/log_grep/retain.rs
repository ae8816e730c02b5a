//! Files and records left out of a reading, what points at them kept right.

use crate::round::LogGrep;

/// Leaves the items for which `keep` is true; those beyond it stay.
pub fn retain<T>(items: &mut Vec<T>, keep: &[bool]) {
    let mut keep = keep.iter();
    items.retain(|_| keep.next().copied().unwrap_or(true));
}

/// The same of a reading's files, of which no record is left out.
pub fn retain_files(grep: &mut LogGrep, keep: &[bool]) {
    let mut next = 0;
    let numbers: Vec<u32> = keep
        .iter()
        .map(|keep| {
            let at = next;
            next += u32::from(*keep);
            at
        })
        .collect();
    for record in &mut grep.records {
        record.file = numbers.get(record.file as usize).copied().unwrap_or(record.file);
    }
    retain(&mut grep.files, keep);
}
