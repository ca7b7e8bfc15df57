//! `.npy` array files.
//!
//! Knows format versions 1 to 3 in C order and the element types tensors have; bfloat16, which the
//! format lacks, is written as `<u2` and read back as whole numbers. Refuses to trust a file: every
//! count in it is checked against the bytes there are.

use core::fmt::Write as _;
use std::fs;
use std::path::Path;

use protocol::DataType;

use super::array::{self, Array};
use super::dtype;
use super::error::{Result, SceneError};

const MAGIC: &[u8; 6] = b"\x93NUMPY";
/// Longest header taken seriously.
const MAX_HEADER: usize = 1 << 16;

/// An array as a file holds it.
#[derive(Clone, Debug, PartialEq)]
pub struct File<'b> {
    /// Type of its elements.
    pub dtype: DataType,
    /// Extents, outermost first.
    pub shape: Vec<usize>,
    /// Elements in C order, little-endian.
    pub data: &'b [u8],
}

/// Reads the array in `path`.
pub fn read(path: &Path) -> Result<Array> {
    let bytes = fs::read(path).map_err(SceneError::reading(path))?;
    let file = parse(&bytes).map_err(|message| SceneError::Npy {
        path: path.to_owned(),
        message,
    })?;
    let numbers = dtype::load(file.dtype, file.data);
    Ok(Array::new(file.shape, numbers))
}

/// Writes an array to `path`.
pub fn write(path: &Path, dtype: DataType, shape: &[usize], data: &[u8]) -> Result<()> {
    fs::write(path, encode(dtype, shape, data)).map_err(SceneError::writing(path))
}

/// The bytes of a version 1 file.
#[must_use]
pub fn encode(dtype: DataType, shape: &[usize], data: &[u8]) -> Vec<u8> {
    let mut extents = String::new();
    for extent in shape {
        // Writing to a string cannot fail.
        let _ = write!(extents, "{extent}, ");
    }
    let mut header = format!(
        "{{'descr': '{}', 'fortran_order': False, 'shape': ({}), }}",
        descr(dtype),
        match shape.len() {
            1 => extents.trim_end(),
            _ => extents.trim_end_matches(", "),
        }
    );
    // The data begins at a multiple of 64, the header ends in a newline.
    let fixed = MAGIC.len() + 4;
    let padded = (fixed + header.len() + 1).next_multiple_of(64) - fixed;
    while header.len() + 1 < padded {
        header.push(' ');
    }
    header.push('\n');
    let length = u16::try_from(header.len()).expect("a few extents make a short header");
    [
        MAGIC,
        &[1, 0][..],
        &length.to_le_bytes(),
        header.as_bytes(),
        data,
    ]
    .concat()
}

/// Reads a file's bytes without copying the data.
pub fn parse(bytes: &[u8]) -> Result<File<'_>, String> {
    let rest = bytes
        .strip_prefix(MAGIC)
        .ok_or("not an .npy file: the first six bytes are not \\x93NUMPY")?;
    let cut = || "the file ends inside its header".to_owned();
    let (version, rest) = rest.split_first_chunk::<2>().ok_or_else(cut)?;
    let (length, rest) = match version {
        [1, _] => {
            let (length, rest) = rest.split_first_chunk().ok_or_else(cut)?;
            (usize::from(u16::from_le_bytes(*length)), rest)
        }
        [2 | 3, _] => {
            let (length, rest) = rest.split_first_chunk().ok_or_else(cut)?;
            (u32::from_le_bytes(*length) as usize, rest)
        }
        [major, minor] => {
            return Err(format!(
                "format version {major}.{minor}; 1, 2 and 3 are understood"
            ));
        }
    };
    if length > MAX_HEADER {
        return Err(format!(
            "the header claims {length} bytes; at most {MAX_HEADER} make sense"
        ));
    }
    let (header, data) = rest.split_at_checked(length).ok_or_else(cut)?;
    let header = core::str::from_utf8(header).map_err(|_| "the header is not text")?;
    let (dtype, shape) = Header { rest: header }.read()?;
    let elements = array::count(&shape)?;
    let want = elements * dtype.element_size() as usize;
    if data.len() != want {
        return Err(format!(
            "shape {} of {} needs {want} bytes of data; the file has {}",
            array::show(&shape),
            dtype::short_name(dtype),
            data.len()
        ));
    }
    Ok(File { dtype, shape, data })
}

