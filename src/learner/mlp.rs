//! Multilayer perceptrons as classifiers.

use std::borrow::Cow;

use super::{Answers, Batch, Classifier, Compute, Plan, Rows, Statistic, Stepper};
use crate::error::{Error, Result};
use crate::nn::{self, Examples, Forget, ImportanceKind, Network, Real, Sgd, StoredImportances, TensorSpec, TrainingLog};
use crate::progress::Progress;
use crate::seed::Seed;

fn examples<'a, T>(values: &'a [T], rows: &Rows<'a, T>, which: Option<&'a [u32]>) -> Examples<'a, T>
where
    T: Real,
{
    Examples {
        inputs: values,
        width: rows.width(),
        labels: rows.labels(),
        rows: which,
    }
}

impl<T: Real> Classifier for Network<T> {
    type Value = T;
    type Checkpoints<'k> = ();

    fn tensors(&self) -> Vec<TensorSpec> {
        self.spec().tensors()
    }

    fn parameters(&self) -> &[T] {
        Network::parameters(self)
    }

    fn parameters_mut(&mut self) -> &mut [T] {
        Network::parameters_mut(self)
    }

    fn classes(&self) -> usize {
        self.spec().classes
    }

    fn is_finite(&self) -> bool {
        Network::is_finite(self)
    }

    fn same_architecture(&self, other: &Self) -> bool {
        self.spec() == other.spec()
    }

    fn reinitialised(&self, seed: Seed) -> Result<Self> {
        Network::initial(self.spec(), seed)
    }

    fn check_rows(&self, rows: &Rows<T>) -> Result<()> {
        // Images are made only where they are used, and are as many as their labels.
        let values = if rows.fixed() { rows.values(1)? } else { Cow::Borrowed(&[][..]) };
        if rows.fixed() {
            return examples(&values, rows, None).check(self.spec());
        }
        if rows.width() != self.spec().inputs {
            return Err(Error::input(format!(
                "the rows have {} values and the network takes {}",
                rows.width(),
                self.spec().inputs
            )));
        }
        match rows.labels().iter().max() {
            Some(label) if usize::from(*label) >= self.spec().classes => {
                Err(Error::internal(format!("label {label} of {} classes", self.spec().classes)))
            }
            _ => Ok(()),
        }
    }

    fn logits(&self, rows: &Rows<T>, which: Option<&[u32]>, compute: Compute, _progress: &dyn Progress) -> Result<Vec<T>> {
        let values = match which {
            None => rows.values(compute.threads)?,
            Some(which) => Cow::Owned(rows.gathered(0, which, compute.threads)?),
        };
        nn::logits(self, &values, compute.threads)
    }

    fn answers<'c>(&'c self, rows: Rows<'c, T>, compute: Compute<'c>) -> Result<Box<dyn Answers<T> + 'c>> {
        Ok(Box::new(TableAnswers {
            network: self,
            rows,
            threads: compute.threads,
            all: None,
        }))
    }

    fn gradient(&self, rows: &Rows<T>, batch: &Batch<T>, compute: Compute) -> Result<(f64, Vec<T>)> {
        let mut stepper = nn::Stepper::new(self);
        let (values, which) = for_step(rows, batch, compute.threads)?;
        let (loss, gradient) = stepper.gradient(&values, &which, &batch.losses)?;
        Ok((loss, gradient.to_vec()))
    }

    fn measure(
        &self,
        what: Statistic,
        (rows, which): (&Rows<T>, &[u32]),
        batch: usize,
        compute: Compute,
        _progress: &dyn Progress,
    ) -> Result<Vec<f64>> {
        let values = rows.values(compute.threads)?;
        let examples = examples(&values, rows, Some(which));
        match what {
            Statistic::Importance(kind) => Ok(nn::importance(self, &examples, kind, batch, compute.threads)?.values),
            Statistic::Sensitivity(size) => nn::output_sensitivity(self, &examples, size, batch, compute.threads),
        }
    }

    fn store_importances(&self, rows: &Rows<T>, batch: usize, compute: Compute) -> Result<Option<StoredImportances<T>>> {
        let values = rows.values(compute.threads)?;
        nn::store_importances(self, &examples(&values, rows, None), batch, compute.threads).map(Some)
    }

    fn retain_importance(
        &self,
        stored: &StoredImportances<T>,
        flagged: &Forget<T>,
        kind: ImportanceKind,
        compute: Compute,
    ) -> Result<Vec<f64>> {
        Ok(stored.retain(self, flagged, kind, compute.threads)?.values)
    }

    fn train(
        &self,
        (rows, which): (&Rows<T>, &[u32]),
        plan: &Plan,
        (): (),
        compute: Compute,
        progress: &dyn Progress,
    ) -> Result<(Self, TrainingLog)> {
        let Plan::InOrder(recipe) = plan else {
            return super::plan::train_by_steps(self, (rows, which), plan, compute, progress);
        };
        let values = rows.values(compute.threads)?;
        let mut network = self.clone();
        let log = nn::train(
            &mut network,
            &examples(&values, rows, Some(which)),
            recipe,
            compute.threads,
            progress,
        )?;
        Ok((network, log))
    }

    fn stepper<'c>(&'c self, rows: Rows<'c, T>, optimiser: Sgd, compute: Compute<'c>) -> Result<Box<dyn Stepper<Self> + 'c>> {
        Ok(Box::new(TableStepper {
            members: self.members()?.iter().map(nn::Stepper::new).collect(),
            optimiser: Sgd {
                from: self.spec().start_in_member(optimiser.from),
                ..optimiser
            },
            rows,
            threads: compute.threads,
        }))
    }
}

