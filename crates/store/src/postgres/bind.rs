//! Parameters, bound by the type that the statement wants.

use std::error::Error;

use bytes::{BufMut as _, BytesMut};
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};

use crate::Val;

/// A [`Val`] as PostgreSQL takes it.
#[derive(Debug)]
pub(super) struct Bound<'a>(pub(super) &'a Val);

impl ToSql for Bound<'_> {
    fn to_sql(&self, wanted: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match (self.0, wanted) {
            (Val::Null, _) => Ok(IsNull::Yes),
            (Val::Bool(value), &Type::BOOL) => value.to_sql(wanted, out),
            (Val::Int(value), &Type::INT8) => value.to_sql(wanted, out),
            (Val::Int(value), &Type::INT4) => i32::try_from(*value)?.to_sql(wanted, out),
            (Val::Int(value), &Type::INT2) => i16::try_from(*value)?.to_sql(wanted, out),
            (Val::Text(text), &(Type::TEXT | Type::VARCHAR | Type::BPCHAR | Type::NAME | Type::UNKNOWN)) => {
                text.to_sql(wanted, out)
            }
            (Val::Blob(bytes), &Type::BYTEA) => bytes.to_sql(wanted, out),
            (Val::Json(value), &(Type::JSONB | Type::JSON)) => value.to_sql(wanted, out),
            (Val::JsonText(text), &(Type::JSONB | Type::JSON)) => {
                // The binary form of JSONB is its version and the text.
                if *wanted == Type::JSONB {
                    out.put_u8(1);
                }
                out.put_slice(text.as_bytes());
                Ok(IsNull::No)
            }
            (value, _) => {
                Err(format!("{} was given for a parameter of type {wanted}", value.type_name()).into())
            }
        }
    }

    /// Any, because the value decides.
    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}
