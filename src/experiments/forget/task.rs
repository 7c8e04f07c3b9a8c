//! What is to be forgotten: a whole class, a sub-class, or images drawn at random.

use rand::seq::SliceRandom;

use crate::datasets::images::{ImageSet, Images};
use crate::error::{Error, Result};
use crate::label_errors::Amount;
use crate::seed::Seed;

/// Share of the training images that random forgetting takes where no other is given: 82 or so of 50,000, as published.
pub const RANDOM_SHARE: f64 = 0.00165;

/// A task, as on the command line.
#[derive(Debug, Clone, PartialEq)]
pub enum Task {
    /// `class:rocket`.
    Class(String),
    /// `subclass:rocket`.
    SubClass(String),
    /// `random` or `random:1%`.
    Random(f64),
}

/// What a task means for a set and a seed: rows of its training and test images.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForgetSet {
    /// Training images to forget, in order.
    pub forget: Vec<u32>,
    /// Test images that the forget accuracy is measured on; empty where it is measured on the training images to forget.
    pub forget_test: Vec<u32>,
    /// Test images that the retain accuracy is measured on.
    pub retain_test: Vec<u32>,
}

/// Parts of a table of arXiv 2402.10098: data set, and tasks with the name that the table gives them.
type Published = (u8, &'static str, &'static [(&'static str, &'static str)]);

const PUBLISHED: &[Published] = &[
    (
        1,
        "cifar100",
        &[
            ("class:baby", "baby"),
            ("class:lamp", "lamp"),
            ("class:mushroom", "MR"),
            ("class:rocket", "Rkt"),
            ("class:sea", "sea"),
        ],
    ),
    (
        1,
        "cifar20",
        &[
            ("class:household_electrical_devices", "ED"),
            ("class:large_natural_outdoor_scenes", "NS"),
            ("class:people", "people"),
            ("class:fruit_and_vegetables", "veg"),
            ("class:vehicles_2", "Veh2"),
        ],
    ),
    (
        2,
        "cifar20",
        &[
            ("subclass:baby", "baby"),
            ("subclass:lamp", "lamp"),
            ("subclass:mushroom", "MR"),
            ("subclass:rocket", "Rkt"),
            ("subclass:sea", "sea"),
        ],
    ),
    (3, "cifar10", &[("random", "random")]),
];

/// Data sets and tasks of one of the tables 1 to 3 of arXiv 2402.10098, without its faces.
///
/// # Errors
/// For another number.
pub fn of_table(table: u8) -> Result<Vec<(&'static str, Vec<String>)>> {
    let parts = PUBLISHED.iter().filter(|(number, _, _)| *number == table);
    let parts: Vec<_> = parts
        .map(|(_, dataset, tasks)| (*dataset, tasks.iter().map(|(task, _)| (*task).to_owned()).collect()))
        .collect();
    if parts.is_empty() {
        return Err(Error::input(format!("the paper has no image table {table}")).hint("use `--table 1`, `--table 2` or `--table 3`"));
    }
    Ok(parts)
}

/// Table and name of a task there, where the paper has it.
pub fn published_place(dataset: &str, task: &str) -> Option<(u8, &'static str)> {
    let of_dataset = PUBLISHED.iter().filter(|(_, name, _)| *name == dataset);
    let mut found =
        of_dataset.flat_map(|(table, _, tasks)| tasks.iter().filter(|(name, _)| *name == task).map(|(_, class)| (*table, *class)));
    found.next()
}

impl Task {
    /// Reads a task.
    ///
    /// # Errors
    /// Where it is none.
    pub fn parse(text: &str) -> Result<Self> {
        let (kind, rest) = text.split_once(':').map_or((text, None), |(kind, rest)| (kind, Some(rest.trim())));
        match (kind.trim(), rest) {
            ("class", Some(name)) if !name.is_empty() => Ok(Self::Class(name.to_owned())),
            ("subclass" | "sub-class", Some(name)) if !name.is_empty() => Ok(Self::SubClass(name.to_owned())),
            ("random", None) => Ok(Self::Random(RANDOM_SHARE)),
            ("random", Some(share)) => Amount::parse_share(share).map(Self::Random),
            _ => Err(Error::input(format!("`{text}` is no forgetting task"))
                .hint("use `class:rocket`, `subclass:rocket`, `random` or `random:1%`")),
        }
    }

    /// The task with the class spelt as the set spells it, as text.
    ///
    /// # Errors
    /// Where the set has no such class.
    pub fn named(&self, set: &ImageSet) -> Result<String> {
        Ok(match self {
            Self::Class(name) => format!("class:{}", set.classes[find(set, name, false)?]),
            Self::SubClass(name) => format!("subclass:{}", set.sub_classes[find(set, name, true)?]),
            Self::Random(share) if *share == RANDOM_SHARE => "random".to_owned(),
            Self::Random(share) => format!("random:{share}"),
        })
    }

    /// Images of a mini-batch when importances are measured: the published loaders' sizes.
    pub fn importance_batch(&self) -> usize {
        match self {
            Self::Class(_) | Self::SubClass(_) => 64,
            Self::Random(_) => 128,
        }
    }

