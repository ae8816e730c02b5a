//! Leader epochs and topic ids of the replicas that deserve a closer look, by one follow-up script.
//!
//! A leader epoch tells something only beside the other replicas' of its partition, so every holder of a
//! partition should choose it, without a word between them. What one node alone finds odd is therefore not
//! enough: the rest of the room is filled by a rule that comes to nearly the same on every holder. When the
//! leader of a partition changes, every replica writes the new epoch to its own file
//! (kafka.server.epoch.LeaderEpochFileCache): so those are chosen whose file was written last, and these are
//! the ones that can have diverged. Days are compared, not seconds, since replicas write a moment apart;
//! within a day a hash of the partition's name decides, which every node computes alike. A node with more
//! replicas cuts the list sooner than another: what both read is then the shorter list.
//!
//! An idle partition's followers learn the epoch with their first record; nothing was written there that
//! could differ.

use crate::probe::disk_usage::Mark;
use crate::round::{Coverage, DiskUsage, Replica, ReplicaDetail, ReplicaKind};
use crate::shell::answer::Answer;
use crate::shell::script::quote;

/// Replicas whose files are read at most: about 100 bytes of answer and two opened files each.
const MOST: usize = 1500;

/// Of these, how many may be chosen because this node alone finds them odd.
const MOST_ODD: usize = 500;

/// The newest epochs that are kept of each replica; older ones were settled long ago.
const EPOCHS: usize = 16;

/// Below this a dirty ratio is an ordinary one (`min.cleanable.dirty.ratio` is 0.5).
const DIRTY: f64 = 0.9;

/// Indices of the replicas to read, ascending.
pub(super) fn choose(usage: &DiskUsage, marks: &[Mark]) -> Vec<u32> {
    let mut order: Vec<(bool, std::cmp::Reverse<Option<u32>>, u64, u32)> = (0u32..)
        .zip(usage.replicas.iter().zip(marks))
        // What is being deleted is past comparing, and its topic's name may be cut.
        .filter(|(_, (replica, _))| replica.kind != ReplicaKind::Deleting)
        .map(|(at, (replica, mark))| {
            (!odd(replica, *mark), std::cmp::Reverse(mark.epoch_day), hash(replica), at)
        })
        .collect();
    order.sort_unstable();
    // Too many odd ones would push out all that the other holders choose.
    let odd = order.iter().take_while(|(ordinary, ..)| !ordinary).count();
    if odd > MOST_ODD
        && let Some(rest) = order.get_mut(MOST_ODD..)
    {
        rest.sort_unstable_by_key(|(_, day, hash, at)| (*day, *hash, *at));
    }
    order.truncate(MOST);
    let mut chosen: Vec<u32> = order.into_iter().map(|(.., at)| at).collect();
    chosen.sort_unstable();
    chosen
}

/// What a node can hold against a replica by itself.
fn odd(replica: &Replica, mark: Mark) -> bool {
    // Cleaned and active bytes are known where segments were told apart.
    let below_active = replica.log_bytes.saturating_sub(replica.active_bytes);
    let dirty = replica.clean_bytes > 0
        && below_active > 0
        && below_active.saturating_sub(replica.clean_bytes) as f64 / below_active as f64 > DIRTY;
    mark.watermark_below || dirty || replica.cleaned_files > 0 || replica.kind != ReplicaKind::Current
}

/// FNV-1a over the partition's name: the same number on every node, whatever roundsman's version.
fn hash(replica: &Replica) -> u64 {
    let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
    let name = replica.topic.bytes().chain([b'-']).chain(replica.partition.to_le_bytes());
    name.fold(0xcbf2_9ce4_8422_2325, step)
}

/// The script: one awk, which opens the files itself; a file that is not there costs nothing.
pub(super) fn script(usage: &DiskUsage, chosen: &[u32]) -> Option<String> {
    if chosen.is_empty() {
        return None;
    }
    let mut script = String::from("set --;");
    let mut dir = None;
    for (place, at) in chosen.iter().enumerate() {
        let Some(replica) = usize::try_from(*at).ok().and_then(|at| usage.replicas.get(at)) else { continue };
        // A directory that is special has an id in its name, which is not kept: it is found by its suffix.
        let suffix = match replica.kind {
            ReplicaKind::Current => "",
            ReplicaKind::Future => ".*-future",
            ReplicaKind::Stray => ".*-stray",
            ReplicaKind::Deleting => continue,
        };
        if dir != Some(replica.log_dir) {
            let path = usage.log_dirs.get(replica.log_dir as usize)?;
            script.push_str(&format!("d={};", quote(path)));
            dir = Some(replica.log_dir);
        }
        let name = format!("{}-{}", replica.topic, replica.partition);
        script.push_str(&format!("set -- \"$@\" {place} \"$d\"/{}{suffix};", quote(&name)));
    }
    let awk = READ.replace('\n', "");
    script.push_str(&format!("awk '{awk}' \"$@\""));
    Some(script)
}

