//! A sender that is started once and serves all cases of a run, one after the other.
//!
//! Its folder, its address of the EMR and the port that it is fed at stay as they are. No case ends
//! it: whoever made it does, by dropping it.

use std::cell::RefCell;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::process::ExitStatus;
use std::rc::Rc;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::net::unix::pipe;
use tokio::process::Child;

use crate::plan::{Lifetime, Plan};
use crate::run::drive::stop_signal;
use crate::run::real::descendants::left_behind;
use crate::run::real::sender::folder::Folder;
use crate::run::real::sender::orphans;
use crate::run::real::sender::process::{Process, StartError};
use crate::run::real::sender::ready::ReadyError;
use crate::run::real::wire::doors::Endpoint;
use crate::run::real::{Place, RunError};

/// The sender, or why it does not run.
pub struct Kept {
    /// Where the EMR listens in every case.
    pub(crate) addresses: Vec<SocketAddr>,
    process: RefCell<Process>,
    child: RefCell<Result<Child, KeptError>>,
}

/// Why a sender that serves all cases does not run.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeptError {
    /// It did not begin.
    #[error(transparent)]
    Start(#[from] StartError),
    /// It was never ready.
    #[error(transparent)]
    Ready(#[from] ReadyError),
    /// It is over before the cases are.
    #[error("it serves all cases, and it has ended: {0}")]
    Ended(ExitStatus),
    /// Nobody can say whether it runs.
    #[error("{0}")]
    Unseen(#[source] io::Error),
    /// It has served, and we have ended it.
    #[error("it was ended")]
    Over,
}

impl fmt::Debug for Kept {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Kept").field("addresses", &self.addresses).finish_non_exhaustive()
    }
}

impl Kept {
    /// Starts the sender of `plan`, if it is one that serves a whole run, and waits until it is
    /// ready. What goes wrong with it is told to every case. Must run inside a local task set.
    ///
    /// # Errors
    /// Only what this machine does not let us do.
    pub async fn start(plan: &Plan, place: &Place) -> Result<Option<Rc<Self>>, RunError> {
        if plan.sender.driving.life != Lifetime::Run {
            return Ok(None);
        }
        let folder = Folder::new(plan).map_err(RunError::Folder)?;
        let address = place.address(0);
        let endpoint =
            Endpoint::bind(address, None).map_err(|error| RunError::Listen { address, error })?;
        let addresses = vec![endpoint.address()];
        drop(endpoint);
        let mut process = Process::new(plan, place.executable.clone(), folder, &addresses);
        let mut child = process.start_alone().map_err(KeptError::from);
        if let Ok(started) = &mut child
            && let Err(why) = process.ready_alone().await
        {
            let _ = started.start_kill();
            child = Err(why.into());
        }
        let (process, child) = (RefCell::new(process), RefCell::new(child));
        Ok(Some(Rc::new(Self { addresses, process, child })))
    }

    /// Why it does not run, if it does not.
    pub(crate) fn failure(&self) -> Option<String> {
        match &mut *self.child.borrow_mut() {
            Err(why) => Some(why.to_string()),
            Ok(child) => match child.try_wait() {
                Ok(None) => None,
                Ok(Some(status)) => Some(KeptError::Ended(status).to_string()),
                Err(error) => Some(KeptError::Unseen(error).to_string()),
            },
        }
    }

    /// The leader of its process group.
    pub(crate) fn leader(&self) -> Option<Pid> {
        self.process.borrow().leader()
    }

    /// Where it is fed and keeps its state, for the case that is run with it.
    pub(crate) fn lend(&self, case: &mut Process) -> Option<Rc<pipe::Sender>> {
        let process = self.process.borrow();
        case.take_places(&process);
        case.listen_to(&process);
        process.input()
    }

    /// Asks it to stop, and waits for as long as it may take; whatever is left is killed.
    pub async fn end(&self, limit: Duration) {
        let child = std::mem::replace(&mut *self.child.borrow_mut(), Err(KeptError::Over));
        let Ok(mut child) = child else { return };
        let leader = self.process.borrow().leader();
        let asked = stop_signal(self.process.borrow().stop()).zip(leader);
        match asked {
            Some((signal, leader)) => drop(kill_process(leader, signal)),
            None => self.process.borrow_mut().close_input(),
        }
        let _ = tokio::time::timeout(limit, child.wait()).await;
        let sought = self.process.borrow().all_sought();
        self.process.borrow_mut().end_for_good();
        let _ = child.wait().await; // it was killed if it had not gone
        orphans::forget(leader);
        for process in sought.iter().flat_map(|(_, sought)| left_behind(sought)) {
            let _ = kill_process(process, Signal::KILL);
        }
        orphans::end_children();
    }
}
