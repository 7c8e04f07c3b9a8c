//! Which part of a run this process computes: given as `i/n`, or read from what Slurm and Kubernetes set.

use std::fmt;

use super::study::Shards;
use crate::error::{Error, Result};

/// One of `count` parts, counted from 1 in print.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Shard {
    number: u32,
    count: u32,
}

/// What decided the shard, for the note that says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// `--shard i/n`.
    Given,
    /// `SLURM_ARRAY_TASK_ID`.
    Slurm,
    /// `JOB_COMPLETION_INDEX`.
    Kubernetes,
}

const HINT: &str = "write `--shard 1/8` to `--shard 8/8`, `--shard auto/8` inside an array job, or `--shard all`";

impl Shard {
    /// Shard `number` of `count`, counted from 1.
    ///
    /// # Errors
    /// Where `number` is not within 1..=`count`.
    pub fn new(number: u32, count: u32) -> Result<Self> {
        if number == 0 || number > count {
            let error = Error::input(format!("there is no shard {number} of {count}: shards are counted from 1"));
            return Err(match (number, count) {
                (_, 0) => error.hint(HINT),
                _ => error.hint(format!("use `--shard 1/{count}` to `--shard {count}/{count}`")),
            });
        }
        Ok(Self { number, count })
    }

    /// Its number, counted from 1.
    pub fn number(self) -> u32 {
        self.number
    }

    /// Its index, counted from 0.
    pub fn index(self) -> u32 {
        self.number - 1
    }

    /// Number of shards.
    pub fn count(self) -> u32 {
        self.count
    }

    /// Name of its folder inside the run folder.
    pub fn folder(self) -> String {
        format!("shard-{}-of-{}", self.number, self.count)
    }

    /// The units that fall to it: every n-th, so that each shard gets its part of everything, or a run of neighbours.
    pub fn part<T>(self, units: &[T], shards: Shards) -> Vec<&T> {
        let cut = |index: u32| units.len() * index as usize / self.count as usize;
        match shards {
            Shards::Neighbours => units[cut(self.index())..cut(self.index() + 1)].iter().collect(),
            Shards::OwnFolders | Shards::OneFolder => units.iter().skip(self.index() as usize).step_by(self.count as usize).collect(),
        }
    }

    /// Reads the name of a shard's folder.
    pub fn from_folder(name: &str) -> Option<Self> {
        let (number, count) = name.strip_prefix("shard-")?.split_once("-of-")?;
        let shard = Self::new(number.parse().ok()?, count.parse().ok()?).ok()?;
        (shard.folder() == name).then_some(shard)
    }

    /// What `--shard` and the environment say. `None`: the whole run.
    ///
    /// - `i/n`: that one. `all`: the whole run, whatever the environment says.
    /// - `auto/n` or `auto`: from Slurm's array variables or Kubernetes' `JOB_COMPLETION_INDEX`.
    /// - nothing given: as `auto` if the environment is that of an array job of several tasks, else the whole run. Otherwise each of a
    ///   hundred array tasks would compute everything.
    ///
    /// # Errors
    /// Where the text is none of these, the variables are missing, no numbers, or contradict `n`.
    pub fn resolve(given: Option<&str>, environment: &dyn Fn(&str) -> Option<String>) -> Result<Option<(Self, Origin)>> {
        let text = given.map(str::trim);
        match text {
            Some("all") => Ok(None),
            Some("auto") => Self::from_environment(None, environment)?.map_or_else(|| Err(no_array("auto")), |found| Ok(Some(found))),
            None => Self::from_environment(None, environment),
            Some(text) => {
                let wrong = || Error::input(format!("`{text}` is not a shard")).hint(HINT);
                let (number, count) = text.split_once('/').ok_or_else(wrong)?;
                let count: u32 = count.trim().parse().map_err(|_| wrong())?;
                if number.trim() == "auto" {
                    return Self::from_environment(Some(count), environment)?.map_or_else(|| Err(no_array(text)), |found| Ok(Some(found)));
                }
                let number = number.trim().parse().map_err(|_| wrong())?;
                Self::new(number, count).map(|shard| Some((shard, Origin::Given)))
            }
        }
    }

