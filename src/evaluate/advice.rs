//! What to do with a repaired model: verdict and choice taken together, so that they never contradict each other.

use super::record::{Advice, Verdict};

/// One of: use the repaired model, keep the old one, check rows first.
///
/// `verdict` is that on the test rows (absent without any); `accepted` tells, where a method was chosen among several, whether one was
/// accepted by rows of the training period; `loses_a_class` whether the model finds some class significantly less often than before, which
/// by default is no gain.
pub fn advise(verdict: Option<Verdict>, accepted: Option<bool>, loses_a_class: bool) -> Advice {
    match (accepted, verdict) {
        (Some(false), _) | (_, Some(Verdict::Worse)) => Advice::Keep,
        (_, None | Some(Verdict::CannotBeJudged)) => Advice::CheckFirst,
        _ if loses_a_class => Advice::Keep,
        (_, Some(Verdict::Better)) | (Some(true), _) => Advice::Use,
        (None, Some(Verdict::NoChangeDetected)) => Advice::Keep,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn advice_never_contradicts_the_verdict() {
        let verdicts = [
            None,
            Some(Verdict::Better),
            Some(Verdict::Worse),
            Some(Verdict::NoChangeDetected),
            Some(Verdict::CannotBeJudged),
        ];
        for verdict in verdicts {
            for accepted in [None, Some(false), Some(true)] {
                for loses in [false, true] {
                    let advice = advise(verdict, accepted, loses);
                    match verdict {
                        Some(Verdict::Worse) => assert_eq!(advice, Advice::Keep),
                        Some(Verdict::Better) if accepted != Some(false) && !loses => assert_eq!(advice, Advice::Use),
                        Some(Verdict::CannotBeJudged) | None => assert_ne!(advice, Advice::Use),
                        _ if accepted == Some(false) || loses => assert_eq!(advice, Advice::Keep),
                        _ => {}
                    }
                }
            }
        }
        assert_eq!(advise(Some(Verdict::NoChangeDetected), Some(true), false), Advice::Use);
        assert_eq!(advise(Some(Verdict::NoChangeDetected), None, false), Advice::Keep);
    }
}