fn descr(dtype: DataType) -> &'static str {
    match dtype {
        DataType::Float32 => "<f4",
        DataType::Float16 => "<f2",
        DataType::Int32 => "<i4",
        DataType::Int16 => "<i2",
        DataType::Int8 => "|i1",
        DataType::Uint8 => "|u1",
        DataType::Int64 => "<i8",
        DataType::Uint64 => "<u8",
        DataType::Uint16 | DataType::Bfloat16 => "<u2",
        DataType::Uint32 => "<u4",
    }
}

fn from_descr(descr: &str) -> Result<DataType, String> {
    let single_byte = matches!(descr, "<i1" | "<u1" | "|b1" | "?");
    let name = match descr {
        "<i1" => "|i1",
        _ if single_byte => "|u1",
        other => other,
    };
    DataType::ALL
        .iter()
        .copied()
        .filter(|&dtype| dtype != DataType::Bfloat16)
        .find(|&dtype| self::descr(dtype) == name)
        .ok_or_else(|| {
            let hint = match descr {
                "<f8" => "; save it with .astype('float32')",
                _ if descr.starts_with('>') => "; save it little-endian",
                _ => "",
            };
            format!("element type `{descr}` is not one a tensor can have{hint}")
        })
}

/// The Python dictionary in front of the data.
struct Header<'h> {
    rest: &'h str,
}

impl<'h> Header<'h> {
    fn read(mut self) -> Result<(DataType, Vec<usize>), String> {
        let (mut dtype, mut shape, mut fortran) = (None, None, None);
        self.want("{")?;
        while !self.take("}") {
            let key = self.quoted()?;
            self.want(":")?;
            match key {
                "descr" => dtype = Some(from_descr(self.quoted()?)?),
                "fortran_order" => fortran = Some(self.truth()?),
                "shape" => shape = Some(self.extents()?),
                other => return Err(format!("the header has an unknown key '{other}'")),
            }
            if !self.take(",") {
                self.want("}")?;
                break;
            }
        }
        let missing = |key| format!("the header has no '{key}'");
        let shape = shape.ok_or_else(|| missing("shape"))?;
        let vector = shape.iter().filter(|&&extent| extent > 1).count() <= 1;
        if fortran.ok_or_else(|| missing("fortran_order"))? && !vector {
            return Err(
                "the array is in Fortran order; save it with numpy.ascontiguousarray".to_owned(),
            );
        }
        Ok((dtype.ok_or_else(|| missing("descr"))?, shape))
    }

    fn take(&mut self, sign: &str) -> bool {
        self.rest = self.rest.trim_start();
        match self.rest.strip_prefix(sign) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn want(&mut self, sign: &str) -> Result<(), String> {
        if self.take(sign) {
            return Ok(());
        }
        let seen: String = self.rest.chars().take(12).collect();
        Err(format!("the header has `{seen}` where `{sign}` belongs"))
    }

    fn quoted(&mut self) -> Result<&'h str, String> {
        let quote = if self.take("\"") { '"' } else { '\'' };
        if quote == '\'' {
            self.want("'")?;
        }
        let (inside, rest) = self
            .rest
            .split_once(quote)
            .ok_or("the header has an open quote")?;
        self.rest = rest;
        Ok(inside)
    }

    fn truth(&mut self) -> Result<bool, String> {
        if self.take("True") {
            return Ok(true);
        }
        self.want("False").map(|()| false)
    }

