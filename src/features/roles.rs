//! What a person makes of a single column, in a profile.

use super::profile::{DateFeatures, DatePart, Dropped, Profile};

/// What a person makes of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Chosen {
    /// Whatever the profile makes of columns that it does not name.
    Unnamed,
    /// A number.
    Number,
    /// Categories.
    Category,
    /// Weekday and month.
    Date,
    /// No input.
    LeftOut,
}

impl Chosen {
    /// All of them, in the order of a list to choose from.
    pub const ALL: [Chosen; 5] = [Self::Unnamed, Self::Number, Self::Category, Self::Date, Self::LeftOut];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unnamed => "auto",
            Self::Number => "number",
            Self::Category => "category",
            Self::Date => "date",
            Self::LeftOut => "left-out",
        }
    }
}

impl Profile {
    /// What the profile makes of a column.
    pub fn chosen(&self, column: &str) -> Chosen {
        let features = &self.features;
        let is = |names: &[String]| names.iter().any(|name| name == column);
        if self.dropped().any(|(name, _)| name == column) {
            Chosen::LeftOut
        } else if is(&features.numeric) {
            Chosen::Number
        } else if is(&features.categorical) {
            Chosen::Category
        } else if features.dates.iter().any(|date| date.column == column) {
            Chosen::Date
        } else {
            Chosen::Unnamed
        }
    }

    /// Makes something else of a column. A choice that stands already stays as it is written, with its reasons and date parts.
    pub fn choose_for(&mut self, column: &str, chosen: Chosen) {
        if self.chosen(column) == chosen {
            return;
        }
        self.forget(column);
        let name = column.to_owned();
        match chosen {
            Chosen::Unnamed => {}
            Chosen::Number => self.features.numeric.push(name),
            Chosen::Category => self.features.categorical.push(name),
            Chosen::Date => self.features.dates.push(DateFeatures {
                column: name,
                parts: vec![DatePart::Weekday, DatePart::Month],
                order: None,
            }),
            Chosen::LeftOut => {
                const WHY: &str = "left out as chosen";
                match self.drop.iter_mut().find(|entry| entry.why == WHY) {
                    Some(entry) => entry.columns.push(name),
                    None => self.drop.push(Dropped {
                        why: WHY.to_owned(),
                        columns: vec![name],
                    }),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_has_one_role_and_keeps_what_was_written_of_it() {
        let mut profile = Profile::load("dataco").unwrap();
        let before = profile.clone();
        for column in ["Customer Email", "Market", "shipping date (DateOrders)", "no such column"] {
            let now = profile.chosen(column);
            profile.choose_for(column, now);
        }
        assert_eq!(profile, before);
        for chosen in Chosen::ALL {
            profile.choose_for("Market", chosen);
            assert_eq!(profile.chosen("Market"), chosen);
            profile.check().unwrap();
            assert_eq!(Profile::from_toml(&profile.to_toml().unwrap()).unwrap(), profile);
        }
    }
}
