//! What a process may see and do: Landlock for files and TCP, seccomp for system calls.
//!
//! A control that is configured and that this kernel doesn't have is an error, never left out.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use landlock::{
    ABI, Access as _, AccessFs, AccessNet, CompatLevel, Compatible as _, PathBeneath, PathFd,
    Ruleset, RulesetAttr as _, RulesetCreated, RulesetCreatedAttr as _, Scope,
};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule,
};
use serde::{Deserialize, Serialize};

/// What every program needs to be loaded and to run at all; those that aren't there are left out.
const SYSTEM_READ: [&str; 15] = [
    "/usr",
    "/lib",
    "/lib32",
    "/lib64",
    "/bin",
    "/sbin",
    "/etc/alternatives",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/localtime",
    "/etc/passwd",
    "/etc/group",
    "/etc/nsswitch.conf",
    "/dev/urandom",
    "/dev/zero",
];
/// What a program with network needs besides.
const NETWORK_READ: [&str; 5] = [
    "/etc/resolv.conf",
    "/etc/hosts",
    "/etc/services",
    "/etc/ssl",
    "/etc/ca-certificates",
];

/// System calls that no tool needs: they reach into other processes, the kernel or the mount table.
const REFUSED: [i64; 44] = [
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_pidfd_getfd,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_move_mount,
    libc::SYS_open_tree,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_mount_setattr,
    libc::SYS_chroot,
    libc::SYS_open_by_handle_at,
    libc::SYS_fanotify_init,
    libc::SYS_quotactl,
    libc::SYS_quotactl_fd,
    libc::SYS_acct,
    libc::SYS_syslog,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_clock_adjtime,
    libc::SYS_adjtimex,
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
    libc::SYS_setns,
    libc::SYS_unshare,
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_io_uring_setup,
    libc::SYS_keyctl,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_kexec_load,
    libc::SYS_kexec_file_load,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_reboot,
    libc::SYS_swapon,
    libc::SYS_swapoff,
];

/// What `clone` makes namespaces of, in which a process would have rights that it hasn't here. Without the
/// one for time, whose bit is part of the signal there; `clone3` is refused as a whole.
const NAMESPACES: [libc::c_int; 7] = [
    libc::CLONE_NEWUSER,
    libc::CLONE_NEWNS,
    libc::CLONE_NEWPID,
    libc::CLONE_NEWNET,
    libc::CLONE_NEWIPC,
    libc::CLONE_NEWUTS,
    libc::CLONE_NEWCGROUP,
];

/// What a process may see and do besides its own scratch folder and the system's programs and libraries.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Sandbox {
    /// Files and folders that it may read and execute.
    pub read: Vec<PathBuf>,
    /// Files and folders that it may also write.
    pub write: Vec<PathBuf>,
    /// Whether it may use the network.
    pub network: bool,
}

/// Why a sandbox can't be had.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// A path can't be opened.
    #[error("the sandbox's path {path} can't be opened: {cause}")]
    Path {
        /// The path.
        path: PathBuf,
        /// Why.
        cause: String,
    },
    /// The kernel lacks what is asked for.
    #[error(
        "this kernel can't enforce the sandbox: {0}; remove [tool.sandbox], or run the worker on Linux 6.7 or newer with Landlock"
    )]
    Landlock(String),
    /// The filter of system calls can't be applied.
    #[error(
        "this kernel can't filter system calls: {0}; remove [tool.sandbox], or run the worker where seccomp is allowed"
    )]
    Seccomp(String),
}

impl Sandbox {
    /// The first of its paths that isn't there: nothing could be confined by it.
    pub(crate) fn missing(&self) -> Option<&Path> {
        let mut paths = self.read.iter().chain(&self.write);
        paths.find(|path| !path.exists()).map(PathBuf::as_path)
    }

    /// Confines the calling thread and what it starts, for good.
    ///
    /// # Errors
    /// When a control can't be applied; the thread must then start nothing.
    pub(super) fn enter(&self, scratch: &Path) -> Result<(), SandboxError> {
        self.landlock(scratch)?;
        // Its flags are behind a pointer, where no filter sees them. As on a kernel without it: libraries then
        // take `clone`.
        let clone3 = BTreeMap::from([(libc::SYS_clone3, Vec::new())]);
        for (rules, refusal) in [(self.rules()?, libc::EPERM), (clone3, libc::ENOSYS)] {
            let filter = filter(rules, refusal)?;
            seccompiler::apply_filter(&filter)
                .map_err(|error| SandboxError::Seccomp(error.to_string()))?;
        }
        Ok(())
    }

