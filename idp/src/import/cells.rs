//! Reads the cells of one row, collecting every finding instead of stopping at the first.

use std::{cell::RefCell, str::FromStr};

use gapura_core::time::Date;

use crate::import::{
    report::{Code, Finding},
    table::{self, Cell, Column, Row},
};

/// Longest text of a cell, in characters.
const LONGEST: usize = 500;

/// One row being read. Findings gather inside, so that reading a cell stays an expression.
pub struct Cells<'r> {
    row: &'r Row,
    columns: &'static [Column],
    errors: RefCell<Vec<Finding>>,
    warnings: RefCell<Vec<Finding>>,
}

impl<'r> Cells<'r> {
    /// Opens a row.
    pub fn new(row: &'r Row, columns: &'static [Column]) -> Self {
        Self { row, columns, errors: RefCell::default(), warnings: RefCell::default() }
    }

    /// The sheet's own number of the row.
    pub fn number(&self) -> u32 {
        self.row.number
    }

    /// The cell under a place of the column list.
    pub fn cell(&self, place: usize) -> &Cell {
        self.row.cell(place)
    }

    /// The column's heading.
    pub fn heading(&self, place: usize) -> &'static str {
        self.columns.get(place).map_or("", |column| column.heading)
    }

    /// Notes an error about a cell.
    pub fn error(&self, place: usize, code: Code) {
        note(&self.errors, Finding::new(self.row, self.heading(place), code));
    }

    /// Notes a warning about a cell.
    pub fn warn(&self, place: usize, code: Code) {
        note(&self.warnings, Finding::new(self.row, self.heading(place), code));
    }

    /// A text that may be absent. Whatever else stands there is an error.
    pub fn text(&self, place: usize) -> Option<String> {
        match self.row.cell(place) {
            Cell::Empty => None,
            Cell::Text(text) => self.plain(place, text),
            Cell::Formula => self.refuse(place, Code::Formula),
            Cell::Number(_) | Cell::Other => self.refuse(place, Code::NotText),
        }
    }

    /// A text that must be there.
    pub fn required(&self, place: usize) -> Option<String> {
        if *self.row.cell(place) == Cell::Empty {
            return self.refuse(place, Code::Missing);
        }
        self.text(place)
    }

    /// A day that may be absent.
    pub fn day(&self, place: usize) -> Option<Date> {
        match self.row.cell(place) {
            Cell::Empty => None,
            Cell::Formula => self.refuse(place, Code::Formula),
            cell => match table::day(cell) {
                Some(day) => Some(day),
                None => self.refuse(place, Code::BadDate),
            },
        }
    }

    /// A day that must be there.
    pub fn required_day(&self, place: usize) -> Option<Date> {
        if *self.row.cell(place) == Cell::Empty {
            return self.refuse(place, Code::Missing);
        }
        self.day(place)
    }

    /// A word of a closed set that must be there, in any case.
    pub fn word<T: FromStr>(&self, place: usize) -> Option<T> {
        let text = self.required(place)?;
        match text.to_lowercase().parse() {
            Ok(word) => Some(word),
            Err(_) => self.refuse(place, Code::UnknownWord),
        }
    }

    /// Ends the row: what it reads as, unless there was an error, and the findings.
    pub fn finish<T>(self, read: Option<T>) -> (Option<T>, Vec<Finding>, Vec<Finding>) {
        let errors = self.errors.into_inner();
        let read = if errors.is_empty() { read } else { None };
        (read, errors, self.warnings.into_inner())
    }

    fn plain(&self, place: usize, text: &str) -> Option<String> {
        let single_spaced = text.split_whitespace().collect::<Vec<_>>().join(" ");
        if single_spaced.contains(char::is_control) || single_spaced.chars().count() > LONGEST {
            return self.refuse(place, Code::BadText);
        }
        Some(single_spaced)
    }

    fn refuse<T>(&self, place: usize, code: Code) -> Option<T> {
        self.error(place, code);
        None
    }
}

/// A cell may be read twice; its finding is one.
fn note(findings: &RefCell<Vec<Finding>>, finding: Finding) {
    let mut findings = findings.borrow_mut();
    if !findings.contains(&finding) {
        findings.push(finding);
    }
}
