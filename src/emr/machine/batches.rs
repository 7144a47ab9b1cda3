//! Messages that come as a batch: each is looked up in the script like any other, and the answers go
//! back as a batch too.
//!
//! What the script has for one of them and is no plain answer (silence in the middle of a reply, a
//! close, a frame that is none) happens to the whole batch: there is one line to play it on.

use std::borrow::Cow;
use std::collections::VecDeque;

use crate::emr::faults::action::{Action, framed};
use crate::emr::machine::connection::Job;
use crate::emr::machine::turn::Turn;
use crate::history::ConnectionId;
use crate::hl7::{BatchFile, Message};
use crate::mllp;

impl Turn<'_, '_> {
    /// Answers a frame that holds a batch.
    pub(crate) fn batch(&mut self, id: ConnectionId, seq: u64, payload: &[u8]) {
        let Some(file) = BatchFile::read(payload) else { return };
        let mut jobs: Vec<(usize, Job)> = Vec::new();
        for (number, batch) in file.batches.iter().enumerate() {
            for range in &batch.messages {
                let job = self.job(id, seq, &payload[range.clone()]);
                jobs.extend(job.map(|job| (number, job)));
            }
        }
        if let Some(at) = jobs.iter().position(|(_, job)| answers(job).is_none()) {
            let (_, odd) = jobs.remove(at);
            self.answer_in_turn(id, odd);
            for (_, other) in jobs {
                self.drop_job(Some(id), other, OTHERWISE);
            }
            return;
        }
        self.answer_together(id, seq, &file, jobs);
    }

    /// Answers a batch in as many batches as its messages have answers at the most: with two where
    /// receipt is confirmed first.
    fn answer_together(
        &mut self,
        id: ConnectionId,
        seq: u64,
        file: &BatchFile<'_>,
        jobs: Vec<(usize, Job)>,
    ) {
        let all: Vec<(usize, Vec<Vec<u8>>)> =
            jobs.iter().map(|(number, job)| (*number, answers(job).unwrap_or_default())).collect();
        let most = all.iter().map(|(_, answers)| answers.len()).max().unwrap_or(0);
        let mut actions = Vec::new();
        for round in 0..most {
            let mut batches = vec![Vec::new(); file.batches.len()];
            for (number, answers) in &all {
                batches[*number].extend(answers.get(round).cloned());
            }
            let nothing = Message::read(b"");
            let whole =
                self.with_scene(id, &nothing, 1, |_, scene| scene.envelope().to(file, &batches));
            actions.push(Action::Write(mllp::encode(&whole)));
        }
        let scripted = jobs.iter().find(|(_, job)| job.behaviour.is_some());
        let name = scripted.map_or(Cow::Borrowed("answer/accept"), |(_, job)| job.name.clone());
        let mut reply = Job::new(name, actions);
        reply.to = Some(seq);
        self.answer_in_turn(id, reply);
        // What each of them was about is done once the reply has left.
        for ((_, mut job), (_, answers)) in jobs.into_iter().zip(all) {
            job.actions = VecDeque::new();
            job.acted = !answers.is_empty();
            self.queue(id, job);
        }
    }
}

/// The payloads that a job writes, if it does nothing but write whole messages.
fn answers(job: &Job) -> Option<Vec<Vec<u8>>> {
    let payload = |action: &Action| {
        let Action::Write(bytes) = action else { return None };
        let payload = framed(bytes).filter(|payload| payload.starts_with(b"MSH"))?;
        Some(payload.to_vec())
    };
    job.actions.iter().map(payload).collect()
}

const OTHERWISE: &str = "another message of its batch was answered otherwise";