    fn landlock(&self, scratch: &Path) -> Result<(), SandboxError> {
        let unsupported = |error: landlock::RulesetError| SandboxError::Landlock(error.to_string());
        // Linux 6.7 (ABI 4) restricts TCP too; what is newer is taken where it is there.
        let mut ruleset = Ruleset::default()
            .set_compatibility(CompatLevel::HardRequirement)
            .handle_access(AccessFs::from_all(ABI::V4))
            .map_err(unsupported)?;
        if !self.network {
            ruleset = ruleset
                .handle_access(AccessNet::from_all(ABI::V4))
                .map_err(unsupported)?;
        }
        let mut ruleset = ruleset
            .set_compatibility(CompatLevel::BestEffort)
            .scope(Scope::from_all(ABI::V6))
            .map_err(unsupported)?
            .create()
            .map_err(unsupported)?
            .set_compatibility(CompatLevel::HardRequirement);
        let read = AccessFs::from_read(ABI::V4);
        let all = AccessFs::from_all(ABI::V4);
        let network = NETWORK_READ.iter().filter(|_| self.network);
        for path in SYSTEM_READ.iter().chain(network) {
            if let Ok(fd) = PathFd::new(path) {
                ruleset = allow(ruleset, Path::new(path), fd, read)?;
            }
        }
        let paths = (self.read.iter().map(|path| (path.as_path(), read)))
            .chain(self.write.iter().map(|path| (path.as_path(), all)))
            .chain([(scratch, all), (Path::new("/dev/null"), all)]);
        for (path, access) in paths {
            let fd = PathFd::new(path).map_err(|error| SandboxError::Path {
                path: path.to_owned(),
                cause: error.to_string(),
            })?;
            ruleset = allow(ruleset, path, fd, access)?;
        }
        ruleset.restrict_self().map_err(unsupported)?;
        Ok(())
    }

    fn rules(&self) -> Result<BTreeMap<i64, Vec<SeccompRule>>, SandboxError> {
        let broken = |error: seccompiler::BackendError| SandboxError::Seccomp(error.to_string());
        let mut rules: BTreeMap<i64, Vec<SeccompRule>> =
            REFUSED.into_iter().map(|call| (call, Vec::new())).collect();
        if !self.network {
            // Local ones too: Landlock knows no path of theirs, and behind some is the whole machine.
            // Pairs, which lead to nobody else, are made by another call.
            rules.insert(libc::SYS_socket, Vec::new());
        }
        let mut with_namespace = Vec::new();
        for flag in NAMESPACES {
            let flag = u64::from(flag.unsigned_abs());
            let has_it = SeccompCmpOp::MaskedEq(flag);
            let condition = SeccompCondition::new(0, SeccompCmpArgLen::Dword, has_it, flag);
            let rule = SeccompRule::new(vec![condition.map_err(broken)?]);
            with_namespace.push(rule.map_err(broken)?);
        }
        rules.insert(libc::SYS_clone, with_namespace);
        Ok(rules)
    }
}

fn filter(
    rules: BTreeMap<i64, Vec<SeccompRule>>,
    refusal: libc::c_int,
) -> Result<BpfProgram, SandboxError> {
    let broken = |error: seccompiler::BackendError| SandboxError::Seccomp(error.to_string());
    let target = std::env::consts::ARCH.try_into().map_err(broken)?;
    let refusal = SeccompAction::Errno(refusal.unsigned_abs());
    SeccompFilter::new(rules, SeccompAction::Allow, refusal, target)
        .and_then(TryInto::try_into)
        .map_err(broken)
}

/// What of a sandbox this kernel has.
#[derive(Debug)]
pub struct SandboxSupport {
    /// The newest version of Landlock's interface that works here; 0 for none. Files need 1, TCP needs 4.
    pub landlock: u32,
    /// Whether the tightest sandbox can be entered, and what is missing if not. It sets
    /// `no_new_privs`, too.
    pub tightest: Result<(), SandboxError>,
}

impl SandboxSupport {
    /// Tries it: in a thread of its own that is confined and ends.
    ///
    /// # Errors
    /// When a thread or a temporary folder can't be had.
    pub fn of_this_kernel() -> std::io::Result<Self> {
        let scratch = tempfile::tempdir()?;
        let folder = scratch.path().to_owned();
        let confined = std::thread::Builder::new()
            .name("sandbox-probe".to_owned())
            .spawn(move || Sandbox::default().enter(&folder))?;
        let tightest = confined
            .join()
            .unwrap_or_else(|_| Err(SandboxError::Landlock("the probe panicked".to_owned())));
        let landlock = (1..=6).take_while(|version| has_landlock(*version)).last();
        Ok(Self {
            landlock: landlock.unwrap_or(0),
            tightest,
        })
    }
}

fn has_landlock(version: u32) -> bool {
    let ruleset = || Ruleset::default().set_compatibility(CompatLevel::HardRequirement);
    let created = match version {
        1 => ruleset().handle_access(AccessFs::from_all(ABI::V1)),
        2 => ruleset().handle_access(AccessFs::from_all(ABI::V2)),
        3 => ruleset().handle_access(AccessFs::from_all(ABI::V3)),
        4 => ruleset().handle_access(AccessNet::from_all(ABI::V4)),
        5 => ruleset().handle_access(AccessFs::from_all(ABI::V5)),
        _ => ruleset().scope(Scope::from_all(ABI::V6)),
    };
    created.and_then(Ruleset::create).is_ok()
}

fn allow(
    ruleset: RulesetCreated,
    path: &Path,
    fd: PathFd,
    access: landlock::BitFlags<AccessFs>,
) -> Result<RulesetCreated, SandboxError> {
    // A folder's rights don't apply to a file.
    let access = if path.is_dir() {
        access
    } else {
        access & AccessFs::from_file(ABI::V4)
    };
    ruleset
        .add_rule(PathBeneath::new(fd, access))
        .map_err(|error| SandboxError::Landlock(error.to_string()))
}
