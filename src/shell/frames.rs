//! Answers cut out of a shell's output by an unguessable fence. Pure.
//!
//! On each of the two streams an answer is
//!
//! ```text
//! TOKEN + ID\n  …the script's own bytes…  \nTOKEN - ID HOW\n
//! ```
//!
//! Whatever stands outside of a fence (a chatty rc file, a banner) is no evidence and is dropped.
//! HOW is the exit status, `stopped` (by our order) or `stuck` (a process survived it).

use memchr::memmem;

/// What a stream holds, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame<'a> {
    /// The shell is set up; whether it leads its process group.
    Hello { leads: bool },
    /// An answer begins.
    Begin(u32),
    /// Bytes of the answer that has begun.
    Data(&'a [u8]),
    /// The answer is over.
    End(u32, How),
}

/// How a script ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    Exit(i32),
    Stopped,
    Stuck,
}

/// One stream's parser. Feed it bytes as they come; it keeps at most a line's worth of them.
#[derive(Debug)]
pub struct Frames {
    /// The fence without its newline.
    token: Vec<u8>,
    /// Bytes that may be the beginning of a fence.
    held: Vec<u8>,
    inside: Option<u32>,
}

/// A fence line is the token, a mark, an id and a word: it cannot be longer than this.
const LONGEST_FENCE: usize = 128;

impl Frames {
    pub fn new(token: &str) -> Self {
        Frames { token: token.as_bytes().to_vec(), held: Vec::new(), inside: None }
    }

    /// The answer that has begun and not ended.
    pub fn inside(&self) -> Option<u32> {
        self.inside
    }

