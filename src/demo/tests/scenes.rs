//! Every scene ends as its script expects, on real workers and in real time.

use crate::config::Config;
use crate::demo::scene::{SCENES, SceneName};
use crate::demo::{Interrupt, Measurements, Screen, play};

async fn plays_as_expected(wanted: impl Fn(SceneName) -> bool) -> Measurements {
    let config = Config::default();
    let mut screen = Screen::silent();
    let mut interrupt = Interrupt::new();
    let mut played = Vec::new();
    for scene in SCENES.iter().filter(|scene| wanted(scene.name)) {
        let played_one = play(scene, &config, &mut screen, &mut interrupt);
        played.push(Box::pin(played_one).await.unwrap());
    }
    let measurements = Measurements::new(played);
    let differences: Vec<String> = measurements.differences().collect();
    assert!(differences.is_empty(), "{differences:#?}");
    measurements
}

#[tokio::test]
async fn reads_are_answered_together_and_failures_hide_nothing() {
    let measurements = plays_as_expected(|name| name != SceneName::LostWrite).await;
    assert_eq!(measurements.totals.calls, 16);
    assert!(measurements.totals.saved_percent.unwrap() > 0.0);
}

#[tokio::test]
async fn a_write_whose_worker_is_lost_is_never_made_twice() {
    let measurements = plays_as_expected(|name| name == SceneName::LostWrite).await;
    assert_eq!(measurements.totals.saved_percent, None);
}
