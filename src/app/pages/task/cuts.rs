//! The classes of a difference: names, and where one ends and the next begins.

use maud::{Markup, html};

use crate::app::requests::Asked;
use crate::error::{Error, Result};
use crate::features::{Bound, LabelRule};

/// Classes that a form can state.
const MOST: usize = 12;

/// How a class ends, as the form names it.
const BELOW: &str = "below";
const UP_TO: &str = "up-to";
const REST: &str = "rest";

/// The fields: a line for each class, and an empty one for another.
pub(super) fn fields(label: &LabelRule) -> Markup {
    // More than fit the form stay as the text of the profile has them.
    let Some(cuts) = label.cuts().filter(|cuts| cuts.len() < MOST) else {
        return html! {};
    };
    let ends = [(BELOW, "below"), (UP_TO, "up to"), (REST, "all above")];
    let lines = cuts.into_iter().map(Some).chain([None]).take(MOST);
    html! {
        fieldset {
            legend { "The classes: what came true minus what was planned, the lowest first" }
            @for (place, cut) in lines.enumerate() {
                @let (name, end, value) = cut.map_or(("", UP_TO, None), |(name, bound)| match bound {
                    Bound::Below(value) => (name, BELOW, Some(value)),
                    Bound::UpTo(value) => (name, UP_TO, Some(value)),
                    Bound::Rest => (name, REST, None),
                });
                div.cut {
                    input type="text" name={ "class-" (place) } value=(name) placeholder="another class" maxlength="60" aria-label={ "Name of class " (place + 1) };
                    select name={ "end-" (place) } aria-label={ "How class " (place + 1) " ends" } {
                        @for (word, words) in ends { option value=(word) selected[word == end] { (words) } }
                    }
                    input type="text" name={ "cut-" (place) } value=[value] inputmode="decimal" size="6" aria-label={ "Where class " (place + 1) " ends" };
                }
            }
            p.small.aside { "In days where both are dates, else in the unit of the two columns. A class takes what the classes above it left; without a name it is left out." }
        }
    }
}

/// What the form states; nothing where it has no such fields.
///
/// # Errors
/// Where an end is no number.
pub(super) fn stated(asked: &Asked) -> Result<Option<Vec<(String, Bound)>>> {
    let mut cuts: Vec<(f64, String, Bound)> = Vec::new();
    for place in 0..MOST {
        let Some(name) = asked
            .field(&format!("class-{place}"))
            .map(str::trim)
            .filter(|name| !name.is_empty())
        else {
            continue;
        };
        let number = || {
            let text = asked
                .field(&format!("cut-{place}"))
                .unwrap_or_default()
                .trim()
                .replace(',', ".")
                .replace('−', "-");
            let value = text.parse::<f64>().ok().filter(|value| value.is_finite());
            value.ok_or_else(|| {
                Error::input(format!("it is not said where the class `{name}` ends"))
                    .hint("give a number, such as 0 or 2, or choose `all above`")
            })
        };
        let (order, bound) = match asked.field(&format!("end-{place}")) {
            Some(BELOW) => number().map(|value| (value, Bound::Below(value)))?,
            Some(UP_TO) => number().map(|value| (value, Bound::UpTo(value)))?,
            _ => (f64::INFINITY, Bound::Rest),
        };
        cuts.push((order, name.to_owned(), bound));
    }
    // Another class is stated in the last line, wherever it belongs.
    cuts.sort_by(|a, b| a.0.total_cmp(&b.0));
    Ok((!cuts.is_empty()).then(|| cuts.into_iter().map(|(_, name, bound)| (name, bound)).collect()))
}
