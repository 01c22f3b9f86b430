//! Reads a file into rows: XLSX by its bytes, anything else as CSV.

use std::io::Cursor;

use calamine::{DataRef, Reader, Xlsx, XlsxError};

use crate::import::{
    limits,
    refusal::FileRefused,
    table::{Cell, Column, Row, Rows},
};

/// The rows of a file of the kind that has these columns.
pub fn read(bytes: &[u8], columns: &'static [Column]) -> Result<Vec<Row>, FileRefused> {
    if u64::try_from(bytes.len()).is_ok_and(|len| len > limits::FILE_BYTES) {
        return Err(FileRefused::FileTooLarge);
    }
    if bytes.starts_with(b"PK\x03\x04") {
        limits::inspect(bytes)?;
        return workbook(bytes, columns);
    }
    delimited(bytes, columns)
}

/// The first sheet that has the headings.
fn workbook(bytes: &[u8], columns: &'static [Column]) -> Result<Vec<Row>, FileRefused> {
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(bytes)).map_err(|_| FileRefused::NotAWorkbook)?;
    let mut refusal = FileRefused::NotAWorkbook;
    for sheet in book.sheet_names() {
        match worksheet(&mut book, &sheet, columns) {
            Err(FileRefused::NoHeader(wanted)) => refusal = FileRefused::NoHeader(wanted),
            other => return other,
        }
    }
    Err(refusal)
}

fn worksheet(book: &mut Xlsx<Cursor<&[u8]>>, sheet: &str, columns: &'static [Column]) -> Result<Vec<Row>, FileRefused> {
    let unreadable = |_: XlsxError| FileRefused::NotAWorkbook;
    let mut reader = book.worksheet_cells_reader(sheet).map_err(unreadable)?;
    let mut rows = Rows::new(columns);
    let mut current: (u32, Vec<(usize, Cell)>) = (0, Vec::new());
    while let Some(record) = reader.next_cell_with_formula_metadata().map_err(unreadable)? {
        let (row, column) = record.pos;
        if row != current.0 && !current.1.is_empty() {
            rows.take(current.0 + 1, std::mem::take(&mut current.1))?;
        }
        current.0 = row;
        let cell = if record.formula.is_some() { Cell::Formula } else { cell(&record.value) };
        if cell != Cell::Empty {
            current.1.push((usize::try_from(column).unwrap_or(usize::MAX), cell));
        }
    }
    if !current.1.is_empty() {
        rows.take(current.0 + 1, current.1)?;
    }
    rows.finish()
}

fn cell(value: &DataRef<'_>) -> Cell {
    match value {
        DataRef::Empty => Cell::Empty,
        DataRef::String(text) => Cell::of_text(text),
        DataRef::SharedString(text) => Cell::of_text(text),
        #[expect(clippy::cast_precision_loss, reason = "a number is only told from text, never read as digits")]
        DataRef::Int(number) => Cell::Number(*number as f64),
        DataRef::Float(number) => Cell::Number(*number),
        DataRef::DateTime(moment) => Cell::Number(moment.as_f64()),
        DataRef::DateTimeIso(text) => Cell::of_text(text.split('T').next().unwrap_or_default()),
        DataRef::Bool(_) | DataRef::DurationIso(_) | DataRef::Error(_) => Cell::Other,
    }
}

/// CSV with `,` or `;`, with or without byte order mark, in UTF-8 or Windows-1252.
fn delimited(bytes: &[u8], columns: &'static [Column]) -> Result<Vec<Row>, FileRefused> {
    let text = decode(bytes);
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter(&text))
        .from_reader(text.as_bytes());
    let mut rows = Rows::new(columns);
    let mut record = csv::StringRecord::new();
    let mut lines = Lines { text: text.as_bytes(), counted: 0, number: 1 };
    while reader.read_record(&mut record).map_err(|error| FileRefused::BrokenCsv(line(&error)))? {
        let number = lines.at(record.position().map_or(0, csv::Position::byte));
        let cells = record.iter().map(Cell::of_text).enumerate().filter(|(_, cell)| *cell != Cell::Empty).collect();
        rows.take(number, cells)?;
    }
    rows.finish()
}

