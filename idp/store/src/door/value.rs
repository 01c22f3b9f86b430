//! The vocabulary of bound values: text, integer, boolean and bytes, each nullable. Two engines
//! agree on these without casts; everything else is told in terms of them.

use gapura_core::{
    id::{
        ApplicationId, AssignmentId, BatchId, ClientId, EventId, FamilyId, KeyId, MessageId, PositionId,
        RefreshTokenId, RoleGrantId, RuleId, SessionId, UnitId, UserId,
    },
    time::{Date, Instant},
};
use rusqlite::{ToSql, types::ToSqlOutput};
use sqlx::{Arguments, postgres::PgArguments};

use super::StoreError;

/// One bound value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// TEXT.
    Text(Option<String>),
    /// BIGINT.
    Int(Option<i64>),
    /// BOOLEAN.
    Bool(Option<bool>),
    /// BYTEA.
    Bytes(Option<Vec<u8>>),
}

/// Values for `$1…$n`, in order.
macro_rules! values {
    ($($value:expr),* $(,)?) => { vec![$($crate::door::Value::from($value)),*] };
}
pub(crate) use values;

macro_rules! from {
    ($($arm:ident($source:ty) = |$value:ident| $made:expr;)*) => {$(
        impl From<$source> for Value {
            fn from($value: $source) -> Self {
                Self::$arm(Some($made))
            }
        }

        impl From<Option<$source>> for Value {
            fn from(value: Option<$source>) -> Self {
                Self::$arm(value.map(|$value| $made))
            }
        }
    )*};
}

from! {
    Text(&str) = |text| text.to_owned();
    Text(String) = |text| text;
    Text(&String) = |text| text.clone();
    Text(Date) = |date| date.to_string();
    Int(i64) = |number| number;
    Int(Instant) = |at| at.millis();
    Bool(bool) = |truth| truth;
    Bytes(&[u8]) = |bytes| bytes.to_vec();
    Bytes(&Vec<u8>) = |bytes| bytes.clone();
    Bytes(Vec<u8>) = |bytes| bytes;
    Text(&ApplicationId) = |id| id.as_str().to_owned();
    Text(&AssignmentId) = |id| id.as_str().to_owned();
    Text(&BatchId) = |id| id.as_str().to_owned();
    Text(&ClientId) = |id| id.as_str().to_owned();
    Text(&EventId) = |id| id.as_str().to_owned();
    Text(&FamilyId) = |id| id.as_str().to_owned();
    Text(&KeyId) = |id| id.as_str().to_owned();
    Text(&MessageId) = |id| id.as_str().to_owned();
    Text(&PositionId) = |id| id.as_str().to_owned();
    Text(&RefreshTokenId) = |id| id.as_str().to_owned();
    Text(&RoleGrantId) = |id| id.as_str().to_owned();
    Text(&RuleId) = |id| id.as_str().to_owned();
    Text(&SessionId) = |id| id.as_str().to_owned();
    Text(&UnitId) = |id| id.as_str().to_owned();
    Text(&UserId) = |id| id.as_str().to_owned();
}

impl<const N: usize> From<&[u8; N]> for Value {
    fn from(bytes: &[u8; N]) -> Self {
        Self::Bytes(Some(bytes.to_vec()))
    }
}

/// Binds values for PostgreSQL, in order.
pub(super) fn for_postgres(values: &[Value]) -> Result<PgArguments, StoreError> {
    let mut arguments = PgArguments::default();
    for value in values {
        let added = match value {
            Value::Text(text) => Arguments::add(&mut arguments, text.as_deref()),
            Value::Int(number) => Arguments::add(&mut arguments, *number),
            Value::Bool(truth) => Arguments::add(&mut arguments, *truth),
            Value::Bytes(bytes) => Arguments::add(&mut arguments, bytes.as_deref()),
        };
        added.map_err(|error| StoreError::Statement(error.to_string()))?;
    }
    Ok(arguments)
}

/// Binds a value for SQLite.
impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        match self {
            Self::Text(text) => text.to_sql(),
            Self::Int(number) => number.to_sql(),
            Self::Bool(truth) => truth.to_sql(),
            Self::Bytes(bytes) => bytes.to_sql(),
        }
    }
}
