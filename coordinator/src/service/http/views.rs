//! `/v1/tools` and `/v1/workers`: who is there, and what they offer.

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};

use super::App;
use super::input::Asker;
use super::problem::Reading;
use super::runs::Json;
use crate::service::refusal::Refusal;
use crate::service::views::{ToolRow, WorkerRow, tool_rows, worker_row};

/// List the tools
///
/// Those that workers of the token's tenant offer now and that the token may use.
#[utoipa::path(
    get, path = "/v1/tools", tag = "workers",
    responses((status = 200, description = "The tools, by name", body = Vec<ToolRow>), Reading),
)]
pub(super) async fn tools(
    State(app): State<App>,
    Asker(caller): Asker,
) -> Result<Response, Refusal> {
    let crew = app.runs.crew(&caller).await?;
    let offers = crew.offers(&caller).await?;
    Ok(Json(&tool_rows(&offers)).into_response())
}

/// List the workers
///
/// Those of the token's tenant that are heard now, with the tools that the token may use.
#[utoipa::path(
    get, path = "/v1/workers", tag = "workers",
    responses((status = 200, description = "The workers, by pool and name", body = Vec<WorkerRow>), Reading),
)]
pub(super) async fn workers(
    State(app): State<App>,
    Asker(caller): Asker,
) -> Result<Response, Refusal> {
    let crew = app.runs.crew(&caller).await?;
    let workers = crew.dispatch.workers().await;
    let rows: Vec<WorkerRow> = workers
        .map_err(|_| Refusal::Draining)?
        .iter()
        .map(|(worker, known)| {
            let mut known = known.clone();
            known.retain(|tool| caller.may_use(tool.name.as_str()));
            worker_row(worker, &known)
        })
        .collect();
    Ok(Json(&rows).into_response())
}
