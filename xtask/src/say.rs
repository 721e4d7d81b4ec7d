//! What the tasks say to the person or the log that started them.

/// Prints one line of progress or result to standard error, in order with what cargo prints there.
#[expect(
    clippy::print_stderr,
    reason = "telling what happens is this program's output"
)]
pub(crate) fn line(text: &str) {
    eprintln!("{text}");
}
