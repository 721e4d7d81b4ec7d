//! The folder: one file for each user's seed, by tenant.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use callboard_proto::{Pool, Role, Tenant};
use nkeys::{KeyPair, KeyPairType};
use serde::Serialize;

use crate::exit::bad_input;

/// The ending of a file with a seed.
const SEED: &str = "nk";
/// The ending of a file with the public key from before the last rotation.
const PREVIOUS: &str = "previous";
/// The beginning of the names of workers' files; the pool follows.
const WORKER: &str = "worker-";

/// A user that the server knows.
#[derive(Clone, Debug)]
pub(super) struct Key {
    pub(super) tenant: Tenant,
    pub(super) role: Role,
    /// Its public key (`U…`).
    pub(super) public: String,
    /// The public key from before the last rotation, while it is still taken.
    pub(super) previous: Option<String>,
    /// The file with its seed.
    pub(super) file: PathBuf,
    pub(super) state: State,
}

/// What became of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum State {
    /// It was there.
    Kept,
    /// It is new.
    Made,
    /// It took the place of another, which is still taken.
    Rotated,
}

impl State {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Kept => "kept",
            Self::Made => "made",
            Self::Rotated => "rotated",
        }
    }
}

/// The folder with all keys.
#[derive(Debug)]
pub(super) struct Folder(PathBuf);

