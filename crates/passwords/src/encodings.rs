//! How bytes are written as text, and text as bytes, in imported hashes.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// How a hash, salt or key is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Written {
    /// As its own text.
    #[default]
    Utf8,
    /// Hexadecimal digits.
    Hex,
    /// Base64, standard or URL-safe, padded or not.
    Base64,
}

const LENIENT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);

impl Written {
    /// The bytes; `None` if the text is not written so.
    pub(crate) fn bytes(self, text: &str) -> Option<Vec<u8>> {
        match self {
            Self::Utf8 => Some(text.as_bytes().to_vec()),
            Self::Hex => hex(text),
            Self::Base64 => base64(text),
        }
    }
}

/// Base64, standard or URL-safe, padded or not.
pub(crate) fn base64(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text.replace('-', "+").replace('_', "/")).ok()
}

fn hex(text: &str) -> Option<Vec<u8>> {
    let digits = text.chars().map(|c| c.to_digit(16)).collect::<Option<Vec<u32>>>()?;
    if digits.len() % 2 != 0 {
        return None;
    }
    digits.chunks(2).map(|pair| u8::try_from(pair[0] * 16 + pair[1]).ok()).collect()
}

/// In which bytes the other system hashed a password. The names are Node's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum PasswordEncoding {
    /// UTF-8.
    #[default]
    Utf8,
    /// Like `latin1`.
    Ascii,
    /// UTF-16, low byte first.
    Utf16le,
    /// Like `utf16le`.
    Ucs2,
    /// The low byte of each UTF-16 unit.
    Latin1,
    /// Like `latin1`.
    Binary,
}

impl PasswordEncoding {
    pub(crate) fn bytes(self, password: &str) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(match self {
            Self::Utf8 => password.as_bytes().to_vec(),
            Self::Utf16le | Self::Ucs2 => password.encode_utf16().flat_map(u16::to_le_bytes).collect(),
            Self::Ascii | Self::Latin1 | Self::Binary => {
                password.encode_utf16().map(|unit| unit.to_le_bytes()[0]).collect()
            }
        })
    }
}
