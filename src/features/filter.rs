//! Which rows of a sheet a profile uses.

use serde::ser::SerializeSeq;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::FittedFeatures;
use super::label::LabelRule;
use crate::error::{Error, Result};
use crate::notes::Notes;
use crate::tables::{Rule, Table};

/// Which rows are used: conditions (`filter = "Market = LATAM and Days < 60"`, `--where`) and `[[filter]]` lists of values; all of them must hold.
///
/// Lists are for training and evaluation. Conditions hold at prediction, too, where the sheet has their columns: rows for which they do not hold
/// are unlike what the model was trained on.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Filters {
    /// Conditions, as typed.
    pub conditions: Vec<String>,
    /// Conditions by lists of values.
    pub lists: Vec<Filter>,
}

/// One condition on a row: the column's value is among `values`, or is not among `except`.
#[derive(Debug, Clone, PartialEq)]
pub struct Filter {
    /// Column.
    pub column: String,
    /// Values that a row may have; none means any.
    pub values: Vec<String>,
    /// Values that a row may not have.
    pub except: Vec<String>,
}

/// An entry of `[[filter]]` as it is written.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    column: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    values: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    except: Vec<String>,
    #[serde(default, rename = "where", skip_serializing_if = "Option::is_none")]
    condition: Option<String>,
}

impl Filters {
    /// Whether every row is used.
    pub fn is_empty(&self) -> bool {
        self.conditions.is_empty() && self.lists.is_empty()
    }

    /// Checks what needs no sheet.
    ///
    /// # Errors
    /// Where a list names no values or a condition cannot be read; the message points at the place.
    pub fn check(&self) -> Result<()> {
        for filter in &self.lists {
            if filter.values.is_empty() && filter.except.is_empty() {
                return Err(Error::input(format!("the filter on `{}` names no values", filter.column))
                    .hint("give `values = [\"...\"]`, or `except = [\"...\"]`"));
            }
        }
        self.conditions.iter().try_for_each(|condition| Rule::parse(condition).map(drop))
    }

    /// The rows of a sheet with predictions to make: those for which all conditions hold that can be asked of it; `None`: all. A condition on the
    /// label's sources is not asked, nor one whose columns are not there, nor one that holds for no row: it is about what is known later.
    ///
    /// # Errors
    /// Where values of a condition cannot be compared.
    pub(super) fn at_prediction(&self, table: &Table, label: &LabelRule, notes: &mut Notes) -> Result<Option<Vec<usize>>> {
        let mut rows: Vec<usize> = (0..table.height()).collect();
        for condition in &self.conditions {
            let rule = Rule::parse(condition)?;
            let names = rule.names();
            let later = label.sources().iter().any(|source| names.contains(source));
            if later || rule.columns().iter().any(|column| !table.has(column)) {
                continue;
            }
            let holds = rule.holds(table, &mut Notes::new())?;
            let kept: Vec<usize> = rows.iter().copied().filter(|row| holds[*row]).collect();
            let without = rows.len() - kept.len();
            if without == 0 {
                continue;
            }
            if kept.is_empty() {
                notes.add(
                    "filter-holds-nowhere",
                    format!("the model was trained on rows where `{condition}`, which holds for no row here"),
                    "all rows are predicted; they may be unlike those it was trained on",
                );
                continue;
            }
            notes.add(
                "rows-left-out",
                format!(
                    "{without} {} not meet `{condition}`, as all rows did that the model was trained on",
                    if without == 1 { "row does" } else { "rows do" }
                ),
                "left out of the predictions",
            );
            rows = kept;
        }
        Ok((rows.len() < table.height()).then_some(rows))
    }
}

impl super::Profile {
    /// The rows to predict, and the sheet with the derived columns that the model reads; `None`: all rows. A derived column whose own columns are not
    /// there is missing.
    ///
    /// # Errors
    /// Where a formula or condition cannot be computed on the sheet.
    pub fn to_predict(&self, table: &Table, features: &FittedFeatures, notes: &mut Notes) -> Result<(Table, Option<Vec<usize>>)> {
        let whole = self.derived_where_possible(table, features, notes)?;
        let rows = self.filter.at_prediction(&whole, &self.label, notes)?;
        Ok(match rows {
            Some(rows) => (whole.take(&rows), Some(rows)),
            None => (whole.into_owned(), None),
        })
    }
}