    fn from_environment(wanted: Option<u32>, environment: &dyn Fn(&str) -> Option<String>) -> Result<Option<(Self, Origin)>> {
        let number = |name: &str| -> Result<Option<u32>> {
            match environment(name) {
                None => Ok(None),
                Some(text) => text.trim().parse().map(Some).map_err(|_| {
                    Error::input(format!("the environment variable {name} is `{text}`, not a number"))
                        .hint("give the shard as `--shard 3/8`")
                }),
            }
        };
        if let Some(task) = number("SLURM_ARRAY_TASK_ID")? {
            let step = number("SLURM_ARRAY_TASK_STEP")?.unwrap_or(1).max(1);
            let least = number("SLURM_ARRAY_TASK_MIN")?.unwrap_or(1);
            let Some(count) = number("SLURM_ARRAY_TASK_COUNT")?.or(wanted) else {
                return Err(Error::input("SLURM_ARRAY_TASK_ID is set, but SLURM_ARRAY_TASK_COUNT is not")
                    .hint("say how many shards there are: `--shard auto/8`"));
            };
            if let Some(wanted) = wanted.filter(|wanted| *wanted != count) {
                return Err(
                    Error::input(format!("this Slurm array has {count} tasks, but {wanted} shards are requested")).hint(format!(
                        "submit all tasks as one array, or name the shard itself: `--shard {task}/{wanted}`"
                    )),
                );
            }
            if count == 1 && wanted.is_none() {
                return Ok(None);
            }
            let place = task
                .checked_sub(least)
                .filter(|offset| offset % step == 0)
                .map(|offset| offset / step);
            return match place {
                Some(index) if index < count => Ok(Some((Self::new(index + 1, count)?, Origin::Slurm))),
                _ => Err(Error::input(format!(
                    "Slurm's array task {task} is not among {count} tasks counted from {least} in steps of {step}"
                ))
                .hint("submit a plain range such as `--array=1-8`, or give the shard as `--shard 3/8`")),
            };
        }
        if let Some(index) = number("JOB_COMPLETION_INDEX")? {
            let Some(count) = wanted.or(number("JOB_COMPLETIONS")?) else {
                return Err(
                    Error::input("JOB_COMPLETION_INDEX is set, but Kubernetes does not say how many completions there are")
                        .hint("say how many shards there are: `--shard auto/8`"),
                );
            };
            if index >= count {
                return Err(Error::input(format!(
                    "JOB_COMPLETION_INDEX is {index}, but there are {count} shards (0 to {})",
                    count.saturating_sub(1)
                ))
                .hint("let `completions` of the Job and the number in `--shard auto/N` be the same"));
            }
            return Ok(Some((Self::new(index + 1, count)?, Origin::Kubernetes)));
        }
        Ok(None)
    }
}

