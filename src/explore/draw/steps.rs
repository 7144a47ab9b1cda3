//! Draws what the harness does: exams handed over, and what happens to the sender meanwhile.

use std::time::Duration;

use crate::explore::draw::{Deck, at_most_once, set_off_by, stands};
use crate::explore::random::Random;
use crate::plan::WireEvent;
use crate::plan::fault::SetOff;
use crate::scenario::{Act, Case, Delay, On, When, Word};

/// How far the sender's clock jumps: past whatever is done once a day.
const JUMP: Duration = Duration::from_secs(25 * 60 * 60);

impl Deck {
    /// What the harness does, written into `case`.
    pub(crate) fn steps(&self, case: &mut Case, connecting: bool, random: &mut Random) {
        let exams: Vec<Word> = case.exams.iter().map(|exam| exam.name.clone()).collect();
        let mut acts = vec![self.start()];
        // A probe would make the connection that a fault of connecting is for.
        if !connecting && random.chance(20) {
            acts.push(Act::Probe);
        }
        let mut open: Vec<Word> = Vec::new();
        for exam in &exams {
            acts.push(Act::Submit(exam.clone()));
            open.push(exam.clone());
            if random.chance(12) {
                acts.push(Act::Submit(exam.clone()));
            }
            self.meanwhile(&mut acts, &mut open, case, random);
            if random.chance(10) {
                acts.push(Act::Submit(exam.clone()));
            }
            for (percent, act) in [(6, Act::Heal), (15, Act::Probe), (8, Act::Settle)] {
                if random.chance(percent) {
                    acts.push(act);
                }
            }
            if has_gone_wrong(case, &acts, exam) && random.chance(5) {
                acts.extend([Act::Settle, Act::Resend(self.place.clone(), exam.clone())]);
            }
        }
        // A door that opens again is nothing that a watch sees: it might end in that very moment,
        // before whoever was refused could come.
        if case.script.iter().any(stands) {
            acts.extend(exams.iter().cloned().map(Act::Await));
        }
        if random.chance(35) {
            acts.push(Act::Probe);
        }
        acts.push(Act::Settle);
        if random.chance(30) {
            acts.extend([Act::Restart(self.place.clone()), Act::Settle]);
        }
        if random.chance(60) {
            acts.push(Act::Account);
        }
        acts.push(Act::Stop(self.place.clone()));
        case.steps = Some(acts);
    }

    /// What happens to the sender while it has the exams of `open` to send.
    fn meanwhile(
        &self,
        acts: &mut Vec<Act>,
        open: &mut Vec<Word>,
        case: &mut Case,
        random: &mut Random,
    ) {
        let place = || self.place.clone();
        let awaits = open.iter().cloned().map(Act::Await);
        let mut when = self.moment(random);
        if when.at == WireEvent::Accepted && acts.iter().filter(|act| hands_over(act)).count() > 1 {
            when.at = WireEvent::FirstByte; // the connection stands, and there is no other
        }
        let what = random.below(100);
        // Who dies before the answer never meets what the script has for it.
        if (32..62).contains(&what) && is_answered_by_script(case, open) && random.chance(80) {
            acts.extend(awaits.clone());
            when = When { at: WireEvent::AtOnce, ..when };
        }
        match what {
            0..32 => acts.extend(awaits),
            32..58 => {
                acts.push(Act::Kill(place(), when));
                acts.push(self.start());
            }
            58..62 => {
                acts.push(Act::Terminate(place(), when));
                acts.push(self.start());
            }
            62..67 => acts.push(Act::Pause(place(), when, None)),
            67..70 => acts.extend(self.jump(when)),
            70..73 => acts.push(Act::Storm(place(), 3)),
            73..78 => {
                acts.extend([Act::StartSecond(place()), Act::Settle, Act::StopSecond(place())])
            }
            78..84 => acts.push(Act::Restart(place())),
            84..92 => {
                acts.extend(awaits);
                acts.push(Act::Restart(place()));
            }
            _ => return, // the next exam comes while this one is under way
        }
        if when.at == WireEvent::Accepted {
            // Whether a byte had left by then, nobody can say.
            open.iter().for_each(|exam| at_most_once(case, exam));
        }
        open.clear();
    }

    /// Moves the sender's clock; the messages before and after it show that it went.
    fn jump(&self, when: When) -> [Act; 2] {
        let at = match when.at {
            WireEvent::BeforeReply | WireEvent::ReplyBytes(_) | WireEvent::ReplySent => when.at,
            _ => WireEvent::EndOfMessage,
        };
        [Act::Jump(self.place.clone(), When { at, ..when }, JUMP), Act::Probe]
    }

    /// When something is done to the sender.
    fn moment(&self, random: &mut Random) -> When {
        let after = match random.below(100) {
            0..5 => Some(Delay::Time(self.pause(random))),
            5..7 => Some(Delay::BeforeTimeout),
            7..9 => Some(Delay::PastTimeout),
            _ => None,
        };
        When { at: wire_event(random), after }
    }

    fn start(&self) -> Act {
        Act::Start(self.place.clone())
    }
}

fn wire_event(random: &mut Random) -> WireEvent {
    const BARE: [WireEvent; 6] = [
        WireEvent::FirstByte,
        WireEvent::InsideFt1,
        WireEvent::EndOfMessage,
        WireEvent::BeforeReply,
        WireEvent::ReplySent,
        WireEvent::Accepted,
    ];
    match random.below(10) {
        0..7 => random.pick(&BARE).copied().unwrap_or(WireEvent::EndOfMessage),
        7..9 => WireEvent::Bytes(1 + random.below(800)),
        _ => WireEvent::ReplyBytes(1 + random.below(90)),
    }
}

/// Whether it brings the sender something to send.
const fn hands_over(act: &Act) -> bool {
    matches!(act, Act::Submit(_) | Act::Probe)
}

/// Whether the script has an answer for one of these exams.
fn is_answered_by_script(case: &Case, exams: &[Word]) -> bool {
    let is_one = |on: &On| {
        let named =
            on.exam.as_ref().is_none_or(|exam| exams.iter().any(|one| one.text == exam.text));
        named && on.kind.is_none()
    };
    case.script.iter().any(|reaction| {
        let set_off_by = reaction.play.first().map(set_off_by);
        is_one(&reaction.on) && set_off_by == Some(SetOff::Message)
    })
}

/// Whether an operator may have reason to look after the charge of this exam: the EMR does something
/// to it, or the sender was ended by force.
fn has_gone_wrong(case: &Case, acts: &[Act], exam: &Word) -> bool {
    let is_of_another = |on: &On| on.exam.as_ref().is_some_and(|word| word.text != exam.text);
    case.script.iter().any(|reaction| !is_of_another(&reaction.on))
        || acts.iter().any(|act| matches!(act, Act::Kill(..)))
}
