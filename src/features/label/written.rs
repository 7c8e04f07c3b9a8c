//! How a label rule stands in a TOML file.

use serde::{Deserialize, Serialize};

use super::{Bound, LabelKind, LabelRule};
use crate::error::Result;
use crate::tables::DateOrder;

/// The rule as it stands in a TOML file.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenLabel {
    kind: WrittenKind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    column: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    actual: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    planned: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    step: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    lowest: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    order: Option<DateOrder>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    classes: Vec<WrittenClass>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    missing: Vec<String>,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum WrittenKind {
    Column,
    Difference,
    Dates,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenClass {
    name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    values: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    below: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    up_to: Option<f64>,
}

impl TryFrom<WrittenLabel> for LabelRule {
    type Error = String;

    fn try_from(written: WrittenLabel) -> Result<Self, String> {
        let classes: Vec<String> = written.classes.iter().map(|class| class.name.clone()).collect();
        let unused = |name: &str, given: bool, kind: &str| {
            if given {
                Err(format!("`label.{name}` has no meaning with `label.kind = \"{kind}\"`"))
            } else {
                Ok(())
            }
        };
        let kind = match written.kind {
            WrittenKind::Column => {
                unused("actual", written.actual.is_some(), "column")?;
                unused("planned", written.planned.is_some(), "column")?;
                unused("step", written.step.is_some(), "column")?;
                unused("lowest", written.lowest.is_some(), "column")?;
                unused("order", written.order.is_some(), "column")?;
                let values = written
                    .classes
                    .into_iter()
                    .map(|class| match (class.values, class.below, class.up_to) {
                        (_, Some(_), _) | (_, _, Some(_)) => Err(format!(
                            "class `{}`: `below` and `up_to` have no meaning with `label.kind = \"column\"`; give `values`",
                            class.name
                        )),
                        (Some(values), None, None) => Ok(values),
                        (None, None, None) => Ok(vec![class.name]),
                    });
                LabelKind::Column {
                    column: written.column,
                    values: values.collect::<Result<_, _>>()?,
                    missing: written.missing,
                }
            }
            WrittenKind::Difference | WrittenKind::Dates => {
                let word = if matches!(written.kind, WrittenKind::Dates) {
                    "dates"
                } else {
                    "difference"
                };
                unused("column", written.column.is_some(), word)?;
                unused("missing", !written.missing.is_empty(), word)?;
                let need =
                    |name: &str, given: Option<String>| given.ok_or_else(|| format!("`label.kind = \"{word}\"` needs `label.{name}`"));
                let actual = need("actual", written.actual)?;
                let planned = need("planned", written.planned)?;
                let bounds = written.classes.iter().map(bound_of).collect::<Result<Vec<Bound>, String>>()?;
                if word == "dates" {
                    unused("step", written.step.is_some(), word)?;
                    unused("lowest", written.lowest.is_some(), word)?;
                    LabelKind::Dates {
                        actual,
                        planned,
                        bounds,
                        order: written.order,
                    }
                } else {
                    unused("order", written.order.is_some(), word)?;
                    let (step, lowest) = (written.step.unwrap_or(1.0), written.lowest.unwrap_or(0.0));
                    LabelKind::Difference {
                        actual,
                        planned,
                        bounds,
                        step,
                        lowest,
                    }
                }
            }
        };
        let rule = Self { kind, classes };
        rule.check().map_err(|error| error.message().to_owned())?;
        Ok(rule)
    }
}

fn bound_of(class: &WrittenClass) -> Result<Bound, String> {
    match (&class.values, class.below, class.up_to) {
        (Some(_), _, _) => Err(format!(
            "class `{}`: `values` belongs to `label.kind = \"column\"`; give `below` or `up_to`",
            class.name
        )),
        (None, Some(_), Some(_)) => Err(format!("class `{}` has both `below` and `up_to`; give one", class.name)),
        (None, Some(end), None) => Ok(Bound::Below(end)),
        (None, None, Some(end)) => Ok(Bound::UpTo(end)),
        (None, None, None) => Ok(Bound::Rest),
    }
}

impl From<LabelRule> for WrittenLabel {
    fn from(rule: LabelRule) -> Self {
        let with_bounds = |bounds: &[Bound]| -> Vec<WrittenClass> {
            let pairs = rule.classes.iter().zip(bounds);
            pairs
                .map(|(name, bound)| WrittenClass {
                    name: name.clone(),
                    values: None,
                    below: if let Bound::Below(end) = bound { Some(*end) } else { None },
                    up_to: if let Bound::UpTo(end) = bound { Some(*end) } else { None },
                })
                .collect()
        };
        let mut written = WrittenLabel {
            kind: WrittenKind::Column,
            column: None,
            actual: None,
            planned: None,
            step: None,
            lowest: None,
            order: None,
            classes: Vec::new(),
            missing: Vec::new(),
        };
        match &rule.kind {
            LabelKind::Column { column, values, missing } => {
                written.missing.clone_from(missing);
                written.column.clone_from(column);
                let pairs = rule.classes.iter().zip(values);
                written.classes = pairs
                    .map(|(name, values)| WrittenClass {
                        name: name.clone(),
                        values: Some(values.clone()),
                        below: None,
                        up_to: None,
                    })
                    .collect();
            }
            LabelKind::Difference {
                actual,
                planned,
                bounds,
                step,
                lowest,
            } => {
                written.kind = WrittenKind::Difference;
                written.actual = Some(actual.clone());
                written.planned = Some(planned.clone());
                written.step = (*step != 1.0).then_some(*step);
                written.lowest = (*lowest != 0.0).then_some(*lowest);
                written.classes = with_bounds(bounds);
            }
            LabelKind::Dates {
                actual,
                planned,
                bounds,
                order,
            } => {
                written.order = *order;
                written.kind = WrittenKind::Dates;
                written.actual = Some(actual.clone());
                written.planned = Some(planned.clone());
                written.classes = with_bounds(bounds);
            }
        }
        written
    }
}