    /// Takes the next bytes of the stream and calls `on` for each frame in them, in order.
    pub fn feed(&mut self, bytes: &[u8], mut on: impl FnMut(Frame<'_>)) {
        let joined;
        let mut rest: &[u8] = if self.held.is_empty() {
            bytes
        } else {
            let mut held = std::mem::take(&mut self.held);
            held.extend_from_slice(bytes);
            joined = held;
            &joined
        };
        let finder = memmem::Finder::new(&self.token);
        loop {
            let Some(at) = finder.find(rest) else {
                let keep = self.tail(rest);
                let (data, tail) = rest.split_at(rest.len() - keep);
                self.data(data, &mut on);
                self.held = tail.to_vec();
                return;
            };
            // The newline before a fence that ends an answer is ours.
            let before = if at > 0 && rest[at - 1] == b'\n' { at - 1 } else { at };
            let line = &rest[at..];
            let Some(end) = memchr::memchr(b'\n', line) else {
                if line.len() > LONGEST_FENCE {
                    // The token without a fence round it: no shell of ours wrote that.
                    self.data(&rest[..at + self.token.len()], &mut on);
                    rest = &rest[at + self.token.len()..];
                    continue;
                }
                self.data(&rest[..before], &mut on);
                self.held = rest[before..].to_vec();
                return;
            };
            match self.fence(&line[..end]) {
                Some(Fence::Hello { leads }) => on(Frame::Hello { leads }),
                Some(Fence::Begin(id)) => {
                    self.inside = Some(id);
                    on(Frame::Begin(id));
                }
                Some(Fence::End(id, how)) if self.inside == Some(id) => {
                    if before > 0 {
                        on(Frame::Data(&rest[..before]));
                    }
                    self.inside = None;
                    on(Frame::End(id, how));
                }
                // A second trailer of an answer that is over: it ended while it was being stopped.
                Some(Fence::End(..)) => {}
                None => self.data(&rest[..at + end + 1], &mut on),
            }
            rest = &line[end + 1..];
        }
    }

    fn data(&self, data: &[u8], on: &mut impl FnMut(Frame<'_>)) {
        if self.inside.is_some() && !data.is_empty() {
            on(Frame::Data(data));
        }
    }

    /// How many bytes at the end may be the beginning of a newline and a token.
    fn tail(&self, rest: &[u8]) -> usize {
        let longest = (self.token.len()).min(rest.len());
        for keep in (1..=longest).rev() {
            let tail = &rest[rest.len() - keep..];
            let fence = tail.strip_prefix(b"\n").unwrap_or(tail);
            if self.token.starts_with(fence) {
                return keep;
            }
        }
        0
    }

    fn fence(&self, line: &[u8]) -> Option<Fence> {
        let text = std::str::from_utf8(line.get(self.token.len()..)?).ok()?;
        let mut words = text.split(' ').skip(1);
        match (words.next()?, words.next()?, words.next()) {
            ("!", how, None) => Some(Fence::Hello { leads: how == "leads" }),
            ("+", id, None) => Some(Fence::Begin(id.parse().ok()?)),
            ("-", id, Some(how)) => {
                let how = match how {
                    "stopped" => How::Stopped,
                    "stuck" => How::Stuck,
                    status => How::Exit(status.parse().ok()?),
                };
                Some(Fence::End(id.parse().ok()?, how))
            }
            _ => None,
        }
    }
}

enum Fence {
    Hello { leads: bool },
    Begin(u32),
    End(u32, How),
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TOKEN: &str = "rm0123456789abcdef";

    type Answers = Vec<(u32, Vec<u8>, Option<How>)>;

    /// Everything of one stream, cut into chunks of the given size.
    fn parse(stream: &[u8], chunk: usize) -> (Answers, usize) {
        let mut frames = Frames::new(TOKEN);
        let mut answers = Answers::new();
        let mut hellos = 0;
        for piece in stream.chunks(chunk.max(1)) {
            frames.feed(piece, |frame| match frame {
                Frame::Hello { .. } => hellos += 1,
                Frame::Begin(id) => answers.push((id, Vec::new(), None)),
                Frame::Data(data) => answers.last_mut().unwrap().1.extend_from_slice(data),
                Frame::End(_, how) => answers.last_mut().unwrap().2 = Some(how),
            });
        }
        (answers, hellos)
    }

    #[test]
    fn noise_outside_of_the_fence_is_no_evidence() {
        let stream = format!(
            "Welcome to 12G\n{TOKEN} ! leads\nnoise{TOKEN} + 1\nhi\n\n{TOKEN} - 1 3\nmore\n{TOKEN} + 2\n\n{TOKEN} - 2 stopped\n"
        );
        for chunk in 1..stream.len() {
            let (answers, hellos) = parse(stream.as_bytes(), chunk);
            assert_eq!(hellos, 1, "chunks of {chunk}");
            assert_eq!(
                answers,
                [(1, b"hi\n".to_vec(), Some(How::Exit(3))), (2, b"".to_vec(), Some(How::Stopped))],
                "chunks of {chunk}"
            );
        }
    }

    #[test]
    fn a_second_trailer_is_ignored() {
        let stream =
            format!("{TOKEN} + 1\nx\n{TOKEN} - 1 0\n\n{TOKEN} - 1 stopped\n{TOKEN} + 2\ny\n{TOKEN} - 2 0\n");
        let (answers, _) = parse(stream.as_bytes(), 1000);
        assert_eq!(answers.len(), 2);
        assert_eq!(answers[1], (2, b"y".to_vec(), Some(How::Exit(0))));
    }

    #[test]
    fn an_answer_that_never_ends_keeps_what_came() {
        let stream = format!("{TOKEN} + 1\npartial");
        let (answers, _) = parse(stream.as_bytes(), 4);
        assert_eq!(answers, [(1, b"partial".to_vec(), None)]);
    }

    proptest! {
        #[test]
        fn any_bytes_come_through_whole(body in proptest::collection::vec(any::<u8>(), 0..400), chunk in 1usize..90) {
            let mut stream = format!("{TOKEN} + 7\n").into_bytes();
            stream.extend_from_slice(&body);
            stream.extend_from_slice(format!("\n{TOKEN} - 7 0\n").as_bytes());
            let (answers, _) = parse(&stream, chunk);
            prop_assert_eq!(answers, vec![(7, body, Some(How::Exit(0)))]);
        }

        #[test]
        fn no_bytes_make_it_panic(stream in proptest::collection::vec(any::<u8>(), 0..400), chunk in 1usize..90) {
            parse(&stream, chunk);
        }

        #[test]
        fn no_fences_make_it_panic(parts in proptest::collection::vec(prop_oneof![
            Just(TOKEN.to_owned()), Just("\n".to_owned()), Just(" + 1".to_owned()), Just(" - 1 0".to_owned()),
            Just(" ! ".to_owned()), "[a-z]{0,5}"], 0..60), chunk in 1usize..20) {
            parse(parts.concat().as_bytes(), chunk);
        }
    }
}