/// `I place topic-id`, `L place epoch offset …` with the newest epochs, `X place line` for a file that makes no sense.
/// Versions other than 0 have not been seen: such a file is one that makes no sense.
const READ: &str = r#"BEGIN{for(i=1;i<ARGC;i+=2){p=ARGV[i];d=ARGV[i+1];
f=d"/partition.metadata";while((getline l<f)>0)if(l~/^topic_id: *[A-Za-z0-9_-]+ *$/){sub(/^topic_id: */,"",l);print "I "p" "l}close(f);
f=d"/leader-epoch-checkpoint";n=c=x=0;while((getline l<f)>0){n++;
if(n==1){if(l!="0")x=1}else if(n==2){w=l;if(l!~/^[0-9]+$/)x=2}
else if(l~/^[0-9]+ +[0-9]+ *$/)E[c++]=l;else if(l!=""&&!x)x=n}close(f);
if(n>1&&!x&&w+0!=c)x=n;
if(x||n==1)print "X "p" "(x?x:n);else if(n>1){s="L "p;for(j=c>16?c-16:0;j<c;j++)s=s" "E[j];print s}
if(i%100==1)fflush()}print "E"}"#;

/// Puts the details into the usage; gives the coverage rows.
pub(super) fn parse(
    usage: &mut DiskUsage,
    chosen: &[u32],
    answer: &Answer,
    limit_seconds: u64,
) -> Vec<Coverage> {
    let mut details: Vec<ReplicaDetail> = chosen
        .iter()
        .map(|replica| ReplicaDetail { replica: *replica, epochs: None, topic_id: None })
        .collect();
    let mut senseless: Vec<(u32, u64)> = Vec::new();
    let mut whole = false;
    for line in answer.lines() {
        let mut words = line.split(' ').filter(|word| !word.is_empty());
        let kind = words.next();
        whole |= kind == Some("E");
        let Some(place) = words.next().and_then(|place| place.parse::<usize>().ok()) else { continue };
        let Some(detail) = details.get_mut(place) else { continue };
        match kind {
            Some("I") => detail.topic_id = words.next().map(str::to_owned),
            Some("L") => match epochs(words) {
                Some(epochs) => detail.epochs = Some(epochs),
                None => senseless.push((detail.replica, 0)),
            },
            Some("X") => {
                let line = words.next().and_then(|line| line.parse().ok()).unwrap_or(0);
                senseless.push((detail.replica, line));
            }
            _ => {}
        }
    }
    details.retain(|detail| detail.epochs.is_some() || detail.topic_id.is_some());
    let read = details.len();
    usage.details = details;
    let mut coverage = Vec::new();
    for (dir, path) in (0u32..).zip(&usage.log_dirs) {
        let in_dir = |at: &u32| {
            let replica = usize::try_from(*at).ok().and_then(|at| usage.replicas.get(at));
            replica.is_some_and(|replica| replica.log_dir == dir)
        };
        let files = format!("{path}/*/leader-epoch-checkpoint");
        let all = usage.replicas.iter().filter(|replica| replica.log_dir == dir).count();
        let asked = chosen.iter().filter(|at| in_dir(at)).count();
        if let Some(why) = answer.why_cut(limit_seconds).or_else(|| (!whole).then(|| said(answer))) {
            coverage.push(Coverage::partial(files, why));
        } else if asked < all && read > 0 {
            // A choice, not a gap: nothing speaks against the others.
            let reason = format!(
                "read of {asked} of {all} replicas: the suspicious and those whose leader changed last"
            );
            coverage.push(Coverage { reason: Some(reason), ..Coverage::complete(files) });
        }
        for (at, line) in senseless.iter().filter(|(at, _)| in_dir(at)) {
            let Some(replica) = usize::try_from(*at).ok().and_then(|at| usage.replicas.get(at)) else {
                continue;
            };
            let file = format!("{path}/{}-{}/leader-epoch-checkpoint", replica.topic, replica.partition);
            coverage.push(Coverage::none(file, format!("line {line} is not as Kafka writes it")));
        }
    }
    coverage
}

fn said(answer: &Answer) -> String {
    let said = crate::shell::answer::lines(&answer.stderr).last().map(|line| line.into_owned());
    said.unwrap_or_else(|| "the node's answer ends early".to_owned())
}

