//! A login's clock, which stands while a person is asked.

use std::future::Future;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// How long the clock of one connection attempt stood.
#[derive(Debug, Default)]
pub(super) struct LoginClock(Mutex<Stood>);

#[derive(Debug, Default)]
struct Stood {
    before: Duration,
    since: Option<Instant>,
}

/// Lets the clock go on when dropped.
pub(super) struct Standing<'a>(&'a LoginClock);

impl LoginClock {
    /// Stops the clock.
    pub(super) fn stand(&self) -> Standing<'_> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).since.get_or_insert_with(Instant::now);
        Standing(self)
    }

    pub(super) fn stands(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).since.is_some()
    }

    /// How long it stood so far.
    pub(super) fn stood(&self) -> Duration {
        let stood = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        stood.before + stood.since.map(|since| since.elapsed()).unwrap_or_default()
    }

    /// Does `work`, for as long as the clock shows less than `limit`; `None` when it shows more.
    pub(super) async fn within<T>(&self, limit: Duration, work: impl Future<Output = T>) -> Option<T> {
        let (began, stood) = (Instant::now(), self.stood());
        let mut work = std::pin::pin!(work);
        loop {
            let spent = began.elapsed().saturating_sub(self.stood().saturating_sub(stood));
            let left = limit.checked_sub(spent).filter(|left| !left.is_zero())?;
            match tokio::time::timeout(left, &mut work).await {
                Ok(done) => return Some(done),
                // The clock may have stood meanwhile.
                Err(_) => continue,
            }
        }
    }
}

impl Drop for Standing<'_> {
    fn drop(&mut self) {
        let mut stood = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(since) = stood.since.take() {
            stood.before += since.elapsed();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::sleep;

    const A_WHILE: Duration = Duration::from_millis(300);

    #[tokio::test]
    async fn the_time_of_an_answer_does_not_count() {
        let clock = LoginClock::default();
        let work = async {
            sleep(A_WHILE).await;
            {
                let _standing = clock.stand();
                sleep(4 * A_WHILE).await;
            }
            sleep(A_WHILE).await;
        };
        assert_eq!(clock.within(4 * A_WHILE, work).await, Some(()));
        // What stood before another piece of work is none of its time.
        let began = Instant::now();
        assert_eq!(clock.within(3 * A_WHILE, sleep(60 * A_WHILE)).await, None);
        assert!(began.elapsed() < 30 * A_WHILE);
    }
}