/// Line numbers as an editor shows them. The reader's own are one behind after CR LF and blank lines.
struct Lines<'t> {
    text: &'t [u8],
    counted: usize,
    number: u32,
}

impl Lines<'_> {
    /// The line of the first character at or after this byte that ends no line.
    fn at(&mut self, byte: u64) -> u32 {
        let from = usize::try_from(byte).unwrap_or(usize::MAX);
        let rest = self.text.get(from..).unwrap_or_default();
        let begin = from + rest.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        let passed = self.text.get(self.counted..begin).unwrap_or_default();
        let breaks = passed.iter().filter(|byte| **byte == b'\n').count();
        self.number = self.number.saturating_add(u32::try_from(breaks).unwrap_or(u32::MAX));
        self.counted = begin;
        self.number
    }
}

fn line(error: &csv::Error) -> u64 {
    error.position().map_or(0, csv::Position::line)
}

/// The delimiter that stands more often in the first line that has one.
fn delimiter(text: &str) -> u8 {
    let count = |line: &str, mark| line.matches(mark).count();
    let first = text.lines().find(|line| count(line, ',') + count(line, ';') > 0).unwrap_or_default();
    if count(first, ';') > count(first, ',') { b';' } else { b',' }
}

fn decode(bytes: &[u8]) -> String {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().map(|byte| windows_1252(*byte)).collect(),
    }
}

/// Windows-1252 as browsers read it (WHATWG Encoding, index windows-1252).
fn windows_1252(byte: u8) -> char {
    const HIGH: [char; 32] = [
        '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}', '\u{90}', '‘',
        '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
    ];
    match byte {
        0x80..=0x9f => HIGH.get(usize::from(byte - 0x80)).copied().unwrap_or(char::REPLACEMENT_CHARACTER),
        other => char::from(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::table::{optional, required};

    const COLUMNS: &[Column] = &[required("NAMA"), required("KODE"), optional("CATATAN")];

    fn texts(bytes: &[u8]) -> Vec<(u32, String, String)> {
        let shown = |cell: &Cell| match cell {
            Cell::Text(text) => text.clone(),
            other => format!("{other:?}"),
        };
        read(bytes, COLUMNS).unwrap().iter().map(|row| (row.number, shown(row.cell(0)), shown(row.cell(1)))).collect()
    }

    #[test]
    fn csv_is_read_with_comma_semicolon_mark_and_windows_1252() {
        let want = |name: &str| vec![(2, name.to_owned(), "7".to_owned())];
        assert_eq!(texts(b"nama,kode\nSiti,7\n"), want("Siti"));
        assert_eq!(texts(b"\xef\xbb\xbfnama;kode\r\nSiti, S.E.;7\r\n;\r\n"), want("Siti, S.E."));
        assert_eq!(texts("nama;kode\nJosé;7\n".as_bytes()), want("José"));
        assert_eq!(texts(b"nama;kode\nJos\xe9 \x96 Jr;7\n"), want("José – Jr"));
        assert_eq!(texts(b"nama,kode\n\"Siti \"\"Nung\"\", binti Ahmad\",7\n"), want("Siti \"Nung\", binti Ahmad"));
    }

    #[test]
    fn rows_have_the_numbers_of_the_file() {
        let rows = texts(b"DAFTAR\n\nnama,kode\n\nSiti,7\n,\nAni,8\n");
        assert_eq!(rows.iter().map(|row| row.0).collect::<Vec<_>>(), [5, 7]);
    }

    #[test]
    fn what_is_no_workbook_is_refused() {
        assert_eq!(read(b"PK\x03\x04 nothing", COLUMNS).unwrap_err(), FileRefused::NotAWorkbook);
        assert!(matches!(read(b"\x00\x01\x02", COLUMNS), Err(FileRefused::NoHeader(_))));
        assert!(matches!(read(b"", COLUMNS), Err(FileRefused::NoHeader(_))));
    }
}
