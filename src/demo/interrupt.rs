//! Ctrl-C, listened for across all scenes.

use std::future::{Future, pending};
use std::io;
use std::pin::Pin;

use crate::signals;

/// Whether the demo was asked to end.
pub(crate) struct Interrupt {
    asked: Option<Pin<Box<dyn Future<Output = io::Result<()>>>>>,
}

impl Interrupt {
    pub(crate) fn new() -> Self {
        Self {
            asked: Some(Box::pin(signals::asked_to_end())),
        }
    }

    /// Whether it came already.
    pub(crate) fn came(&self) -> bool {
        self.asked.is_none()
    }

    /// Waits for it; for ever where it came already.
    ///
    /// # Cancel safety
    /// Cancel safe: a signal that comes between two waits is seen by the second.
    pub(super) async fn wait(&mut self) -> io::Result<()> {
        match &mut self.asked {
            Some(asked) => {
                let came = asked.await;
                self.asked = None;
                came
            }
            None => pending().await,
        }
    }
}