    /// SSD's published alpha and lambda (arXiv 2308.07707, 2402.10098).
    pub fn published_ssd(&self, network: &str, dataset: &str) -> (f64, f64) {
        match (network.starts_with("vit"), self) {
            // Faces.
            (false, Self::Class(_)) if dataset == "folder" => (50.0, 0.1),
            (false, _) | (true, Self::Random(_)) => (10.0, 1.0),
            (true, Self::Class(_)) => (5.0, 1.0),
            (true, Self::SubClass(_)) => (25.0, 1.0),
        }
    }

    /// The images that this means.
    ///
    /// # Errors
    /// Where the set has no such class, or what is to be forgotten is nothing or everything.
    pub fn resolve(&self, set: &ImageSet, seed: Seed) -> Result<ForgetSet> {
        let rows_of = |images: &Images, labels: &[u8], class: usize, wanted: bool| -> Vec<u32> {
            let rows = 0..images.len() as u32;
            rows.filter(|row| (usize::from(labels[*row as usize]) == class) == wanted).collect()
        };
        let all = 0..set.train.len() as u32;
        let found = match self {
            Self::Class(name) => {
                let class = find(set, name, false)?;
                ForgetSet {
                    forget: rows_of(&set.train, &set.train.labels, class, true),
                    forget_test: rows_of(&set.test, &set.test.labels, class, true),
                    retain_test: rows_of(&set.test, &set.test.labels, class, false),
                }
            }
            Self::SubClass(name) => {
                let class = find(set, name, true)?;
                let none = || Error::internal("a set with sub-classes and no labels of them");
                let (train, test) = (set.train.sub_labels.as_ref(), set.test.sub_labels.as_ref());
                let (train, test) = (train.ok_or_else(none)?, test.ok_or_else(none)?);
                ForgetSet {
                    forget: rows_of(&set.train, train, class, true),
                    forget_test: rows_of(&set.test, test, class, true),
                    retain_test: rows_of(&set.test, test, class, false),
                }
            }
            Self::Random(share) => {
                let mut rows: Vec<u32> = all.clone().collect();
                rows.shuffle(&mut seed.stream("forget/random", 0));
                rows.truncate((set.train.len() as f64 * share).round() as usize);
                rows.sort_unstable();
                ForgetSet {
                    forget: rows,
                    forget_test: Vec::new(),
                    retain_test: (0..set.test.len() as u32).collect(),
                }
            }
        };
        let name = self.named(set)?;
        let count = set.train.len();
        if found.forget.is_empty() {
            return Err(Error::input(format!(
                "`{name}` leaves nothing to forget: none of {count} training images belongs to it"
            ))
            .hint("use more rows, a larger share such as `random:1%`, or another class"));
        }
        if found.forget.len() >= count {
            return Err(Error::input(format!(
                "`{name}` would forget all {count} training images, so nothing is left to learn from"
            ))
            .hint("name a class that others stand beside, or a smaller share such as `random:1%`"));
        }
        if found.retain_test.is_empty() || (found.forget_test.is_empty() && !matches!(self, Self::Random(_))) {
            return Err(Error::input(format!("`{name}` leaves no test image to judge by")).hint("use more test rows, or another class"));
        }
        Ok(found)
    }
}

/// The class of this name, or the only one in whose name all its words stand (`natural scenes`).
fn find(set: &ImageSet, name: &str, sub: bool) -> Result<usize> {
    let names = if sub { &set.sub_classes } else { &set.classes };
    if sub && names.is_empty() {
        let sets = "`--dataset cifar20` or `--dataset made-up`";
        return Err(Error::input(format!("{} has no sub-classes", set.name)).hint(format!("use {sets}, or `class:{name}`")));
    }
    let failure = match set.class(name, sub) {
        Ok(class) => return Ok(usize::from(class)),
        Err(error) => error,
    };
    let words = |text: &str| -> Vec<String> {
        let lower = text.to_lowercase();
        let words = lower
            .split(|letter: char| !letter.is_alphanumeric())
            .filter(|word| !word.is_empty());
        words.map(str::to_owned).collect()
    };
    let wanted = words(name);
    let holds = |other: &str| {
        let other = words(other);
        !wanted.is_empty() && wanted.iter().all(|word| other.contains(word))
    };
    let mut found = names.iter().enumerate().filter(|(_, other)| holds(other));
    match (found.next(), found.next()) {
        (Some((class, _)), None) => Ok(class),
        (Some((_, one)), Some((_, other))) => {
            Err(Error::input(format!("`{name}` may be several classes of {}", set.name)).hint(format!("write `{one}` or `{other}`")))
        }
        (None, _) if failure.hint_text().is_none() => Err(failure.hint(format!("classes: {}", shortened(names)))),
        (None, _) => Err(failure),
    }
}

fn shortened(names: &[String]) -> String {
    let shown: Vec<&str> = names.iter().take(24).map(String::as_str).collect();
    let more = if names.len() > shown.len() { ", ..." } else { "" };
    format!("{}{more}", shown.join(", "))
}
