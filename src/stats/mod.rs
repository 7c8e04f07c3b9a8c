//! Statistics on plain slices: paired and unpaired tests, intervals, corrections for many tests. Knows no model.
//!
//! Every function refuses input on which its answer is not defined (an empty sample, a value that is not finite, no
//! variation) with an [`crate::Error`] that says so; none returns NaN. Sums are compensated, so that the order of the
//! values does not show. Whatever draws random numbers takes a [`crate::seed::Seed`] and gives the same bits on any
//! number of threads. The tests compare with SciPy, statsmodels and pingouin (`tests/fixtures/statistics.py`).

mod bootstrap;
mod mcnemar;
mod multiple;
mod proportion;
mod sample;
mod sign_flip;

pub use bootstrap::{BootstrapInterval, Cluster, bootstrap_of_totals, cluster_bootstrap};
pub use mcnemar::{McNemar, mcnemar_chi_squared, mcnemar_exact, mcnemar_mid_p};
pub use multiple::{benjamini_hochberg, holm};
pub use proportion::wilson;
pub use sample::{Sample, differences, sum};
pub use sign_flip::sign_flip_counts;
