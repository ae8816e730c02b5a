//! Questions while they are being answered, and the frames that belong to each.

use jiff::Timestamp;

use super::answer::Answer;
use super::frames::{Frame, How};
use super::{Listener, Stream};
use crate::round::Ended;

/// Bytes of a script's standard error that are kept.
const STDERR_LIMIT: usize = 64 << 10;

/// One question while it is being answered.
pub(super) struct Running {
    pub(super) answer: Answer,
    limit: usize,
    out: Option<How>,
    err: Option<How>,
    /// Why it was told to stop.
    pub(super) stopped: Option<Ended>,
}

impl Running {
    pub(super) fn new(limit: usize) -> Self {
        let answer = Answer { sent: Some(Timestamp::now()), ..Answer::default() };
        Running { answer, limit, out: None, err: None, stopped: None }
    }

    pub(super) fn is_over(&self) -> bool {
        self.out.is_some() && self.err.is_some()
    }

    pub(super) fn is_stuck(&self) -> bool {
        self.answer.stuck || self.out == Some(How::Stuck) || self.err == Some(How::Stuck)
    }

    pub(super) fn finish(mut self) -> Answer {
        self.answer.stuck = self.is_stuck();
        self.answer.ended = match (self.out, self.stopped) {
            // It was quicker than our order.
            (Some(How::Exit(status)), Some(Ended::Deadline | Ended::Stopped) | None) => {
                Some(Ended::Exit(status))
            }
            (_, Some(why)) => Some(why),
            (Some(_), None) => Some(Ended::Stopped),
            (None, None) if self.answer.began.is_some() => Some(Ended::Lost),
            (None, None) => None,
        };
        self.answer
    }
}

/// Gives a frame to the question that it belongs to; `at` is the one that its stream is inside of.
pub(super) fn take(
    running: &mut [Running],
    at: &mut Option<usize>,
    first: u32,
    frame: Frame<'_>,
    stream: Stream,
    listener: &mut Option<Listener<'_>>,
) {
    let index = |id: u32| id.checked_sub(first).map(|index| index as usize);
    match frame {
        Frame::Begin(id) => {
            *at = index(id).filter(|index| *index < running.len());
            if let (Some(at), Stream::Stdout) = (*at, stream) {
                running[at].answer.began = Some(Timestamp::now());
            }
        }
        Frame::Data(data) => {
            let Some(running) = at.and_then(|at| running.get_mut(at)) else { return };
            let (kept, limit) = match stream {
                Stream::Stdout => (&mut running.answer.stdout, running.limit),
                Stream::Stderr => (&mut running.answer.stderr, STDERR_LIMIT),
            };
            let room = limit.saturating_sub(kept.len()).min(data.len());
            kept.extend_from_slice(&data[..room]);
            running.answer.overflow += (data.len() - room) as u64;
            if let Some(listener) = listener {
                listener(stream, &data[..room]);
            }
        }
        Frame::End(id, how) => {
            let Some(running) = index(id).and_then(|index| running.get_mut(index)) else { return };
            match stream {
                Stream::Stdout => running.out = Some(how),
                Stream::Stderr => running.err = Some(how),
            }
        }
        Frame::Hello { .. } => {}
    }
}