impl Serialize for Filters {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        if let ([condition], []) = (self.conditions.as_slice(), self.lists.as_slice()) {
            return condition.serialize(serializer);
        }
        let mut entries = serializer.serialize_seq(Some(self.lists.len() + self.conditions.len()))?;
        for filter in &self.lists {
            entries.serialize_element(&Entry {
                column: Some(filter.column.clone()),
                values: filter.values.clone(),
                except: filter.except.clone(),
                condition: None,
            })?;
        }
        for condition in &self.conditions {
            entries.serialize_element(&Entry {
                column: None,
                values: Vec::new(),
                except: Vec::new(),
                condition: Some(condition.clone()),
            })?;
        }
        entries.end()
    }
}

impl<'de> Deserialize<'de> for Filters {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        deserializer.deserialize_any(Either)
    }
}

/// A condition, or a list of entries.
struct Either;

impl<'de> serde::de::Visitor<'de> for Either {
    type Value = Filters;

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("a condition such as `Market = LATAM`, or `[[filter]]` with a column and its values")
    }

    fn visit_str<E: serde::de::Error>(self, condition: &str) -> std::result::Result<Filters, E> {
        Ok(Filters {
            conditions: vec![condition.to_owned()],
            lists: Vec::new(),
        })
    }

    fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut entries: A) -> std::result::Result<Filters, A::Error> {
        use serde::de::Error as _;
        let mut filters = Filters::default();
        while let Some(entry) = entries.next_element::<Entry>()? {
            match (entry.column, entry.condition) {
                (Some(column), None) => filters.lists.push(Filter {
                    column,
                    values: entry.values,
                    except: entry.except,
                }),
                (None, Some(condition)) if entry.values.is_empty() && entry.except.is_empty() => filters.conditions.push(condition),
                (None, None) => return Err(A::Error::missing_field("column")),
                _ => return Err(A::Error::custom("a filter has either a `column` with its values or a `where`")),
            }
        }
        Ok(filters)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::Profile;

    fn profile(extra: &str) -> Result<Profile> {
        Profile::from_toml(&format!("name = \"own\"\n{extra}\n[label]\nkind = \"column\"\ncolumn = \"Late\"\n"))
    }

    #[test]
    fn a_filter_is_a_condition_or_lists_of_values_or_both() {
        let one = profile("filter = \"Order Status = 'COMPLETE' and Days < 60\"").unwrap();
        assert_eq!(one.filter.conditions, ["Order Status = 'COMPLETE' and Days < 60"]);
        let lists = Profile::builtin_text("dataco").map(Profile::from_toml).unwrap().unwrap();
        assert_eq!((lists.filter.lists.len(), lists.filter.conditions.len()), (1, 0));
        let mut both = lists.clone();
        both.filter.conditions = vec!["Market = LATAM".to_owned(), "Days > 3".to_owned()];
        for profile in [one, lists, both] {
            assert_eq!(Profile::from_toml(&profile.to_toml().unwrap()).unwrap(), profile);
        }
    }

    #[test]
    fn a_filter_that_cannot_be_read_is_refused_with_its_place() {
        for (extra, words) in [
            ("filter = \"Market =\"", "expected a value, found the end"),
            ("filter = \"Market\"", "expected one of"),
            ("filter = 3", "condition"),
            ("[[filter]]\nvalues = [\"x\"]", "column"),
            ("[[filter]]\ncolumn = \"a\"\nwhere = \"b = 1\"", "either"),
            ("[[filter]]\ncolumn = \"a\"", "names no values"),
        ] {
            let error = profile(extra).unwrap_err();
            assert!(error.to_string().contains(words), "{extra}: {error}");
        }
    }

    #[test]
    fn a_condition_about_what_is_known_later_is_not_asked_at_prediction() {
        let table = Table::new("week.csv", 3)
            .with_column("Market", ["LATAM", "Europe", "LATAM"].map(|text| Some(text.to_owned())).to_vec())
            .and_then(|table| table.with_column("Late", vec![None; 3]))
            .unwrap();
        let label = LabelRule::column("Late");
        let rows = |condition: &str| {
            let filters = Filters {
                conditions: vec![condition.to_owned()],
                lists: Vec::new(),
            };
            let mut notes = Notes::new();
            (filters.at_prediction(&table, &label, &mut notes).unwrap(), notes)
        };
        let (kept, notes) = rows("Market = LATAM");
        assert_eq!(kept, Some(vec![0, 2]));
        assert!(notes.has("rows-left-out"));
        let (kept, notes) = rows("Market = Africa");
        assert!(kept.is_none() && notes.has("filter-holds-nowhere"));
        for condition in ["Late != maybe", "Days > 3"] {
            let (kept, notes) = rows(condition);
            assert!(kept.is_none() && notes.is_empty(), "{condition}");
        }
    }
}
