//! Rows, read alike on both engines: a record's fields are the names of its columns.

use rusqlite::types::FromSql;
use sqlx::{Decode, Postgres, Row as _, Type, postgres::PgRow};

use super::StoreError;

/// What a column may be read as: text, integer, boolean or bytes, each perhaps NULL.
pub(crate) trait Cell: FromSql + for<'r> Decode<'r, Postgres> + Type<Postgres> {}
impl<T> Cell for T where T: FromSql + for<'r> Decode<'r, Postgres> + Type<Postgres> {}

/// A row type; [`record!`] makes one.
pub(crate) trait Record: Sized + Send + 'static {
    /// The columns it is read from.
    const COLUMNS: &'static [&'static str];

    /// Reads the cells of one row, in the order of [`COLUMNS`](Self::COLUMNS).
    fn read(cells: Cells<'_, impl Row>) -> Result<Self, StoreError>;
}

/// Defines row types with the columns they are read from.
macro_rules! record {
    ($(
        $(#[$of_record:meta])*
        $sight:vis struct $record:ident {
            $($(#[$of_field:meta])* $field_sight:vis $field:ident: $kind:ty),* $(,)?
        }
    )*) => {$(
        $(#[$of_record])*
        $sight struct $record {
            $($(#[$of_field])* $field_sight $field: $kind,)*
        }

        impl $crate::door::Record for $record {
            const COLUMNS: &'static [&'static str] = &[$(stringify!($field)),*];

            fn read(
                mut cells: $crate::door::Cells<'_, impl $crate::door::Row>,
            ) -> Result<Self, $crate::StoreError> {
                Ok(Self { $($field: cells.next()?,)* })
            }
        }
    )*};
}
pub(crate) use record;

/// A row of either engine.
pub(crate) trait Row {
    /// The cell at a place; none where it does not hold what is asked for.
    fn cell<T: Cell>(&self, place: usize) -> Option<T>;
}

impl Row for rusqlite::Row<'_> {
    fn cell<T: Cell>(&self, place: usize) -> Option<T> {
        T::column_result(self.get_ref(place).ok()?).ok()
    }
}

impl Row for PgRow {
    fn cell<T: Cell>(&self, place: usize) -> Option<T> {
        self.try_get(place).ok()
    }
}

/// The cells of one row, one after the other.
pub(crate) struct Cells<'r, R> {
    row: &'r R,
    places: &'r Places,
    next: usize,
}

impl<R: Row> Cells<'_, R> {
    /// The next field's cell.
    pub(crate) fn next<T: Cell>(&mut self) -> Result<T, StoreError> {
        self.next += 1;
        self.at(self.next - 1)
    }

    /// The cell of the field at a place of [`Record::COLUMNS`].
    pub(crate) fn at<T: Cell>(&self, field: usize) -> Result<T, StoreError> {
        let (name, place) = self.places.0.get(field).copied().unwrap_or(("none", usize::MAX));
        self.row.cell(place).ok_or_else(|| StoreError::Corrupt(name.to_owned()))
    }
}

/// Where in a statement's rows the columns of a record stand.
pub(super) struct Places(Vec<(&'static str, usize)>);

impl Places {
    /// Finds the columns of `R` among the `names` of a statement. Most statements name them in the record's order.
    pub(super) fn of<'n, R: Record>(names: impl Fn(usize) -> Option<&'n str>) -> Result<Self, StoreError> {
        let place = |(nth, &name): (usize, &&'static str)| match names(nth) {
            Some(here) if here == name => Ok((name, nth)),
            _ => (0..)
                .map_while(&names)
                .position(|here| here == name)
                .map(|place| (name, place))
                .ok_or_else(|| StoreError::Statement(format!("no column {name}"))),
        };
        R::COLUMNS.iter().enumerate().map(place).collect::<Result<_, _>>().map(Self)
    }

    /// Reads one row.
    pub(super) fn read<R: Record>(&self, row: &impl Row) -> Result<R, StoreError> {
        R::read(Cells { row, places: self, next: 0 })
    }
}

/// Reads the rows that PostgreSQL answered.
pub(super) fn from_postgres<R: Record>(rows: &[PgRow]) -> Result<Vec<R>, StoreError> {
    let Some(first) = rows.first() else { return Ok(Vec::new()) };
    let places = Places::of::<R>(|place| first.columns().get(place).map(sqlx::Column::name))?;
    rows.iter().map(|row| places.read(row)).collect()
}
