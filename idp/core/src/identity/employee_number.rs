//! NIP and NI PPPK: 18 digits that tell a birth date, an appointment and a gender
//! (domain: identifiers-and-hr-data sections 3.1 to 3.3).
//!
//! There is no check digit and real records contradict their own numbers, so only the number of
//! digits is an error; everything the digits say about a person is a warning. A number is a login
//! name and never a secret.

use std::fmt;

use thiserror::Error;

use crate::{identity::Gender, time::Date};

const DIGITS: usize = 18;

/// A NIP or NI PPPK: exactly 18 ASCII digits, not all equal.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EmployeeNumber(String);

/// Which of the two layouts the digits follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NumberLayout {
    /// `YYYYMMDD YYYYMM G NNN`: digits 13-14 are the month of the appointment as CPNS.
    Pns,
    /// `YYYYMMDD YYYY KK G NNN`: digits 13-14 are the contract code, 21 and above.
    Pppk,
    /// Digits 13-14 are neither.
    Unknown,
}

/// Why a text is no employee number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum EmployeeNumberError {
    /// Not 18 digits; says how many there are.
    #[error("{0} digits instead of 18")]
    Length(usize),
    /// A character that is no ASCII digit, such as a full-width or Arabic one.
    #[error("a character that is no digit 0-9")]
    Character,
    /// The same digit 18 times.
    #[error("all digits are equal")]
    AllEqual,
}

/// What the digits say against the record or against sense. Never an error: the record decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NumberWarning {
    /// Digits 1-8 are no calendar day.
    NoBirthDate,
    /// Born less than 17 or more than 70 years ago.
    Age,
    /// Appointed before the age of 17 or later than next year.
    Appointment,
    /// Digits 13-14 are neither a month nor a contract code.
    UnknownLayout,
    /// Digit 15 is neither 1 nor 2.
    NoGender,
    /// Digits 16-18 are 000, as a spreadsheet leaves them.
    NoSequence,
    /// Another birth date than the record's.
    BirthDateDiffers,
    /// Another gender than the record's.
    GenderDiffers,
    /// The layout of PNS for a PPPK or the reverse.
    LayoutDiffers,
}

/// What the personnel record says beside the number.
#[derive(Clone, Copy, Debug, Default)]
pub struct RecordFacts {
    /// Tanggal lahir.
    pub birth_date: Option<Date>,
    /// Jenis kelamin.
    pub gender: Option<Gender>,
    /// Whether the record calls the person PPPK; `None` where it says nothing.
    pub pppk: Option<bool>,
}

impl EmployeeNumber {
    /// Reads a number as typed or printed: `NIP. 19850817 200904 1 990`, with apostrophe, spaces,
    /// dots or dashes.
    pub fn parse(text: &str) -> Result<Self, EmployeeNumberError> {
        let digits = strip(text);
        if !digits.chars().all(|c| c.is_ascii_digit()) {
            return Err(EmployeeNumberError::Character);
        }
        if digits.len() != DIGITS {
            return Err(EmployeeNumberError::Length(digits.len()));
        }
        let first = digits.as_bytes().first().copied();
        if digits.bytes().all(|b| Some(b) == first) {
            return Err(EmployeeNumberError::AllEqual);
        }
        Ok(Self(digits))
    }

    /// The 18 digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Which layout digits 13-14 show.
    pub fn layout(&self) -> NumberLayout {
        match self.number(12, 14) {
            1..=12 => NumberLayout::Pns,
            21.. => NumberLayout::Pppk,
            _ => NumberLayout::Unknown,
        }
    }

    /// Digits 1-8, where they are a calendar day.
    pub fn birth_date(&self) -> Option<Date> {
        date(self.number(0, 4), self.number(4, 6), self.number(6, 8))
    }

    /// Digit 15, where it is 1 (male) or 2 (female).
    pub fn gender(&self) -> Option<Gender> {
        match self.number(14, 15) {
            1 => Some(Gender::Male),
            2 => Some(Gender::Female),
            _ => None,
        }
    }

    /// Grouped as printed: 8-6-1-3 for a NIP, 8-4-2-1-3 for a NI PPPK.
    pub fn display(&self) -> String {
        let groups: &[(usize, usize)] = match self.layout() {
            NumberLayout::Pppk => &[(0, 8), (8, 12), (12, 14), (14, 15), (15, 18)],
            NumberLayout::Pns | NumberLayout::Unknown => &[(0, 8), (8, 14), (14, 15), (15, 18)],
        };
        let parts: Vec<&str> = groups.iter().filter_map(|(from, to)| self.0.get(*from..*to)).collect();
        parts.join(" ")
    }