fn no_array(text: &str) -> Error {
    Error::input(format!(
        "`--shard {text}` needs an array job, but neither SLURM_ARRAY_TASK_ID nor JOB_COMPLETION_INDEX is set"
    ))
    .hint("outside an array job give the shard itself, such as `--shard 3/8`")
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.number, self.count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(given: Option<&str>, variables: &[(&str, &str)]) -> Result<Option<(u32, u32)>> {
        let environment = |name: &str| {
            variables
                .iter()
                .find(|(known, _)| *known == name)
                .map(|(_, value)| (*value).to_owned())
        };
        Ok(Shard::resolve(given, &environment)?.map(|(shard, _)| (shard.number(), shard.count())))
    }

    #[test]
    fn a_shard_given_by_hand_wins_over_the_environment() {
        let slurm = [
            ("SLURM_ARRAY_TASK_ID", "2"),
            ("SLURM_ARRAY_TASK_COUNT", "4"),
            ("SLURM_ARRAY_TASK_MIN", "1"),
        ];
        assert_eq!(resolve(Some("3/8"), &slurm).unwrap(), Some((3, 8)));
        assert_eq!(resolve(Some("all"), &slurm).unwrap(), None);
        assert_eq!(resolve(Some(" 1 / 2 "), &[]).unwrap(), Some((1, 2)));
        assert_eq!(resolve(None, &[]).unwrap(), None);
        for wrong in [
            "0/2",
            "3/2",
            "1/0",
            "1",
            "a/b",
            "-1/2",
            "1/2/3",
            "",
            "auto",
            "auto/8",
            "auto/x",
            "1/99999999999",
        ] {
            let error = resolve(Some(wrong), &[]).unwrap_err();
            assert!(error.hint_text().is_some_and(|hint| hint.contains("--shard")), "{wrong}: {error}");
        }
    }

    #[test]
    fn slurm_arrays_are_read_wherever_they_start() {
        let array = |id, least, step| {
            vec![
                ("SLURM_ARRAY_TASK_ID", id),
                ("SLURM_ARRAY_TASK_COUNT", "4"),
                ("SLURM_ARRAY_TASK_MIN", least),
                ("SLURM_ARRAY_TASK_STEP", step),
            ]
        };
        assert_eq!(resolve(None, &array("1", "1", "1")).unwrap(), Some((1, 4)));
        assert_eq!(resolve(None, &array("0", "0", "1")).unwrap(), Some((1, 4)));
        assert_eq!(resolve(Some("auto"), &array("3", "0", "1")).unwrap(), Some((4, 4)));
        assert_eq!(resolve(Some("auto/4"), &array("16", "10", "2")).unwrap(), Some((4, 4)));
        assert!(resolve(None, &array("5", "1", "1")).is_err(), "task 5 of 4");
        assert!(resolve(None, &array("11", "10", "2")).is_err(), "between the steps");
        assert!(resolve(None, &array("0", "1", "1")).is_err(), "below the first");
        assert!(
            resolve(None, &array("x", "1", "1"))
                .unwrap_err()
                .to_string()
                .contains("SLURM_ARRAY_TASK_ID")
        );
        let error = resolve(Some("auto/8"), &array("3", "1", "1")).unwrap_err();
        assert_eq!(
            error.hint_text(),
            Some("submit all tasks as one array, or name the shard itself: `--shard 3/8`")
        );
        let single = [
            ("SLURM_ARRAY_TASK_ID", "3"),
            ("SLURM_ARRAY_TASK_COUNT", "1"),
            ("SLURM_ARRAY_TASK_MIN", "3"),
        ];
        assert_eq!(resolve(None, &single).unwrap(), None);
    }

    #[test]
    fn kubernetes_counts_from_zero_and_needs_the_number_of_shards() {
        assert_eq!(resolve(Some("auto/8"), &[("JOB_COMPLETION_INDEX", "0")]).unwrap(), Some((1, 8)));
        assert_eq!(resolve(Some("auto/8"), &[("JOB_COMPLETION_INDEX", "7")]).unwrap(), Some((8, 8)));
        assert!(resolve(Some("auto/8"), &[("JOB_COMPLETION_INDEX", "8")]).is_err());
        assert!(resolve(None, &[("JOB_COMPLETION_INDEX", "0")]).is_err());
        assert!(resolve(Some("auto/0"), &[("JOB_COMPLETION_INDEX", "0")]).is_err());
    }

    #[test]
    fn the_name_of_a_shard_folder_reads_back() {
        let shard = Shard::new(3, 12).unwrap();
        assert_eq!(shard.folder(), "shard-3-of-12");
        assert_eq!(Shard::from_folder("shard-3-of-12"), Some(shard));
        for other in [
            "shard-0-of-2",
            "shard-03-of-12",
            "shard-3-of-2",
            "shards",
            "shard-1-of-2.old",
            "chunks",
        ] {
            assert_eq!(Shard::from_folder(other), None, "{other}");
        }
    }
}
