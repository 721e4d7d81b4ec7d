//! `callboard token`: makes bearer tokens for the service.

use callboard_coordinator::service::token;
use serde::Serialize;

use crate::cli::Token;
use crate::exit::{BadInput, Exit};
use crate::output;

/// What `--json` prints.
#[derive(Serialize)]
struct New<'a> {
    name: &'a str,
    token: String,
    sha256: String,
}

pub(crate) fn run(flags: &Token) -> anyhow::Result<Exit> {
    let Token::New { name, json } = flags;
    let is_name = (1..=64).contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\'));
    if !is_name {
        return Err(BadInput(
            "a token's name has 1 to 64 printable ASCII characters, none of them a quote or backslash"
                .to_owned(),
        )
        .into());
    }
    let (token, sha256) = token::mint();
    if *json {
        output::json(&New {
            name,
            token,
            sha256,
        })?;
    } else {
        output::line(&token)?;
        output::aside(&format!(
            "[[token]]\nname = \"{name}\"\nsha256 = \"{sha256}\""
        ));
    }
    Ok(Exit::Done)
}
