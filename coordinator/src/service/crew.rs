//! The workers of a tenant, and the tools that a run of it may use.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use callboard_proto::{Digest, Tenant, ToolName};
use tokio::sync::OnceCell;

use super::refusal::Refusal;
use super::setup::{Connected, Setup};
use super::token::Caller;
use crate::catalogue::{Catalogue, Offer};
use crate::dispatch::DispatchHandle;
use crate::metrics::CoordinatorMetrics;
use crate::run_log::RunLogs;
use crate::traces::Traces;

/// Choices of tools whose catalogue is kept; more begin anew. Chosen, not measured: compiling the
/// schemas of a hundred tools takes longer than a call does.
const CATALOGUES_MAX: usize = 128;

/// The workers of one tenant.
#[derive(Debug)]
pub(crate) struct Crew {
    pub(crate) dispatch: DispatchHandle,
    pub(crate) logs: Arc<RunLogs>,
    pub(crate) traces: Option<Arc<Traces>>,
    pub(crate) metrics: Option<Arc<CoordinatorMetrics>>,
    discovery_timeout: Duration,
    catalogues: Mutex<HashMap<String, Frozen>>,
}

/// A catalogue, and what was on offer when it was frozen.
#[derive(Clone, Debug)]
struct Frozen {
    from: Vec<(Digest, usize)>,
    catalogue: Arc<Catalogue>,
}

impl Crew {
    /// What this caller may use of what is on offer.
    pub(crate) async fn offers(&self, caller: &Caller) -> Result<Vec<Offer>, Refusal> {
        let mut offers = self
            .dispatch
            .offers()
            .await
            .map_err(|_| Refusal::Draining)?;
        offers.retain(|offer| caller.may_use(offer.spec.name.as_str()));
        Ok(offers)
    }

    /// Freezes the tools that a run may use: these, or all that its caller may.
    ///
    /// # Errors
    /// When one of these is forbidden, or offered by nobody within the time for that.
    pub(crate) async fn catalogue(
        &self,
        caller: &Caller,
        only: Option<&[String]>,
    ) -> Result<Arc<Catalogue>, Refusal> {
        if let Some(only) = only {
            if let Some(tool) = only.iter().find(|tool| !caller.may_use(tool)) {
                return Err(Refusal::ToolForbidden { tool: tool.clone() });
            }
            self.await_tools(only.iter().map(String::as_str)).await?;
        }
        let mut offers = self.offers(caller).await?;
        if let Some(only) = only {
            let is_there = |tool: &str| offers.iter().any(|offer| offer.spec.name.as_str() == tool);
            if let Some(tool) = only.iter().find(|tool| !is_there(tool)) {
                return Err(Refusal::ToolUnknown { tool: tool.clone() });
            }
            offers.retain(|offer| only.iter().any(|tool| offer.spec.name.as_str() == tool));
        }
        Ok(self.freeze(offers))
    }

    /// The tools of a message that comes from elsewhere: waits for those that it names, and leaves what
    /// is forbidden out.
    pub(crate) async fn catalogue_for(
        &self,
        caller: &Caller,
        names: impl Iterator<Item = &str>,
    ) -> Result<Arc<Catalogue>, Refusal> {
        self.await_tools(names.filter(|name| caller.may_use(name)))
            .await?;
        Ok(self.freeze(self.offers(caller).await?))
    }

    async fn await_tools(&self, names: impl Iterator<Item = &str>) -> Result<(), Refusal> {
        let wanted: Vec<ToolName> = names.filter_map(|name| ToolName::new(name).ok()).collect();
        if !wanted.is_empty() {
            // Who isn't there in time is told one by one.
            self.dispatch
                .await_tools(wanted, self.discovery_timeout)
                .await
                .map_err(|_| Refusal::Draining)?;
        }
        Ok(())
    }

    fn freeze(&self, offers: Vec<Offer>) -> Arc<Catalogue> {
        let from: Vec<(Digest, usize)> = offers
            .iter()
            .map(|offer| (offer.digest, offer.instances))
            .collect();
        // The tools that may be used name the choice: who may use the same shares it.
        let key: String = offers
            .iter()
            .flat_map(|offer| [offer.spec.name.as_str(), " "])
            .collect();
        let mut kept = self
            .catalogues
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(frozen) = kept.get(&key).filter(|frozen| frozen.from == from) {
            return Arc::clone(&frozen.catalogue);
        }
        let catalogue = Arc::new(Catalogue::freeze(offers));
        for conflict in catalogue.conflicts() {
            tracing::warn!(tool = %conflict.name, chosen = %conflict.chosen.short(), "workers offer different tools of one name");
        }
        for unusable in catalogue.unusable() {
            tracing::warn!("{unusable}");
        }
        if kept.len() >= CATALOGUES_MAX {
            kept.clear();
        }
        let frozen = Frozen {
            from,
            catalogue: Arc::clone(&catalogue),
        };
        kept.insert(key, frozen);
        catalogue
    }
}

/// The workers of all tenants, connected when they are first asked for.
#[derive(Debug)]
pub(crate) struct Crews {
    setup: Arc<dyn Setup>,
    tenants_max: usize,
    crews: Mutex<HashMap<Tenant, Arc<OnceCell<Arc<Crew>>>>>,
}

impl Crews {
    pub(crate) fn new(setup: Arc<dyn Setup>, tenants_max: usize) -> Self {
        Self {
            setup,
            tenants_max,
            crews: Mutex::default(),
        }
    }

    /// The workers of a tenant.
    ///
    /// # Errors
    /// When they can't be connected, or there are too many tenants.
    pub(crate) async fn of(&self, tenant: &Tenant) -> Result<Arc<Crew>, Refusal> {
        let cell = {
            let mut crews = self.crews.lock().unwrap_or_else(PoisonError::into_inner);
            if crews.len() >= self.tenants_max && !crews.contains_key(tenant) {
                // Those that could not be connected make room.
                crews.retain(|_, cell| cell.initialized());
                if crews.len() >= self.tenants_max {
                    return Err(Refusal::Overloaded);
                }
            }
            Arc::clone(crews.entry(tenant.clone()).or_default())
        };
        let crew = cell.get_or_try_init(|| self.connect(tenant)).await?;
        Ok(Arc::clone(crew))
    }

    async fn connect(&self, tenant: &Tenant) -> Result<Arc<Crew>, Refusal> {
        let logs = Arc::new(RunLogs::default());
        let Connected {
            dispatch,
            tools,
            traces,
            metrics,
        } = self.setup.connect(tenant, Arc::clone(&logs)).await?;
        let discovery_timeout = self.setup.defaults().discovery_timeout;
        // Whoever is there is heard before the first run freezes its tools.
        dispatch
            .await_tools(tools, discovery_timeout)
            .await
            .map_err(|_| Refusal::Draining)?;
        Ok(Arc::new(Crew {
            dispatch,
            logs,
            traces,
            metrics,
            discovery_timeout,
            catalogues: Mutex::default(),
        }))
    }

    /// Those that are connected.
    pub(crate) fn connected(&self) -> Vec<(Tenant, Arc<Crew>)> {
        let crews = self.crews.lock().unwrap_or_else(PoisonError::into_inner);
        let mut connected: Vec<(Tenant, Arc<Crew>)> = crews
            .iter()
            .filter_map(|(tenant, cell)| Some((tenant.clone(), Arc::clone(cell.get()?))))
            .collect();
        connected.sort_by(|(one, _), (other, _)| one.cmp(other));
        connected
    }
}
