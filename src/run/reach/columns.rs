//! Cells as Parquet: the columns of the CSV, a row group for some hundred thousand cells.

use super::lines::{by, number};
use super::{Pairs, Taker, word};
use crate::fast::matrix::{Cell, Side};
use parquet::basic::Encoding;
use parquet::data_type::{ByteArray, ByteArrayType, DataType, Int32Type, Int64Type};
use parquet::errors::{ParquetError, Result};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;
use std::io::{self, Write};
use std::sync::Arc;

const SCHEMA: &str = "message reach {
    required int32 from_class;
    required int32 to_class;
    required binary service (utf8);
    required binary outcome (utf8);
    optional binary cause (utf8);
    required int64 pairs;
    required binary answered_by (utf8);
}";

/// Cells of a row group.
const GROUP: usize = 1 << 18;

/// Cells as columns.
pub struct Columns<W: Write + Send> {
    writer: Option<SerializedFileWriter<W>>,
    waiting: Waiting,
}

#[derive(Default)]
struct Waiting {
    from: Vec<i32>,
    to: Vec<i32>,
    service: Vec<ByteArray>,
    outcome: Vec<ByteArray>,
    cause: Vec<ByteArray>,
    caused: Vec<i16>,
    pairs: Vec<i64>,
    by: Vec<ByteArray>,
}

impl<W: Write + Send> Columns<W> {
    /// Begins a file.
    pub fn new(out: W) -> io::Result<Self> {
        let schema = Arc::new(parse_message_type(SCHEMA).map_err(fault)?);
        let settings = WriterProperties::builder().set_encoding(Encoding::PLAIN).build();
        let writer = SerializedFileWriter::new(out, schema, Arc::new(settings)).map_err(fault)?;
        Ok(Self { writer: Some(writer), waiting: Waiting::default() })
    }

    fn flush(&mut self) -> Result<()> {
        let waiting = std::mem::take(&mut self.waiting);
        let Some(writer) = self.writer.as_mut().filter(|_| !waiting.from.is_empty()) else { return Ok(()) };
        let mut group = writer.next_row_group()?;
        column::<Int32Type, W>(&mut group, &waiting.from, None)?;
        column::<Int32Type, W>(&mut group, &waiting.to, None)?;
        column::<ByteArrayType, W>(&mut group, &waiting.service, None)?;
        column::<ByteArrayType, W>(&mut group, &waiting.outcome, None)?;
        column::<ByteArrayType, W>(&mut group, &waiting.cause, Some(&waiting.caused))?;
        column::<Int64Type, W>(&mut group, &waiting.pairs, None)?;
        column::<ByteArrayType, W>(&mut group, &waiting.by, None)?;
        group.close()?;
        Ok(())
    }
}

fn column<T: DataType, W: Write + Send>(
    group: &mut SerializedRowGroupWriter<'_, W>,
    values: &[T::T],
    defined: Option<&[i16]>,
) -> Result<()> {
    let Some(mut column) = group.next_column()? else {
        return Err(ParquetError::General("the schema has fewer columns".into()));
    };
    column.typed::<T>().write_batch(values, defined, None)?;
    column.close()
}

impl<W: Write + Send> Taker for Columns<W> {
    fn take(&mut self, pairs: &Pairs, from: Side, cells: &[Cell]) -> io::Result<()> {
        let services: Vec<ByteArray> =
            pairs.services.iter().map(|s| ByteArray::from(word(*s).into_bytes())).collect();
        for cell in cells {
            let waiting = &mut self.waiting;
            waiting.from.push(number(from) as i32);
            waiting.to.push(number(cell.to) as i32);
            waiting.service.push(services[usize::from(cell.service)].clone());
            waiting.outcome.push(cell.outcome.word().into());
            waiting.caused.push(i16::from(cell.cause.is_some()));
            waiting.cause.extend(cell.cause.map(|c| ByteArray::from(c.code())));
            waiting.pairs.push(i64::try_from(cell.pairs).unwrap_or(i64::MAX));
            waiting.by.push(by(cell.by).into());
        }
        if self.waiting.from.len() >= GROUP {
            self.flush().map_err(fault)?;
        }
        Ok(())
    }

    fn end(&mut self) -> io::Result<()> {
        self.flush().map_err(fault)?;
        match self.writer.take() {
            Some(writer) => writer.close().map(drop).map_err(fault),
            None => Ok(()),
        }
    }
}

fn fault(error: ParquetError) -> io::Error {
    io::Error::other(error)
}
