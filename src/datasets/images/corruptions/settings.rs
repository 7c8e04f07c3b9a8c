//! Settings as typed: `n=500,size=3,place=top-left`.

use super::CorruptionKind;
use crate::error::{Error, Result, closest};

/// What stands behind the colon, each setting to be taken once.
pub struct Given {
    kind: &'static str,
    usage: &'static str,
    settings: Vec<(String, String)>,
    known: Vec<&'static str>,
}

impl Given {
    /// Reads `NAME=VALUE` with commas between.
    ///
    /// # Errors
    /// Where one has no `=`, or a name comes twice.
    pub fn read(kind: &dyn CorruptionKind, text: &str) -> Result<Self> {
        let mut settings: Vec<(String, String)> = Vec::new();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let Some((name, value)) = part.split_once('=') else {
                return Err(Error::input(format!("`{part}` is no setting of `{}`", kind.name())).hint(format!("write `{}`", kind.usage())));
            };
            let (name, value) = (name.trim().to_lowercase(), value.trim().to_owned());
            if settings.iter().any(|(other, _)| *other == name) {
                return Err(Error::input(format!("`{name}` is given twice")).hint(format!("write `{}`", kind.usage())));
            }
            settings.push((name, value));
        }
        Ok(Self {
            kind: kind.name(),
            usage: kind.usage(),
            settings,
            known: Vec::new(),
        })
    }

    /// A setting as text; `None` where it was not given.
    pub fn text(&mut self, name: &'static str) -> Option<String> {
        self.known.push(name);
        let place = self.settings.iter().position(|(other, _)| other == name)?;
        Some(self.settings.remove(place).1)
    }

    /// A whole number.
    ///
    /// # Errors
    /// Where it is none.
    pub fn whole(&mut self, name: &'static str) -> Result<Option<usize>> {
        self.text(name)
            .map(|text| {
                text.parse()
                    .map_err(|_| Error::input(format!("`{name}={text}` is no whole number")).hint(format!("write `{}`", self.usage)))
            })
            .transpose()
    }

    /// A number in a range; `of` is what it is when it was not given.
    ///
    /// # Errors
    /// Where it is no number or lies outside.
    pub fn number(&mut self, name: &'static str, of: f64, (low, high): (f64, f64)) -> Result<f64> {
        let Some(text) = self.text(name) else { return Ok(of) };
        text.parse::<f64>()
            .ok()
            .filter(|number| (low..=high).contains(number))
            .ok_or_else(|| {
                Error::input(format!("`{name}={text}` is not a number from {low} to {high}")).hint(format!("such as `{name}={of}`"))
            })
    }

    /// One of several words, the first where none was given.
    ///
    /// # Errors
    /// Where it is none of them.
    pub fn one_of(&mut self, name: &'static str, words: &[&'static str]) -> Result<&'static str> {
        let Some(text) = self.text(name) else {
            return words.first().copied().ok_or_else(|| Error::internal("a setting without choices"));
        };
        let found = words.iter().find(|word| **word == text.to_lowercase());
        found.copied().ok_or_else(|| {
            Error::input(format!("`{name}={text}` is none of the choices")).hint(format!("use one of: {}", words.join(", ")))
        })
    }

    /// That nothing is left that no one knows.
    ///
    /// # Errors
    /// Names the first setting that is left.
    pub fn finish(self) -> Result<()> {
        let Some((name, _)) = self.settings.first() else { return Ok(()) };
        let error = Error::input(format!("`{}` has no setting `{name}`", self.kind));
        Err(match closest(name, self.known.iter().copied()) {
            Some(near) => error.hint(format!("did you mean `{near}`?")),
            None => error.hint(format!("settings: {}", self.known.join(", "))),
        })
    }
}