    /// Everything that does not fit, in a fixed order.
    pub fn warnings(&self, facts: RecordFacts, today: Date) -> Vec<NumberWarning> {
        let born = self.birth_date();
        let year_born = self.number(0, 4);
        let age_day = born.and_then(|day| date(year_born + 17, u32::from(day.parts().1), 1)).unwrap_or(today);
        let this_year = u32::try_from(today.parts().0).unwrap_or(0);
        let appointed = self.number(8, 12);
        let differs = |known: bool, is: NumberWarning| known.then_some(is);
        [
            differs(born.is_none(), NumberWarning::NoBirthDate),
            differs(born.is_some() && (age_day > today || year_born + 70 < this_year), NumberWarning::Age),
            differs(appointed < year_born + 17 || appointed > this_year + 1, NumberWarning::Appointment),
            differs(self.layout() == NumberLayout::Unknown, NumberWarning::UnknownLayout),
            differs(self.gender().is_none(), NumberWarning::NoGender),
            differs(self.number(15, 18) == 0, NumberWarning::NoSequence),
            differs(facts.birth_date.is_some() && facts.birth_date != born, NumberWarning::BirthDateDiffers),
            differs(facts.gender.is_some() && facts.gender != self.gender(), NumberWarning::GenderDiffers),
            differs(self.contradicts(facts.pppk), NumberWarning::LayoutDiffers),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    fn contradicts(&self, pppk: Option<bool>) -> bool {
        match (self.layout(), pppk) {
            (NumberLayout::Pns, Some(true)) | (NumberLayout::Pppk, Some(false)) => true,
            (NumberLayout::Unknown, _) | (_, None) | (_, Some(_)) => false,
        }
    }

    fn number(&self, from: usize, to: usize) -> u32 {
        self.0.get(from..to).and_then(|part| part.parse().ok()).unwrap_or(0)
    }
}

impl fmt::Display for EmployeeNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn date(year: u32, month: u32, day: u32) -> Option<Date> {
    Date::new(i32::try_from(year).ok()?, u8::try_from(month).ok()?, u8::try_from(day).ok()?).ok()
}

/// Takes away what people and spreadsheets put around the digits; converts nothing.
fn strip(text: &str) -> String {
    let text = text.trim().trim_start_matches('\'').trim_start();
    let without_word = match text.get(..3) {
        Some(word) if word.eq_ignore_ascii_case("nip") => text.get(3..).unwrap_or_default(),
        _ => text,
    };
    without_word
        .trim_start_matches([':', '.', ' ', '\u{a0}', '\''])
        .chars()
        .filter(|c| !c.is_whitespace() && !matches!(c, '.' | '-' | '\u{2013}' | '\u{2011}'))
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NIP: &str = "198508172009041990";
    const PPPK: &str = "199001012023212990";

    fn today() -> Date {
        Date::new(2026, 11, 24).unwrap()
    }

    #[test]
    fn a_number_is_read_as_printed() {
        for printed in [
            NIP,
            "'198508172009041990",
            "NIP. 19850817 200904 1 990",
            "nip: 19850817.200904.1.990",
            "NIP 19850817-200904-1-990",
            "\u{a0}19850817\u{a0}200904 1 990 ",
        ] {
            assert_eq!(EmployeeNumber::parse(printed).unwrap().as_str(), NIP, "{printed}");
        }
    }

    #[test]
    fn only_eighteen_ascii_digits_are_a_number() {
        assert_eq!(EmployeeNumber::parse("19850817200904199"), Err(EmployeeNumberError::Length(17)));
        assert_eq!(EmployeeNumber::parse(""), Err(EmployeeNumberError::Length(0)));
        assert_eq!(EmployeeNumber::parse("111111111111111111"), Err(EmployeeNumberError::AllEqual));
        assert_eq!(EmployeeNumber::parse("１98508172009041990"), Err(EmployeeNumberError::Character));
        assert_eq!(EmployeeNumber::parse("19850817200904199٠"), Err(EmployeeNumberError::Character));
        assert_eq!(EmployeeNumber::parse("1.98508E+17"), Err(EmployeeNumberError::Character));
    }

    #[test]
    fn the_layouts_are_told_apart_by_digits_13_and_14() {
        let number = EmployeeNumber::parse(NIP).unwrap();
        assert_eq!((number.layout(), number.display().as_str()), (NumberLayout::Pns, "19850817 200904 1 990"));
        let number = EmployeeNumber::parse(PPPK).unwrap();
        assert_eq!((number.layout(), number.display().as_str()), (NumberLayout::Pppk, "19900101 2023 21 2 990"));
        assert_eq!(EmployeeNumber::parse("198508172009151990").unwrap().layout(), NumberLayout::Unknown);
    }

    #[test]
    fn what_does_not_fit_is_a_warning() {
        let facts = RecordFacts {
            birth_date: Some(Date::new(1985, 8, 17).unwrap()),
            gender: Some(Gender::Male),
            pppk: Some(false),
        };
        let warnings = |number: &str, facts| EmployeeNumber::parse(number).unwrap().warnings(facts, today());
        assert_eq!(warnings(NIP, facts), []);
        assert_eq!(
            warnings(NIP, RecordFacts { birth_date: Some(today()), gender: Some(Gender::Female), pppk: Some(true) }),
            [NumberWarning::BirthDateDiffers, NumberWarning::GenderDiffers, NumberWarning::LayoutDiffers]
        );
        let none = RecordFacts::default();
        assert_eq!(warnings("198513172009041990", none), [NumberWarning::NoBirthDate]);
        assert_eq!(warnings("201508172033041990", none), [NumberWarning::Age, NumberWarning::Appointment]);
        assert_eq!(warnings("195508171980041990", none), [NumberWarning::Age]);
        assert_eq!(
            warnings("198508172009154000", none),
            [NumberWarning::UnknownLayout, NumberWarning::NoGender, NumberWarning::NoSequence]
        );
    }

    proptest! {
        #[test]
        fn reading_is_idempotent_and_undoes_the_display(digits in "[0-9]{18}") {
            prop_assume!(EmployeeNumber::parse(&digits).is_ok());
            let number = EmployeeNumber::parse(&digits).unwrap();
            prop_assert_eq!(&EmployeeNumber::parse(number.as_str()).unwrap(), &number);
            prop_assert_eq!(&EmployeeNumber::parse(&number.display()).unwrap(), &number);
        }

        #[test]
        fn a_lost_digit_is_an_error(digits in "[0-9]{18}", at in 0usize..18) {
            let mut short = digits;
            short.remove(at);
            prop_assert!(EmployeeNumber::parse(&short).is_err());
        }

        #[test]
        fn no_text_panics(text in "\\PC*") {
            if let Ok(number) = EmployeeNumber::parse(&text) {
                let _ = number.warnings(RecordFacts::default(), today());
            }
        }
    }
}
