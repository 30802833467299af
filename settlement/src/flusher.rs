//! A flusher: has the file system write what the sinks have handed to it, while the next lines are being made.
//!
//! Without it the whole day would wait in memory for the one sync before publishing. It promises nothing: that sync is
//! still what makes the day durable. But a failure that it meets is the day's, because the kernel reports it only once.

use parking_lot::{Condvar, Mutex};
use std::fs::File;

/// So much is worth a sync.
const BYTES_MIN: u64 = 96 << 20;

#[derive(Default)]
pub(crate) struct Flusher {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    bytes: u64,
    ended: bool,
}

impl Flusher {
    /// So many more bytes were written.
    pub fn written(&self, bytes: u64) {
        let mut state = self.state.lock();
        state.bytes += bytes;
        if state.bytes >= BYTES_MIN {
            self.changed.notify_one();
        }
    }

    /// Nothing more will be written.
    pub fn end(&self) {
        self.state.lock().ended = true;
        self.changed.notify_one();
    }

    /// Syncs the file system of `folder` again and again until the end.
    ///
    /// # Errors
    /// When something could not be written.
    pub fn run(&self, folder: &File) -> std::io::Result<()> {
        loop {
            let mut state = self.state.lock();
            while state.bytes < BYTES_MIN && !state.ended {
                self.changed.wait(&mut state);
            }
            if state.ended {
                return Ok(());
            }
            state.bytes = 0;
            drop(state);
            rustix::fs::syncfs(folder)?;
        }
    }
}
