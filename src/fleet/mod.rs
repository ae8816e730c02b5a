//! All hosts of a round: bounded fan-out, deadlines, cancellation, events.
