//! What the measurements work on: the shipped scenarios, and a charge message.

#![allow(dead_code, reason = "each measurement takes what it needs")]

use std::collections::BTreeMap;
use std::path::Path;

use chargeproof::mapping::{shipped, shipped_names};
use chargeproof::mllp;
use chargeproof::plan::{Origin, Plan, Step};
use chargeproof::planning::{Choices, Library, expand};
use chargeproof::scenario::{Scenario, SenderFile};
use chargeproof::yaml::Source;

/// The shipped scenarios and what they name.
pub(crate) struct Shelf {
    scenarios: BTreeMap<String, Source>,
    snapshots: BTreeMap<String, Source>,
    sender: SenderFile,
}

impl Shelf {
    /// Reads them from the source tree.
    pub(crate) fn open() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let sender = std::fs::read_to_string(root.join("senders/reference.yaml"))
            .expect("invariant: the sender file is in the source tree");
        let sender = SenderFile::read(&Source::new("senders/reference.yaml", sender));
        Self {
            scenarios: files(&root.join("scenarios"), "yaml"),
            snapshots: files(&root.join("snapshots"), "snap"),
            sender: sender.expect("invariant: the shipped sender file is sound"),
        }
    }

    /// The sender file of the reference sender.
    pub(crate) const fn sender(&self) -> &SenderFile {
        &self.sender
    }

    /// The plans of the default run.
    pub(crate) fn plans(&self) -> Vec<Plan> {
        let scenarios = self.scenarios.iter().filter(|(id, _)| !id.starts_with("exams/"));
        scenarios.flat_map(|(id, source)| self.expand(id, source)).collect()
    }

    /// The plans of one scenario.
    pub(crate) fn expand(&self, id: &str, source: &Source) -> Vec<Plan> {
        let scenario = Scenario::read(source).expect("invariant: a shipped scenario is sound");
        expand(&scenario, id, self, &self.sender, &Choices::default())
            .expect("invariant: a shipped scenario makes sense")
    }
}

impl Library for Shelf {
    fn mapping(&self, name: &str) -> Option<Source> {
        shipped(name)
    }

    fn exam(&self, name: &str) -> Option<Source> {
        self.scenarios.get(&format!("exams/{name}")).cloned()
    }

    fn snapshot(&self, name: &str) -> Option<String> {
        let text = &self.snapshots.get(name)?.text;
        let below = text.strip_prefix("---\n").and_then(|rest| rest.split_once("\n---\n"));
        Some(below.map_or(&**text, |(_, content)| content).trim_end_matches('\n').to_owned())
    }

    fn mappings(&self) -> Vec<String> {
        shipped_names()
    }

    fn exams(&self) -> Vec<String> {
        self.scenarios
            .keys()
            .filter_map(|id| id.strip_prefix("exams/"))
            .map(str::to_owned)
            .collect()
    }
}

/// A plan that knows no exam, as for a recording of an EMR from the field.
pub(crate) fn plan_of_the_field() -> Plan {
    let source = Source::new("field", "title: From the field\nexams: [john-doe]\n");
    let mut plan = Shelf::open().expand("field", &source).remove(0);
    plan.exams = Default::default();
    plan.expect = Default::default();
    plan.steps = vec![Step::Hold];
    plan.origin = Origin::Captured;
    plan
}

/// A charge with `number` as its control id and its order, framed.
pub(crate) fn frame(number: u64) -> Vec<u8> {
    mllp::encode(CHARGE.replace("$$$$$$$$$$", &format!("{number:010}")).as_bytes())
}

/// The acceptance of the charge with this number, framed.
pub(crate) fn answer(number: u64) -> Vec<u8> {
    mllp::encode(ANSWER.replace("$$$$$$$$$$", &format!("{number:010}")).as_bytes())
}

fn files(folder: &Path, ending: &str) -> BTreeMap<String, Source> {
    let mut found = BTreeMap::new();
    let mut waiting = vec![folder.to_owned()];
    while let Some(place) = waiting.pop() {
        for entry in std::fs::read_dir(&place).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                waiting.push(path);
            } else if path.extension().is_some_and(|one| one == ending) {
                let name = path.strip_prefix(folder).unwrap_or(&path).with_extension("");
                let text = std::fs::read_to_string(&path).unwrap_or_default();
                let name = name.to_string_lossy().into_owned();
                found.insert(name.clone(), Source::new(name, text));
            }
        }
    }
    found
}

/// A charge with a professional and a technical part, as it is sent.
const CHARGE: &str = "MSH|^~\\&|IRIS|IRIS|EPIC|CLINIC|20170410151351||DFT^P03|$$$$$$$$$$|P|2.4\r\
EVN|P03|20170410151351\r\
PID||ITCC20170410^^^^MRN|ITCC20170410||DOE^JOHN||19581012|M||||||||||1234\r\
PV1|1|O|POC01||||GR0001^DOE^JANE^^^MD^MD^^^^^^NPI|OP0001^DOE^JACK^^^MD^MD^^^^^^NPI|||||||||\
GR0001^DOE^JANE^^^MD^MD^^^^^^NPI||1234|||||||||||||||||||||||||20170410145803|20170410145803\r\
FT1|1||$$$$$$$$$$|20170410145901|20170410151351|CG|92250^Fundus photography with interpretation and report^CPT\
||ITCC20170410|1|||POC01||IRIS|POC01|||E11.41^Type 2 diabetes mellitus with diabetic mononeuropathy^ICD-10-CM\
~H35.81^Retinal edema^ICD-10-CM|GR0001^DOE^JANE^^^MD^MD^^^^^^NPI|OP0001^DOE^JACK^^^MD^MD^^^^^^NPI\
||2017041006^EPIC||92250^Fundus photography with interpretation and report^CPT|26\r\
FT1|2||$$$$$$$$$$|20170410145803|20170410151351|CG|92000035^OPHTHALMOSCOPY W/ FUNDUS PHOTO||ITCC20170410|1\
|||POC01||IRIS|POC01|||E11.41^Type 2 diabetes mellitus with diabetic mononeuropathy^ICD-10-CM\
~H35.81^Retinal edema^ICD-10-CM|GR0001^DOE^JANE^^^MD^MD^^^^^^NPI|OP0001^DOE^JACK^^^MD^MD^^^^^^NPI\
||2017041006^EPIC||92000035^OPHTHALMOSCOPY W/ FUNDUS PHOTO|TC\r";

const ANSWER: &str = "MSH|^~\\&|EPIC|CLINIC|IRIS|IRIS|20170410151352||ACK^P03^ACK|EMR1|P|2.4\r\
MSA|AA|$$$$$$$$$$\r";
