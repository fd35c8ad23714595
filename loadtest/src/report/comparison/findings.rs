//! What was wrong with what contenders answered, in all parts of a comparison together.

use serde::Serialize;

use crate::compare::Contender;

/// How many findings are told of one contender; the others are counted.
const FINDINGS_TOLD: usize = 20;

/// What was found so far.
#[derive(Clone, Debug, Default)]
pub struct Findings {
    verdicts: Vec<Verdict>,
}

/// Whether what a contender answered holds.
#[derive(Clone, Debug, Serialize)]
pub struct Verdict {
    /// Who.
    pub contender: Contender,
    /// Whether nothing was found.
    pub clean: bool,
    /// Whether a comparison is worth nothing where something was found.
    pub must_be_clean: bool,
    /// Commands that it acknowledged, in all parts.
    pub acknowledged: u64,
    /// How many findings there are.
    pub findings_total: usize,
    /// The first of them.
    pub findings: Vec<String>,
}

impl Findings {
    /// So many commands were acknowledged, and this was wrong.
    pub(crate) fn add(&mut self, contender: Contender, acknowledged: u64, found: Vec<String>) {
        let verdict = self.verdict(contender);
        verdict.acknowledged += acknowledged;
        verdict.findings_total += found.len();
        verdict.clean &= found.is_empty();
        let room = FINDINGS_TOLD - verdict.findings.len();
        verdict.findings.extend(found.into_iter().take(room));
    }

    fn verdict(&mut self, contender: Contender) -> &mut Verdict {
        let known = self
            .verdicts
            .iter()
            .position(|known| known.contender == contender);
        let index = known.unwrap_or_else(|| {
            self.verdicts.push(Verdict {
                contender,
                clean: true,
                must_be_clean: contender.is_turnout(),
                acknowledged: 0,
                findings_total: 0,
                findings: Vec::new(),
            });
            self.verdicts.len() - 1
        });
        &mut self.verdicts[index]
    }

    pub(super) fn verdicts(mut self) -> Vec<Verdict> {
        let order = Contender::all();
        self.verdicts
            .sort_by_key(|verdict| order.iter().position(|contender| *contender == verdict.contender));
        self.verdicts
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::Design;

    #[test]
    fn what_was_found_in_all_parts_is_told_together_and_some_of_it_is_only_counted() {
        let mut findings = Findings::default();
        let optimistic = Contender::Design(Design::Optimistic);
        findings.add(optimistic, 5, Vec::new());
        findings.add(optimistic, 2, vec!["lost".to_owned(); 30]);
        findings.add(Contender::RestPostgres, 9, Vec::new());
        let [first, second] = &findings.verdicts()[..] else {
            panic!("there are two")
        };
        assert_eq!((first.contender, first.clean), (Contender::RestPostgres, true));
        assert!(first.must_be_clean && !second.must_be_clean);
        assert_eq!((second.acknowledged, second.clean), (7, false));
        assert_eq!(
            (second.findings_total, second.findings.len()),
            (30, FINDINGS_TOLD)
        );
    }
}
