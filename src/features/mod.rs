//! From a sheet to a learning task: profiles, label rules, the split by time, encoders fitted on training rows only, the leakage audit,
//! and a first look at an unknown sheet.

mod audit;
mod auto;
mod calendar;
mod choose;
mod derive;
mod encode;
mod far;
mod filter;
mod fitted;
mod inspect;
mod label;
mod load;
mod look;
mod mistype;
mod plan;
mod prepare;
mod profile;
mod roles;
mod season;
mod split;
pub mod ticks;
mod words;

pub use audit::{Finding, LeakKind, leakage_audit};
pub use calendar::{civil, iso};
pub use choose::Overrides;
pub use encode::{CategoryCoding, Coding, Encoder, NamedException, NumberCoding};
pub use filter::{Filter, Filters};
pub use fitted::{FittedFeatures, Transformed};
pub use inspect::{ClassShare, ColumnReport, Inspection, inspect};
pub use label::{Bound, LabelKind, LabelRule, MAX_CLASSES, is_same_class};
pub use load::Source;
pub(crate) use look::{Look, look};
pub use mistype::Mistyper;
pub use plan::{ColumnUse, Role};
pub use prepare::{LeftOut, Part, Prepared, apply, encode_all, prepare};
pub use profile::{
    ClassWeights, CountIn, DateFeatures, DatePart, Dropped, FeatureRules, MissingNumber, Others, Profile, RecipeKind, Scaling, SplitRule,
    Ties, TimeRule, TimeSort, TooMany, TrainingDefaults,
};
pub use roles::Chosen;
pub use split::{Cut, SplitBounds, SplitBy};
pub(crate) use words::{identifies_person, names_id, punctuality, words as words_of};
