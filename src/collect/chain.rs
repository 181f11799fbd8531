//! The longest chain of calls that wait for each other.
//!
//! A job counts its calls. Each call is a link; its retries and the wait for its turn are not. Calls that run at the
//! same time are in different branches, of which the longest counts. So a job has to run such calls through [`both`]
//! or [`all`], and in its own task.
//!
//! A call of the SDK is a future of some ten kilobytes, and debug builds copy each future that contains it. On the
//! heap it is copied once.

use std::cell::Cell;

use tokio::task_local;

task_local! {
    static LENGTH: Cell<u32>;
}

/// Counts a call. Outside of a job there is no chain, and nothing is counted.
pub fn add_link() {
    let _ = LENGTH.try_with(|length| length.set(length.get() + 1));
}

/// With the length of the longest chain of calls in `work`.
pub async fn counted<W: Future>(work: W) -> (W::Output, u32) {
    branch(0, Box::pin(work)).await
}

/// Both at once.
pub fn both<A: Future, B: Future>(a: A, b: B) -> impl Future<Output = (A::Output, B::Output)> {
    let (a, b) = (Box::pin(a), Box::pin(b));
    async move {
        let so_far = length();
        let ((a, of_a), (b, of_b)) = tokio::join!(branch(so_far, a), branch(so_far, b));
        set_length(of_a.max(of_b));
        (a, b)
    }
}

/// All at once. Their results keep the order.
pub async fn all<W: Future>(work: impl IntoIterator<Item = W>) -> Vec<W::Output> {
    let so_far = length();
    let branches = work.into_iter().map(|work| branch(so_far, Box::pin(work)));
    let done = futures_util::future::join_all(branches).await;
    set_length(done.iter().map(|(_, length)| *length).max().unwrap_or(so_far));
    done.into_iter().map(|(output, _)| output).collect()
}

async fn branch<W: Future>(so_far: u32, work: W) -> (W::Output, u32) {
    LENGTH.scope(Cell::new(so_far), async { (work.await, length()) }).await
}

fn length() -> u32 {
    LENGTH.try_with(Cell::get).unwrap_or_default()
}

fn set_length(length: u32) {
    let _ = LENGTH.try_with(|known| known.set(length));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_calls_that_wait_for_each_other_are_a_chain() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let calls = |count: u32| async move {
            for _ in 0..count {
                add_link();
                tokio::task::yield_now().await;
            }
        };
        let length = |work| runtime.block_on(counted(work)).1;
        assert_eq!(length(calls(3)), 3);
        let both = async {
            calls(1).await;
            both(calls(2), calls(4)).await;
            calls(1).await;
        };
        assert_eq!(runtime.block_on(counted(both)).1, 6);
        let all = async {
            all([calls(1), calls(3), calls(2)]).await;
            all([calls(0)]).await;
            all(Vec::<std::future::Ready<()>>::new()).await;
            calls(1).await;
        };
        assert_eq!(runtime.block_on(counted(all)).1, 4);
    }
}
