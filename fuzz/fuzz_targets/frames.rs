//! However a stream is cut into pieces, the same frames are found in it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use roundsman::shell::frames::{Frame, Frames};

// The first byte says how long the pieces are; `~` stands for the fence's token, which no input would
// ever hit upon.
fuzz_target!(|input: &[u8]| {
    let Some((size, rest)) = input.split_first() else { return };
    let mut stream = Vec::new();
    for byte in rest {
        match byte {
            b'~' => stream.extend_from_slice(b"rm0123456789abcdef"),
            byte => stream.push(*byte),
        }
    }
    let whole = frames(&stream, stream.len().max(1));
    assert_eq!(frames(&stream, usize::from(*size).max(1)), whole);
});

/// Frames in their order, data that stands together put together.
fn frames(stream: &[u8], size: usize) -> Vec<String> {
    let mut parser = Frames::new("rm0123456789abcdef");
    let mut told: Vec<String> = Vec::new();
    let mut data: Vec<u8> = Vec::new();
    for piece in stream.chunks(size) {
        parser.feed(piece, |frame| match frame {
            Frame::Data(bytes) => data.extend_from_slice(bytes),
            other => {
                let before = std::mem::take(&mut data);
                told.push(format!("{before:?} {other:?}"));
            }
        });
    }
    // What may be the beginning of a fence is held back; how much of it depends on the pieces.
    told
}
