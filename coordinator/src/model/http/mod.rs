//! Models behind HTTP: one client for all formats.
//!
//! [`Format`] writes the question and reads the answer; here it is sent, waited for and asked again.

use std::borrow::Cow;

use ask::{Asker, Trouble};
use callboard_coordinator_core::run::Stop;

use super::{Account, Conversation, Model, ModelAnswer, ModelError, Question};
use crate::provider::repeated::TakenIds;
use crate::provider::{Format, Settings, ToolChoice};
use address::BaseUrl;
use key::Secrets;
use retry::Verdict;

mod address;
mod ask;
mod client;
mod error;
mod key;
mod options;
mod reading;
mod retry;
#[cfg(test)]
mod tests;

pub use address::AddressError;
pub use client::OptionsError;
pub(crate) use client::plain_client;
pub use error::{Again, Failure, ProviderError};
pub use key::{ApiKey, KeyError};
pub use options::{ANTHROPIC_VERSION, Auth, HttpOptions};
pub use retry::RetryLimits;

/// Checks a base URL.
///
/// # Errors
/// When it is none that this format can be asked at.
pub fn check_base_url(format: Format, text: &str) -> Result<(), AddressError> {
    BaseUrl::new(format, Some(text), None).map(drop)
}

/// A provider's model. A clone shares its connections.
#[derive(Clone, Debug)]
pub struct ProviderModel {
    name: String,
    settings: Settings,
    base: BaseUrl,
    asker: Asker,
    options: HttpOptions,
}

impl ProviderModel {
    /// Sets a model up. Nothing is sent yet.
    ///
    /// # Errors
    /// When the options can't be worked with.
    pub fn new(
        format: Format,
        settings: Settings,
        options: HttpOptions,
    ) -> Result<Self, OptionsError> {
        let base = BaseUrl::new(
            format,
            options.base_url.as_deref(),
            options.version.as_deref(),
        )?;
        if let Some(key) = options.key.as_ref().filter(|_| !options.is_key_meant)
            && base.is_open()
        {
            return Err(OptionsError::OpenLine {
                origin: key.origin().to_owned(),
            });
        }
        let asker = Asker {
            format,
            client: client::client(&options, &base)?,
            headers: client::headers(format, &options)?,
            idle_timeout: options.idle_timeout(settings.is_streamed),
            place: format!("{format} at {}", base.as_str()),
            secrets: Secrets::new(secrets(&options)),
        };
        Ok(Self {
            name: format!("{format}/{}", settings.model),
            settings,
            base,
            asker,
            options,
        })
    }

    /// The same provider, asked with other settings over the same connections.
    #[must_use]
    pub fn with_settings(&self, settings: Settings) -> Self {
        let mut model = self.clone();
        model.name = format!("{}/{}", model.asker.format, settings.model);
        model.asker.idle_timeout = model.options.idle_timeout(settings.is_streamed);
        model.settings = settings;
        model
    }

    /// The settings for the next turn. A choice that forces a call holds until calls were answered:
    /// kept up, it would leave the model no way to ever give its answer.
    fn settings(&self, conversation: &Conversation) -> Cow<'_, Settings> {
        let is_forced = match self.settings.tool_choice {
            ToolChoice::Any | ToolChoice::Tool(_) => true,
            ToolChoice::Auto | ToolChoice::None => false,
        };
        let were_answered = conversation
            .exchanges
            .iter()
            .any(|exchange| exchange.report.is_some());
        if is_forced && were_answered {
            Cow::Owned(Settings {
                tool_choice: ToolChoice::Auto,
                ..self.settings.clone()
            })
        } else {
            Cow::Borrowed(&self.settings)
        }
    }

    fn error(&self, trouble: Trouble, attempts: u32, again: Again) -> ModelError {
        let mut error = ProviderError {
            format: self.asker.format,
            model: self.settings.model.clone(),
            base_url: self.base.as_str().to_owned(),
            key_origin: self.options.key.as_ref().map(|key| key.origin().to_owned()),
            attempts,
            request_id: trouble.request_id,
            again,
            failure: trouble.failure,
        };
        let secrets = &self.asker.secrets;
        error.failure.each_text(|text| secrets.scrub(text));
        if let Some(id) = &mut error.request_id {
            secrets.scrub(id);
        }
        ModelError::Provider(Box::new(error))
    }

    /// What to say of an answer that stopped for a reason that isn't known.
    fn account(
        &self,
        reason: &str,
        request_id: Option<String>,
        attempts: u32,
        taken: usize,
    ) -> Account {
        let (format, base) = (self.asker.format, self.base.as_str());
        let mut account = error::unknown_stop(format, base, reason, request_id, attempts, taken);
        self.asker.secrets.scrub(&mut account.message);
        account
    }

    /// What is to be done after a failure. Nobody waits for longer than the run lasts.
    fn again(&self, trouble: &Trouble, attempts: u32, question: &Question) -> Again {
        let retries = &self.options.retries;
        let dice = fastrand::f64();
        let fault = trouble.fault(question.taken());
        match retries.judge(self.asker.format, fault, attempts - 1, dice) {
            Verdict::Again(wait) => match question.time_left() {
                Some(left) if wait >= left => Again::OutOfTime { wait, left },
                Some(_) | None => Again::After(wait),
            },
            Verdict::TooLong(wait) => Again::TooLong(wait),
            Verdict::GiveUp => Again::Never,
        }
    }
}

/// What nobody must see of what is sent.
fn secrets(options: &HttpOptions) -> impl Iterator<Item = &str> {
    let key = options.key.iter().map(ApiKey::secret);
    key.chain(options.headers.iter().map(|(_, value)| value.as_str()))
}

impl Model for ProviderModel {
    fn name(&self) -> &str {
        &self.name
    }

    async fn answer(
        &mut self,
        conversation: &Conversation,
        question: &mut Question,
    ) -> Result<ModelAnswer, ModelError> {
        let format = self.asker.format;
        let request = format.request(&self.settings(conversation), conversation);
        let taken = TakenIds::of(format, conversation);
        let url = self.base.join(&request.path);
        let mut attempts = 0;
        loop {
            let body = request.body.clone();
            let asked = self.asker.ask(url.clone(), body, &taken, question);
            let trouble = match asked.await {
                Ok((mut answer, request_id)) => {
                    question.is_answered();
                    if let Stop::Unknown(reason) = &answer.stop {
                        let taken = question.taken();
                        answer.account =
                            Some(self.account(reason, request_id, attempts + 1, taken));
                    }
                    return Ok(answer);
                }
                Err(trouble) => trouble,
            };
            attempts += 1;
            let again = self.again(&trouble, attempts, question);
            let error = self.error(trouble, attempts, again);
            match again {
                // The run has to settle what was taken before the question may be asked again.
                Again::After(wait) if question.taken() == 0 => {
                    tracing::info!(
                        model = %self.name,
                        attempt = attempts,
                        wait_ms = wait.as_millis(),
                        why = %error,
                        "the model is asked again"
                    );
                    question.is_asked_again(&error);
                    tokio::time::sleep(wait).await;
                }
                Again::After(_) | Again::TooLong(_) | Again::OutOfTime { .. } | Again::Never => {
                    question.came_to_nothing();
                    return Err(error);
                }
            }
        }
    }
}