/// Pairs of epoch and first offset; both must rise, as Kafka keeps them (an epoch without records shares its
/// offset with the next).
fn epochs<'a>(mut words: impl Iterator<Item = &'a str>) -> Option<Vec<(u32, u64)>> {
    let mut epochs: Vec<(u32, u64)> = Vec::new();
    while let Some(epoch) = words.next() {
        let next = (epoch.parse().ok()?, words.next()?.parse().ok()?);
        if epochs.last().is_some_and(|last| last.0 >= next.0 || last.1 > next.1) || epochs.len() >= EPOCHS {
            return None;
        }
        epochs.push(next);
    }
    Some(epochs)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;
    use crate::round::{CoverageStatus, Ended};

    fn replica(topic: &str, partition: u32) -> Replica {
        Replica { topic: Arc::from(topic), partition, ..Replica::default() }
    }

    fn usage(count: u32) -> DiskUsage {
        DiskUsage {
            log_dirs: vec!["/data".into()],
            replicas: (0..count).map(|partition| replica("t", partition)).collect(),
            ..DiskUsage::default()
        }
    }

    fn on(day: u32) -> Mark {
        Mark { epoch_day: Some(day), watermark_below: false }
    }

    /// Two nodes that share some partitions read the same of those: all but where one's list ends sooner.
    #[test]
    fn holders_choose_the_same_without_a_word() {
        // Partitions 0..3000 on one, 1000..5000 on the other; a third of them changed leader today.
        let day = |partition: u32| on(if partition.is_multiple_of(3) { 100 } else { partition % 50 });
        let one =
            DiskUsage { replicas: (0..3000).map(|p| replica("t", p)).collect(), ..DiskUsage::default() };
        let other =
            DiskUsage { replicas: (1000..5000).map(|p| replica("t", p)).collect(), ..DiskUsage::default() };
        let chosen = |usage: &DiskUsage| -> std::collections::BTreeSet<u32> {
            let marks: Vec<Mark> = usage.replicas.iter().map(|replica| day(replica.partition)).collect();
            choose(usage, &marks).into_iter().map(|at| usage.replicas[at as usize].partition).collect()
        };
        let (one, other) = (chosen(&one), chosen(&other));
        assert_eq!((one.len(), other.len()), (MOST, MOST));
        let changed_today =
            |partition: &&u32| partition.is_multiple_of(3) && (1000..3000).contains(*partition);
        let both = one.intersection(&other).filter(changed_today).count();
        assert_eq!(both, (1000..3000).filter(|p: &u32| p.is_multiple_of(3)).count());
    }

    #[test]
    fn the_odd_come_first_but_never_push_out_all_others() {
        let mut usage = usage(4000);
        usage.replicas[7].cleaned_files = 1;
        let marks: Vec<Mark> = (0..4000).map(|_| on(5)).collect();
        assert!(choose(&usage, &marks).contains(&7));
        usage.replicas[..3000].iter_mut().for_each(|replica| replica.cleaned_files = 1);
        let marks: Vec<Mark> = (0..4000).map(|at| on(if at < 3000 { 1 } else { 9 })).collect();
        let chosen = choose(&usage, &marks);
        assert_eq!(chosen.iter().filter(|at| **at >= 3000).count(), 1000, "the newest epochs");
        assert_eq!(chosen.len(), MOST);
    }

    #[test]
    fn answers_become_details() {
        let mut usage = usage(4);
        let text = "I 0 PNE06QnuSnKovFzM1tiDmg\nL 0 0 0 4 3179215\nL 1\nX 2 3\nL 3 4 10 3 11\nE\n";
        let answer = Answer { stdout: text.into(), ended: Some(Ended::Exit(0)), ..Answer::default() };
        let coverage = parse(&mut usage, &[0, 1, 2, 3], &answer, 1);
        assert_eq!(usage.details.len(), 2);
        assert_eq!(usage.details[0].epochs, Some(vec![(0, 0), (4, 3179215)]));
        assert_eq!(usage.details[0].topic_id.as_deref(), Some("PNE06QnuSnKovFzM1tiDmg"));
        assert_eq!(usage.details[1].epochs, Some(vec![]));
        let paths: Vec<&str> = coverage.iter().map(|row| row.path.as_str()).collect();
        assert_eq!(paths, ["/data/t-2/leader-epoch-checkpoint", "/data/t-3/leader-epoch-checkpoint"]);
        // A choice among many is told and is no gap.
        let coverage = parse(&mut usage, &[0], &answer, 1);
        assert!(
            coverage[0].status == CoverageStatus::Complete && coverage[0].reason.is_some(),
            "{coverage:?}"
        );
    }

    proptest! {
        #[test]
        fn any_answer_is_read_without_harm(text in "([ILXE] [0-9 -]{0,30}\n|.{0,20}\n){0,10}") {
            let mut usage = usage(3);
            let answer = Answer { stdout: text.into_bytes(), ended: Some(Ended::Exit(0)), ..Answer::default() };
            parse(&mut usage, &[0, 1, 2], &answer, 1);
            prop_assert!(usage.details.iter().all(|detail| detail.replica < 3));
        }
    }
}
