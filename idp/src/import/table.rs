//! A sheet reduced to the columns that are kept. Everything else is dropped while reading and
//! exists nowhere afterwards (data minimisation: identifiers-and-hr-data section 3.7).

use gapura_core::time::Date;

use crate::import::{limits, refusal::FileRefused};

/// A column that is kept.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// Heading, upper case with single spaces.
    pub heading: &'static str,
    /// A row without it is no header.
    pub required: bool,
}

/// A column every file of the kind has.
pub const fn required(heading: &'static str) -> Column {
    Column { heading, required: true }
}

/// A column that may be absent.
pub const fn optional(heading: &'static str) -> Column {
    Column { heading, required: false }
}

/// What a cell holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Cell {
    /// Nothing, or a dash.
    #[default]
    Empty,
    /// Text, trimmed, without the apostrophe that spreadsheets put before numbers.
    Text(String),
    /// A number as such: digits beyond the 15th are already lost.
    Number(f64),
    /// A formula; never evaluated.
    Formula,
    /// A truth value or an error of the spreadsheet.
    Other,
}

impl Cell {
    /// From the text of a cell.
    pub fn of_text(text: &str) -> Self {
        let text = text.trim();
        if text.starts_with('=') {
            return Self::Formula;
        }
        let text = text.trim_start_matches('\'').trim();
        if text.is_empty() || matches!(text, "-" | "–" | "--") {
            return Self::Empty;
        }
        Self::Text(text.to_owned())
    }
}

/// One row of data.
#[derive(Clone, Debug, Default)]
pub struct Row {
    /// The sheet's own number, from 1.
    pub number: u32,
    cells: Vec<Cell>,
}

impl Row {
    /// The cell of a column, by its place in the list of kept columns.
    pub fn cell(&self, column: usize) -> &Cell {
        const EMPTY: &Cell = &Cell::Empty;
        self.cells.get(column).unwrap_or(EMPTY)
    }
}

/// Takes rows as they are read: finds the header, keeps what is wanted, forgets the rest.
#[derive(Debug)]
pub struct Rows {
    columns: &'static [Column],
    /// For each column of the sheet, which kept column it is.
    places: Option<Vec<Option<usize>>>,
    seen: usize,
    rows: Vec<Row>,
}

/// Rows above the header that may be titles.
const TITLES: usize = 30;

impl Rows {
    /// For a kind with these columns.
    pub fn new(columns: &'static [Column]) -> Self {
        Self { columns, places: None, seen: 0, rows: Vec::new() }
    }

    /// Takes the next row; `cells` by their column in the sheet.
    pub fn take(&mut self, number: u32, cells: Vec<(usize, Cell)>) -> Result<(), FileRefused> {
        self.seen += 1;
        if self.seen > limits::ROWS || usize::try_from(number).is_ok_and(|number| number > limits::ROWS) {
            return Err(FileRefused::TooManyRows);
        }
        let Some(places) = &self.places else {
            self.places = header(self.columns, &cells)?;
            let hopeless = self.places.is_none() && self.seen > TITLES;
            return if hopeless { Err(self.no_header()) } else { Ok(()) };
        };
        let mut kept = vec![Cell::Empty; self.columns.len()];
        for (at, cell) in cells {
            let place = places.get(at).copied().flatten();
            if let Some(slot) = place.and_then(|place| kept.get_mut(place)) {
                *slot = cell;
            }
        }
        if kept.iter().any(|cell| *cell != Cell::Empty) {
            self.rows.push(Row { number, cells: kept });
        }
        Ok(())
    }

    /// The rows of data, without blank ones.
    pub fn finish(self) -> Result<Vec<Row>, FileRefused> {
        if self.places.is_none() {
            return Err(self.no_header());
        }
        Ok(self.rows)
    }

    fn no_header(&self) -> FileRefused {
        let wanted: Vec<&str> = self.columns.iter().filter(|c| c.required).map(|c| c.heading).collect();
        FileRefused::NoHeader(wanted.join(", "))
    }
}

/// The places of the kept columns, where this row is the header.
fn header(columns: &[Column], cells: &[(usize, Cell)]) -> Result<Option<Vec<Option<usize>>>, FileRefused> {
    let width = cells.iter().map(|(at, _)| at + 1).max().unwrap_or(0);
    let mut places = vec![None; width];
    let mut found = vec![false; columns.len()];
    let mut double = None;
    for (at, cell) in cells {
        let Cell::Text(text) = cell else { continue };
        let heading = fold(text);
        let Some(place) = columns.iter().position(|column| column.heading == heading) else { continue };
        let (Some(slot), Some(seen)) = (places.get_mut(*at), found.get_mut(place)) else { continue };
        if *seen {
            double = Some(heading);
        }
        (*slot, *seen) = (Some(place), true);
    }
    let complete = columns.iter().zip(&found).all(|(column, found)| *found || !column.required);
    match double {
        Some(heading) if complete => Err(FileRefused::DoubleHeading(heading)),
        _ => Ok(complete.then_some(places)),
    }
}

