//! `GET /v1/runs/{id}/calls/{turn}/{call}`: what a call was given, and what came of it.

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Response};
use callboard_proto::RunId;

use super::App;
use super::input::Asker;
use super::problem::OfRun;
use super::runs::{Json, target};
use crate::service::peers::{Answer, Ask};
use crate::service::refusal::Refusal;
use crate::service::runs::{CallContent, Kind};

/// Look at what a call was given and answered
///
/// Kept where the service runs with `telemetry.content`, for as long as the run is: at most 32 KiB of each
/// text and 8 MiB of a run.
#[utoipa::path(
    get, path = "/v1/runs/{id}/calls/{turn}/{call}", tag = "runs",
    params(
        ("id" = String, Path, description = "The run"),
        ("turn" = u32, Path, description = "The turn, from 1"),
        ("call" = String, Path, description = "The provider's id of the call"),
    ),
    responses((status = 200, description = "What is known of it so far", body = CallContent), OfRun),
)]
pub(super) async fn content(
    State(app): State<App>,
    Asker(caller): Asker,
    path: Result<Path<(String, String, String)>, PathRejection>,
) -> Result<Response, Refusal> {
    let Path((run, turn, call)) = path.map_err(|_| Refusal::RunUnknown)?;
    let run: RunId = run.parse().map_err(|_| Refusal::RunUnknown)?;
    let turn: u32 = turn.parse().map_err(|_| Refusal::CallUnknown)?;
    let ask = Ask::Content(target(Kind::Run, run), turn, call);
    let answer = app.cluster.of_run(&caller, run, ask).await;
    Ok(Json(&answer.and_then(Answer::content)?).into_response())
}
