//! `referee`: a worker for tests whose effects are counted from outside; see [`callboard_tests::harness::referee`].

use std::io::Write as _;

use callboard_tests::harness::referee;

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    referee::run(&words, |text| {
        // Whoever doesn't read it doesn't wait for it.
        let _ = writeln!(std::io::stderr(), "{text}");
    })
    .await
}