/// Headings in one form: upper case, `_` as space, single spaces.
fn fold(heading: &str) -> String {
    heading.replace('_', " ").to_uppercase().split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A day as spreadsheets and people write it: `dd-mm-yyyy`, `dd/mm/yyyy`, `yyyy-mm-dd`, or the
/// spreadsheet's serial number counted from 1899-12-30.
pub fn day(cell: &Cell) -> Option<Date> {
    match cell {
        Cell::Number(serial) => serial_day(*serial),
        Cell::Text(text) => text_day(text),
        Cell::Empty | Cell::Formula | Cell::Other => None,
    }
}

fn serial_day(serial: f64) -> Option<Date> {
    // 1900-03-01 to 9999-12-31: before that, spreadsheets disagree by a day.
    if !(61.0..2_958_466.0).contains(&serial) {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, reason = "checked above: a whole number of days within i64")]
    let days = serial.trunc() as i64;
    Date::new(1899, 12, 30).ok().map(|epoch| epoch.plus_days(days))
}

fn text_day(text: &str) -> Option<Date> {
    let text = text.split_once(' ').map_or(text, |(day, _)| day);
    if let Ok(date) = text.parse() {
        return Some(date);
    }
    let mut parts = text.split(['-', '/', '.']);
    let (day, month, year) = (parts.next()?, parts.next()?, parts.next()?);
    let digits = |part: &str, most: usize| (1..=most).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
    if parts.next().is_some() || !digits(day, 2) || !digits(month, 2) || year.len() != 4 || !digits(year, 4) {
        return None;
    }
    Date::new(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: &[Column] = &[required("NAMA"), optional("TANGGAL LAHIR")];

    fn cells(texts: &[&str]) -> Vec<(usize, Cell)> {
        texts.iter().enumerate().map(|(at, text)| (at, Cell::of_text(text))).collect()
    }

    #[test]
    fn titles_above_and_blank_rows_below_are_passed_over() {
        let mut rows = Rows::new(COLUMNS);
        rows.take(1, cells(&["DAFTAR NOMINATIF PEGAWAI"])).unwrap();
        rows.take(3, cells(&["Agama", "Tanggal_Lahir", " nama "])).unwrap();
        rows.take(4, cells(&["Islam", "17-08-1985", "Siti"])).unwrap();
        rows.take(5, cells(&["baris kosong", "-", ""])).unwrap();
        let rows = rows.finish().unwrap();
        assert_eq!(rows.len(), 1);
        assert_eq!((rows[0].number, rows[0].cell(0)), (4, &Cell::Text("Siti".to_owned())));
    }

    #[test]
    fn a_sheet_without_the_headings_is_refused() {
        let mut rows = Rows::new(COLUMNS);
        rows.take(1, cells(&["Tanggal Lahir"])).unwrap();
        assert_eq!(rows.finish().unwrap_err(), FileRefused::NoHeader("NAMA".to_owned()));
        let mut rows = Rows::new(COLUMNS);
        assert_eq!(rows.take(1, cells(&["NAMA", "Nama"])), Err(FileRefused::DoubleHeading("NAMA".to_owned())));
    }

    #[test]
    fn rows_are_counted() {
        let mut rows = Rows::new(COLUMNS);
        rows.take(1, cells(&["NAMA"])).unwrap();
        assert_eq!(rows.take(200_001, cells(&["Siti"])), Err(FileRefused::TooManyRows));
    }

    #[test]
    fn a_day_is_read_in_each_form() {
        let want = Date::new(1985, 8, 17).ok();
        for text in ["17-08-1985", "17/08/1985", "17/8/1985", "1985-08-17", "'17-08-1985", "1985-08-17 00:00:00"] {
            assert_eq!(day(&Cell::of_text(text)), want, "{text}");
        }
        assert_eq!(day(&Cell::Number(29221.0)), Date::new(1980, 1, 1).ok());
        assert_eq!(day(&Cell::Number(31276.5)), want);
        for bad in ["31-02-1985", "08-17-1985", "17-08-85", "17-08", "17-08-1985-1", "satu", "-"] {
            assert_eq!(day(&Cell::of_text(bad)), None, "{bad}");
        }
        assert_eq!(day(&Cell::Number(f64::NAN)), None);
        assert_eq!(day(&Cell::Number(-5.0)), None);
    }

    #[test]
    fn a_dash_is_nothing_and_a_formula_is_a_formula() {
        for empty in ["", " ", "-", "–", "'", "'-"] {
            assert_eq!(Cell::of_text(empty), Cell::Empty, "{empty:?}");
        }
        assert_eq!(Cell::of_text("=HYPERLINK(\"x\")"), Cell::Formula);
        assert_eq!(Cell::of_text("+62 812"), Cell::Text("+62 812".to_owned()));
    }
}