impl Folder {
    /// Makes the folder, for its owner alone, if it isn't there.
    pub(super) fn open(path: &Path) -> anyhow::Result<Self> {
        make_folder(path)?;
        Ok(Self(path.to_owned()))
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Whether there are keys for this tenant.
    pub(super) fn knows(&self, tenant: &Tenant) -> bool {
        self.0.join(tenant.as_str()).is_dir()
    }

    /// Makes what is missing for a tenant; gives the keys of all tenants, in order.
    pub(super) fn make(
        &self,
        tenant: &Tenant,
        pools: &[Pool],
        rotate: bool,
        forget_previous: bool,
    ) -> anyhow::Result<Vec<Key>> {
        let folder = self.0.join(tenant.as_str());
        if rotate || forget_previous {
            self.check_rotation(tenant, rotate)?;
        }
        make_folder(&folder)?;
        let mut roles = vec![Role::Coordinator, Role::Viewer, Role::Operator];
        roles.extend(pools.iter().cloned().map(Role::Worker));
        if rotate || forget_previous {
            roles.extend(roles_of(&folder)?);
        }
        roles.sort();
        roles.dedup();
        let mut states = Vec::new();
        for role in roles {
            let file = file_of(&folder, &role);
            let previous = file.with_extension(PREVIOUS);
            let state = if !file.exists() {
                write_seed(&file)?;
                State::Made
            } else if rotate {
                let old = public_key(&file)?;
                write(&previous, &old)?;
                fs::remove_file(&file).with_context(|| cannot("replaced", &file))?;
                write_seed(&file)?;
                State::Rotated
            } else {
                State::Kept
            };
            if forget_previous && previous.exists() {
                fs::remove_file(&previous).with_context(|| cannot("removed", &previous))?;
            }
            states.push((role, state));
        }
        let mut keys = self.read()?;
        for key in keys.iter_mut().filter(|key| key.tenant == *tenant) {
            if let Some((_, state)) = states.iter().find(|(role, _)| *role == key.role) {
                key.state = *state;
            }
        }
        Ok(keys)
    }

    /// Whether the keys of a tenant can be rotated, or those before them forgotten.
    fn check_rotation(&self, tenant: &Tenant, rotate: bool) -> anyhow::Result<()> {
        if !self.knows(tenant) {
            return Err(bad_input(anyhow::anyhow!(
                "{} holds no keys of the tenant {tenant}; name another with --tenant",
                self.0.display()
            )));
        }
        let folder = self.0.join(tenant.as_str());
        for role in roles_of(&folder)?.iter().filter(|_| rotate) {
            let previous = file_of(&folder, role).with_extension(PREVIOUS);
            if previous.exists() {
                return Err(bad_input(anyhow::anyhow!(
                    "{} is still taken beside the newer key, and a second rotation would cut off who uses it; \
                     when all have the newer ones: --forget-previous, then --rotate",
                    previous.display()
                )));
            }
        }
        Ok(())
    }

    /// All keys that there are.
    fn read(&self) -> anyhow::Result<Vec<Key>> {
        let mut keys = Vec::new();
        for name in names(&self.0)? {
            let folder = self.0.join(&name);
            let Ok(tenant) = Tenant::new(name.as_str()) else {
                continue;
            };
            if !folder.is_dir() {
                continue;
            }
            for role in roles_of(&folder)? {
                let file = file_of(&folder, &role);
                keys.push(Key {
                    tenant: tenant.clone(),
                    role,
                    public: public_key(&file)?,
                    previous: fs::read_to_string(file.with_extension(PREVIOUS))
                        .ok()
                        .map(|text| text.trim().to_owned())
                        .filter(|key| KeyPair::from_public_key(key).is_ok()),
                    file,
                    state: State::Kept,
                });
            }
        }
        keys.sort_by(|a, b| (&a.tenant, &a.role).cmp(&(&b.tenant, &b.role)));
        Ok(keys)
    }
}

fn file_of(folder: &Path, role: &Role) -> PathBuf {
    let name = match role {
        Role::Coordinator => "coordinator".to_owned(),
        Role::Viewer => "viewer".to_owned(),
        Role::Operator => "operator".to_owned(),
        Role::Worker(pool) => format!("{WORKER}{pool}"),
    };
    folder.join(format!("{name}.{SEED}"))
}

/// The roles whose seeds stand in a tenant's folder.
fn roles_of(folder: &Path) -> anyhow::Result<Vec<Role>> {
    let names = names(folder)?;
    let roles = names.iter().filter_map(|name| {
        let name = name.strip_suffix(SEED)?.strip_suffix('.')?;
        match name {
            "coordinator" => Some(Role::Coordinator),
            "viewer" => Some(Role::Viewer),
            "operator" => Some(Role::Operator),
            _ => Some(Role::Worker(Pool::new(name.strip_prefix(WORKER)?).ok()?)),
        }
    });
    Ok(roles.collect())
}

fn names(folder: &Path) -> anyhow::Result<Vec<String>> {
    let entries = fs::read_dir(folder).with_context(|| cannot("read", folder))?;
    let mut names = Vec::new();
    for entry in entries {
        let name = entry.with_context(|| cannot("read", folder))?.file_name();
        names.extend(name.into_string());
    }
    Ok(names)
}

fn public_key(file: &Path) -> anyhow::Result<String> {
    let seed = fs::read_to_string(file).with_context(|| cannot("read", file))?;
    match KeyPair::from_seed(seed.trim()) {
        Ok(pair) if pair.key_pair_type() == KeyPairType::User => Ok(pair.public_key()),
        Ok(_) | Err(_) => Err(bad_input(anyhow::anyhow!(
            "{} holds no seed of a user (SU…); remove it, and a new one is made in its place",
            file.display()
        ))),
    }
}

fn write_seed(file: &Path) -> anyhow::Result<()> {
    let seed = KeyPair::new_user()
        .seed()
        .context("a new key has a seed, and the library gives none")?;
    write(file, &seed)
}

/// Writes a new file for its owner alone, whole or not at all.
pub(super) fn write(file: &Path, text: &str) -> anyhow::Result<()> {
    let text = format!("{}\n", text.trim_end());
    let draft = file.with_extension("draft");
    let written = write_draft(&draft, &text).and_then(|()| fs::rename(&draft, file));
    written.with_context(|| cannot("written", file))
}

fn write_draft(draft: &Path, text: &str) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(draft)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

fn make_folder(path: &Path) -> anyhow::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).with_context(|| cannot("made", path))
}

fn cannot(what: &str, path: &Path) -> String {
    format!("{} can't be {what}", path.display())
}
