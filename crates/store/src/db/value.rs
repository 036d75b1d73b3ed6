//! Values that both databases hold alike: whole numbers, real numbers, text, bytes.

use domain::id;
use jiff::Timestamp;

use crate::StoreError;

/// A value of a parameter or a column.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Null,
    Int(i64),
    Real(f64),
    Text(String),
    Bytes(Vec<u8>),
}

/// A row of a result.
#[derive(Clone, Debug)]
pub(crate) struct Row(pub(crate) Vec<Value>);

/// Builds the parameters of a statement.
macro_rules! params {
    ($($value:expr),* $(,)?) => { vec![$($crate::db::Value::from($value)),*] };
}
pub(crate) use params;

macro_rules! from {
    ($($type:ty => |$value:ident| $make:expr;)+) => {$(
        impl From<$type> for Value {
            fn from($value: $type) -> Self {
                $make
            }
        }
    )+};
}

from! {
    i64 => |value| Value::Int(value);
    u32 => |value| Value::Int(i64::from(value));
    // Counters and versions; none comes near 2^63.
    u64 => |value| Value::Int(i64::try_from(value).unwrap_or(i64::MAX));
    usize => |value| Value::Int(i64::try_from(value).unwrap_or(i64::MAX));
    bool => |value| Value::Int(i64::from(value));
    f64 => |value| Value::Real(value);
    &str => |value| Value::Text(value.to_owned());
    String => |value| Value::Text(value);
    &String => |value| Value::Text(value.clone());
    Vec<u8> => |value| Value::Bytes(value);
    &[u8] => |value| Value::Bytes(value.to_vec());
    Timestamp => |value| Value::Int(value.as_millisecond());
    &semver::Version => |value| Value::Text(value.to_string());
    &domain::name::ProductName => |value| Value::Text(value.to_string());
    &domain::name::ServiceName => |value| Value::Text(value.to_string());
    &domain::name::DocumentName => |value| Value::Text(value.to_string());
    &domain::name::GroupName => |value| Value::Text(value.to_string());
    &domain::name::Hostname => |value| Value::Text(value.to_string());
    &domain::site::Zone => |value| Value::Text(value.as_str().to_owned());
}

macro_rules! from_id {
    ($($type:ident),+ $(,)?) => {$(
        impl From<id::$type> for Value {
            fn from(id: id::$type) -> Self {
                Value::Bytes(id.as_bytes().to_vec())
            }
        }
    )+};
}

from_id!(
    OrganizationId,
    SiteId,
    AgentId,
    ReportId,
    AlarmId,
    IncidentId,
    UpdateId,
    CampaignId,
    EntryId,
    PageId,
    DeliveryId,
    AccountId,
    HolderId,
    SeriesId,
    AuditId,
    BannerId,
    FollowUpId,
    CommentId,
    FollowerId,
    AnnouncementId,
    NotificationId,
    DrillId,
);

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Value::Null, Into::into)
    }
}

/// A column that does not read back.
pub(crate) fn corrupt(what: &'static str, value: &impl std::fmt::Debug) -> StoreError {
    StoreError::Corrupt {
        what,
        value: format!("{value:?}").chars().take(80).collect(),
    }
}

impl Row {
    fn at(&self, column: usize) -> &Value {
        self.0.get(column).unwrap_or(&Value::Null)
    }

    pub(crate) fn is_null(&self, column: usize) -> bool {
        *self.at(column) == Value::Null
    }

    pub(crate) fn int(&self, column: usize) -> Result<i64, StoreError> {
        match self.at(column) {
            Value::Int(value) => Ok(*value),
            other => Err(corrupt("whole number", other)),
        }
    }

    pub(crate) fn count(&self, column: usize) -> Result<u64, StoreError> {
        let value = self.int(column)?;
        u64::try_from(value).map_err(|_| corrupt("count", &value))
    }

    pub(crate) fn flag(&self, column: usize) -> Result<bool, StoreError> {
        self.int(column).map(|value| value != 0)
    }

    pub(crate) fn real(&self, column: usize) -> Result<f64, StoreError> {
        match self.at(column) {
            Value::Real(value) => Ok(*value),
            #[expect(
                clippy::cast_precision_loss,
                reason = "SQLite gives whole reals as integers"
            )]
            Value::Int(value) => Ok(*value as f64),
            other => Err(corrupt("number", other)),
        }
    }

    pub(crate) fn str(&self, column: usize) -> Result<&str, StoreError> {
        match self.at(column) {
            Value::Text(value) => Ok(value),
            other => Err(corrupt("text", other)),
        }
    }

    pub(crate) fn text(&self, column: usize) -> Result<String, StoreError> {
        self.str(column).map(str::to_owned)
    }

    pub(crate) fn bytes(&self, column: usize) -> Result<&[u8], StoreError> {
        match self.at(column) {
            Value::Bytes(value) => Ok(value),
            other => Err(corrupt("bytes", other)),
        }
    }

    pub(crate) fn time(&self, column: usize) -> Result<Timestamp, StoreError> {
        let value = self.int(column)?;
        Timestamp::from_millisecond(value).map_err(|_| corrupt("time", &value))
    }

    /// Reads an identifier: `row.id(0, SiteId::from_bytes)?`.
    pub(crate) fn id<T>(
        &self,
        column: usize,
        read: impl Fn(&[u8]) -> Option<T>,
    ) -> Result<T, StoreError> {
        let bytes = self.bytes(column)?;
        read(bytes).ok_or_else(|| corrupt("identifier", &bytes))
    }

    /// Reads text that parses, such as a name or a version.
    pub(crate) fn parse<T: std::str::FromStr>(
        &self,
        column: usize,
        what: &'static str,
    ) -> Result<T, StoreError> {
        let text = self.str(column)?;
        text.parse().map_err(|_| corrupt(what, &text))
    }

    /// Reads a column that may be null.
    pub(crate) fn optional<T>(
        &self,
        column: usize,
        read: impl FnOnce(&Self) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        if self.is_null(column) {
            Ok(None)
        } else {
            read(self).map(Some)
        }
    }
}
