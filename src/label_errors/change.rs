//! A rule with the change that it stands for, `CONDITION: FROM -> TO[, AMOUNT]`, and triggers, `COLUMN = VALUE -> CLASS`.

use super::Amount;
use crate::error::Result;
use crate::tables::rules::{Kind, Operator, Parser, Rule, Trouble, read};

/// `FROM -> TO[, AMOUNT]`: class names as typed, with their places for later messages.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// The class that is mislabelled, or `any`.
    pub from: String,
    /// The class it is recorded as, or `other`.
    pub to: String,
    /// How many rows, if the rule says so; a share is of the rows that the rule and `from` select.
    pub amount: Option<Amount>,
    pub(crate) from_at: usize,
    pub(crate) to_at: usize,
}

impl Rule {
    /// Reads a condition and a change, `CONDITION: FROM -> TO[, AMOUNT]`.
    ///
    /// # Errors
    /// Where the text is not of this form; the message points at the place.
    pub fn parse_with_change(text: &str) -> Result<(Self, Change)> {
        let (root, change) = read(text, "rule", |parser| {
            let root = parser.any(0)?;
            parser.sign_of(
                &Kind::Colon,
                "`and`, `or` or `:` with the change of label",
                "end the rule with the change, such as `: Late -> On time, 60%`",
            )?;
            let change = change(parser)?;
            parser.end()?;
            Ok((root, change))
        })?;
        let text = text.to_owned();
        Ok((Self { text, root }, change))
    }
}

fn arrow(parser: &mut Parser) -> std::result::Result<(), Trouble> {
    parser.sign_of(&Kind::Arrow, "`->`", "write the change as `Late -> On time`")
}

fn change(parser: &mut Parser) -> std::result::Result<Change, Trouble> {
    let from = parser.phrase("the class that is mislabelled, or `any`")?;
    arrow(parser)?;
    let to = parser.phrase("the class it is recorded as, or `other`")?;
    let mut amount = None;
    if parser.peek().kind == Kind::Comma {
        parser.next();
        let share = parser.phrase("a share such as `60%`")?;
        let parsed: Amount = share.text.parse().map_err(|error: crate::Error| {
            Trouble::new(share.at, error.message().to_owned()).hint("give a share such as `60%`, or a number of rows such as `200`")
        })?;
        amount = Some(match parsed {
            Amount::ShareOfTraining(share) => Amount::ShareOfDomain(share),
            other => other,
        });
    }
    Ok(Change {
        from: from.text,
        to: to.text,
        amount,
        from_at: from.at,
        to_at: to.at,
    })
}

/// `COLUMN = VALUE -> CLASS`, for poisoning; names as typed, with the place of the class.
pub(super) fn parse_trigger(text: &str) -> Result<(String, String, String, usize)> {
    read(text, "rule", |parser| {
        let column = parser.phrase("a column name")?;
        if parser.peek().kind != Kind::Operator(Operator::Equal) {
            return Err(Trouble::new(parser.peek().at, "expected `=` and the value of the trigger"));
        }
        parser.next();
        let value = parser.phrase("a value")?;
        arrow(parser)?;
        let class = parser.phrase("a class")?;
        parser.end()?;
        Ok((column.text, value.text, class.text, class.at))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_condition_with_a_change_is_split_at_the_colon() {
        let (rule, change) = Rule::parse_with_change("t = \"10:30\" : Late → On time, 60%").unwrap();
        assert_eq!(rule.to_string(), "t = \"10:30\"");
        assert_eq!((change.from.as_str(), change.to.as_str()), ("Late", "On time"));
        assert_eq!(change.amount, Some(Amount::ShareOfDomain(0.6)));
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,60}") {
            let read = Rule::parse_with_change(&text).is_ok() || parse_trigger(&text).is_ok();
            prop_assert!(!read || text.contains(['>', '→']), "{text}");
        }

        #[test]
        fn near_rules_never_panic(parts in prop::collection::vec(prop::sample::select(vec![
            "a", "=", "\"", "'", "(", ")", "and", " ", ",", ":", "->", "<", "5%", "ß", "-", "+",
        ]), 0..24)) {
            let text = parts.concat();
            let read = Rule::parse_with_change(&text).is_ok();
            prop_assert!(!read || text.contains("->"), "{text}");
        }
    }
}