    fn extents(&mut self) -> Result<Vec<usize>, String> {
        self.want("(")?;
        let mut extents = Vec::new();
        while !self.take(")") {
            self.rest = self.rest.trim_start();
            let digits = self
                .rest
                .find(|c: char| !c.is_ascii_digit())
                .unwrap_or(self.rest.len());
            let (number, rest) = self.rest.split_at(digits);
            extents.push(
                number
                    .parse()
                    .map_err(|_| format!("the header's shape has `{number}` for an extent"))?,
            );
            self.rest = rest;
            if !self.take(",") {
                self.want(")")?;
                break;
            }
        }
        Ok(extents)
    }
}

#[cfg(test)]
mod tests {
    use super::{encode, parse};
    use proptest::prelude::{any, prop, proptest};
    use protocol::DataType;

    #[test]
    fn reads_what_numpy_writes() {
        // numpy.save of numpy.arange(6, dtype='<i2').reshape(2, 3), byte for byte.
        let mut bytes = b"\x93NUMPY\x01\x00\x76\x00".to_vec();
        let mut header = b"{'descr': '<i2', 'fortran_order': False, 'shape': (2, 3), }".to_vec();
        header.resize(0x75, b' ');
        header.push(b'\n');
        bytes.extend(header);
        bytes.extend((0..6i16).flat_map(i16::to_le_bytes));
        let file = parse(&bytes).expect("a good file");
        assert_eq!((file.dtype, file.shape), (DataType::Int16, vec![2, 3]));
        assert_eq!(file.data.len(), 12);
    }

    #[test]
    fn refuses_with_the_reason() {
        let good = encode(DataType::Float32, &[2, 2], &[0; 16]);
        assert!(
            parse(&good[..good.len() - 1])
                .expect_err("cut")
                .contains("needs 16 bytes")
        );
        assert!(
            parse(&good[..9])
                .expect_err("cut")
                .contains("inside its header")
        );
        assert!(
            parse(b"PK")
                .expect_err("a zip")
                .contains("not an .npy file")
        );
        let with = |from: &str, into: &str| {
            let text = String::from_utf8_lossy(&good[10..128]).replace(from, into);
            let mut bytes = good[..8].to_vec();
            bytes.extend(u16::try_from(text.len()).expect("short").to_le_bytes());
            bytes.extend(text.bytes());
            bytes.extend(&good[128..]);
            parse(&bytes).expect_err("a bad header")
        };
        assert!(with("False", "True").contains("Fortran"));
        assert!(with("<f4", "<f8").contains("astype('float32')"));
        assert!(with("<f4", ">f4").contains("little-endian"));
        assert!(with("(2, 2)", "(2, 2").contains("for an extent"));
        assert!(with("(2, 2)", "(-2, 2)").contains("extent"));
        assert!(with("(2, 2)", "(99999999999, 99999999999)").contains("more than"));
        assert!(with("'shape'", "'shapes'").contains("unknown key"));
        assert!(with("'shape': (2, 2), ", "").contains("no 'shape'"));
    }

    proptest! {
        #[test]
        fn round_trip(shape in prop::collection::vec(0usize..5, 0..4), index in 0usize..11) {
            let dtype = DataType::ALL[index];
            let bytes = shape.iter().product::<usize>() * dtype.element_size() as usize;
            let data: Vec<u8> = (0..bytes).map(|at| at.to_le_bytes()[0]).collect();
            let encoded = encode(dtype, &shape, &data);
            assert_eq!((encoded.len() - data.len()) % 64, 0);
            let file = parse(&encoded).expect("our own file");
            assert_eq!((&file.shape, file.data), (&shape, data.as_slice()));
            assert!(file.dtype == dtype || dtype == DataType::Bfloat16);
        }

        #[test]
        fn changed_files_never_panic(
            at in 0usize..144,
            byte in any::<u8>(),
            cut in 0usize..145,
        ) {
            let mut bytes = encode(DataType::Float32, &[2, 2], &[0; 16]);
            bytes[at] = byte;
            let whole = parse(&bytes).is_ok();
            let part = parse(&bytes[..cut.min(bytes.len())]).is_ok();
            assert!(whole || !part || cut >= bytes.len());
        }
    }
}
