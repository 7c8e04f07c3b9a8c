//! Statistics on plain slices: paired and unpaired tests, intervals, corrections for many tests. Knows no model.
//!
//! Every function refuses input on which its answer is not defined (an empty sample, a value that is not finite, no
//! variation) with an [`crate::Error`] that says so; none returns NaN. Sums are compensated, so that the order of the
//! values does not show. Whatever draws random numbers takes a [`crate::seed::Seed`] and gives the same bits on any
//! number of threads. The tests compare with SciPy, statsmodels and pingouin (`tests/fixtures/statistics.py`).

mod bootstrap;
mod finite;
mod friedman;
#[cfg(test)]
mod golden;
mod logistic;
mod mcnemar;
mod multiple;
mod nested;
mod proportion;
mod ranks;
mod sample;
mod shapiro;
mod sign_flip;
mod signed_rank;
mod student;
mod t_tests;
mod tails;

pub use bootstrap::{BootstrapInterval, Cluster, bca_mean, bootstrap_of_totals, cluster_bootstrap};
pub use finite::{DrawnChanges, PopulationChange, population_change, rows_to_decide};
pub use friedman::{Friedman, friedman};
pub use logistic::LogisticLine;
pub use mcnemar::{McNemar, mcnemar_chi_squared, mcnemar_exact, mcnemar_mid_p};
pub use multiple::{benjamini_hochberg, holm};
pub use nested::{VarianceComponents, variance_components};
pub use proportion::{exceeds, proportion_standard_error, wilson};
pub(crate) use ranks::{average_ranks, tie_term};
pub(crate) use sample::design_effect;
pub use sample::{Sample, differences, sum};
pub use shapiro::{ShapiroWilk, shapiro_wilk};
pub use sign_flip::{SignFlip, sign_flip, sign_flip_counts};
pub use signed_rank::{SignedRank, wilcoxon};
pub(crate) use student::upper_tail;
pub use t_tests::{Posterior, TTest, bayes_correlated_t, cohen_dz, equivalence, nadeau_bengio_t, paired_t, student_t, t_interval, welch_t};
pub use tails::{binomial_at_least, hypergeometric_at_least};
