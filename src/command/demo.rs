//! `callboard demo`: plays the scenes, then says what they cost.

use crate::cli::Demo;
use crate::config::Config;
use crate::demo::{Interrupt, Measurements, Scene, Screen, play, table};
use crate::exit::Exit;
use crate::output;

pub(crate) async fn run(flags: Demo, config: &Config) -> anyhow::Result<Exit> {
    if config.nats.url.is_some() {
        output::note(
            "callboard: the demo plays on workers in this process; the server is not used",
        );
    }
    let mut screen = Screen::new(flags.plain, flags.json);
    let mut interrupt = Interrupt::new();
    let mut played = Vec::new();
    screen.welcome()?;
    for scene in Scene::chosen(&flags.only) {
        // On the heap: a scene is much to hold beside everything else.
        played.push(Box::pin(play(scene, config, &mut screen, &mut interrupt)).await?);
        if interrupt.came() {
            break;
        }
    }
    let measurements = Measurements::new(played);
    if flags.json {
        output::json(&measurements)?;
    } else {
        let table = table(&measurements, screen.width());
        screen.text(&format!("\n{table}"))?;
    }
    if interrupt.came() {
        return Ok(Exit::Interrupted);
    }
    let mut exit = Exit::Done;
    for difference in measurements.differences() {
        output::note(&format!("callboard: not as expected: {difference}"));
        exit = Exit::Internal;
    }
    Ok(exit)
}