/// Inputs, and numbers of rows of them.
type RowsOfInputs<'a, T> = (Cow<'a, [T]>, Cow<'a, [u32]>);

/// Inputs and the rows of them that a batch names: the whole table as it lies, or the batch's own images.
fn for_step<'a, T: Real>(rows: &Rows<'a, T>, batch: &'a Batch<T>, threads: usize) -> Result<RowsOfInputs<'a, T>> {
    if rows.fixed() {
        return Ok((rows.values(threads)?, Cow::Borrowed(batch.which)));
    }
    let values = rows.gathered(batch.epoch, batch.which, threads)?;
    Ok((Cow::Owned(values), Cow::Owned((0..batch.which.len() as u32).collect())))
}

/// The members of an ensemble step apart, as they are trained; a single network is one member.
struct TableStepper<'c, T> {
    members: Vec<nn::Stepper<T>>,
    rows: Rows<'c, T>,
    optimiser: Sgd,
    threads: usize,
}

impl<T: Real> Stepper<Network<T>> for TableStepper<'_, T> {
    fn step(&mut self, batch: &Batch<T>, rate: f64) -> Result<f64> {
        let (values, which) = for_step(&self.rows, batch, self.threads)?;
        let mut sum = 0.0;
        for member in &mut self.members {
            sum += member.step(&values, &which, &batch.losses, self.optimiser, rate)?;
        }
        Ok(sum / self.members.len() as f64)
    }

    fn finish(self: Box<Self>) -> Result<Network<T>> {
        Network::joined(self.members.into_iter().map(nn::Stepper::into_network).collect())
    }
}

/// Of a table that is the same in every epoch the logits are computed once, for all rows.
struct TableAnswers<'c, T> {
    network: &'c Network<T>,
    rows: Rows<'c, T>,
    threads: usize,
    all: Option<Vec<T>>,
}

impl<T: Real> Answers<T> for TableAnswers<'_, T> {
    fn logits(&mut self, epoch: u32, which: &[u32]) -> Result<Vec<T>> {
        if !self.rows.fixed() {
            return nn::logits(self.network, &self.rows.gathered(epoch, which, self.threads)?, self.threads);
        }
        let all = match &mut self.all {
            Some(all) => all,
            none => none.insert(nn::logits(self.network, &self.rows.values(self.threads)?, self.threads)?),
        };
        let classes = self.network.spec().classes;
        let mut logits = Vec::with_capacity(which.len() * classes);
        for row in which {
            let start = *row as usize * classes;
            let own = all.get(start..start + classes);
            logits.extend_from_slice(own.ok_or_else(|| Error::internal(format!("row {row} of {}", self.rows.len())))?);
        }
        Ok(logits)
    }
}
