//! A file as UTF-8 bytes: unpacked, recoded, without a byte order mark.
//!
//! Reads with plain reads into the caller's buffer; never holds more than one block of its own. What is no text at all is
//! refused here, before anyone looks for rows. A byte that is wrong in the file's encoding reaches the row as a byte that
//! is wrong in UTF-8, so that the row is refused and no other.

use super::error::IngestError;
use super::mapping::Encoding;
use flate2::bufread::MultiGzDecoder;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

/// Compressed or foreign bytes are read in blocks of this size.
const BLOCK_BYTES: usize = 256 * 1024;
/// Enough to tell an encoding: a NUL in the first bytes is no text in UTF-8 or GBK.
const HEAD_BYTES: usize = 1024;
/// Never part of UTF-8 text.
const WRONG_BYTE: u8 = 0xff;

pub(super) struct Input {
    bytes: Bytes,
    recode: Option<Recode>,
    /// What was looked at to tell the encoding, not yet handed on.
    head: Vec<u8>,
    head_at: usize,
}

enum Bytes {
    Plain(File),
    Gzip(Box<MultiGzDecoder<BufReader<File>>>),
}

struct Recode {
    decoder: encoding_rs::Decoder,
    /// Foreign bytes, of which `from..to` wait for the decoder.
    block: Vec<u8>,
    from: usize,
    to: usize,
    ended: bool,
    /// UTF-8 that waits for the caller: the decoder wants more room than a caller may have.
    ready: Vec<u8>,
    ready_at: usize,
    finished: bool,
}

/// Opens a file for reading; a folder is refused.
pub(super) fn open_file(path: &Path) -> Result<File, IngestError> {
    let file = File::open(path).map_err(IngestError::opening)?;
    let kind = file.metadata().map_err(IngestError::opening)?;
    if kind.is_dir() { Err(IngestError::Folder) } else { Ok(file) }
}

/// The BLAKE3 digest of a file's bytes as they lie on disk: what makes it this file and no other.
///
/// # Errors
/// When the file cannot be opened or read.
pub fn file_digest(path: &Path) -> Result<[u8; 32], IngestError> {
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(open_file(path)?).map_err(IngestError::Read)?;
    Ok(*hasher.finalize().as_bytes())
}

impl Input {
    pub fn open(path: &Path, encoding: Encoding) -> Result<Self, IngestError> {
        let mut file = open_file(path)?;
        let magic = read_full(&mut file, 8).map_err(IngestError::Read)?;
        let file = {
            io::Seek::rewind(&mut file).map_err(IngestError::Read)?;
            file
        };
        if magic.starts_with(super::capture::MAGIC) {
            return Err(IngestError::CaptureAsText);
        }
        let bytes = if magic.starts_with(&[0x1f, 0x8b]) {
            Bytes::Gzip(Box::new(MultiGzDecoder::new(BufReader::with_capacity(BLOCK_BYTES, file))))
        } else {
            Bytes::Plain(file)
        };
        let recode = (encoding == Encoding::Gbk).then(|| Recode {
            decoder: encoding_rs::GBK.new_decoder_without_bom_handling(),
            block: vec![0; BLOCK_BYTES],
            from: 0,
            to: 0,
            ended: false,
            ready: Vec::new(),
            ready_at: 0,
            finished: false,
        });
        let mut input = Self { bytes, recode, head: Vec::new(), head_at: 0 };
        let mut head = vec![0; HEAD_BYTES];
        let mut len = 0;
        // The head is looked at before recoding: a mark tells more than what it recodes to.
        while len < HEAD_BYTES {
            let read = input.bytes.read(head.get_mut(len..).unwrap_or_default())?;
            if read == 0 {
                break;
            }
            len += read;
        }
        head.truncate(len);
        let found = match head.as_slice() {
            [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => Some("it looks like UTF-16"),
            _ if memchr::memchr(0, &head).is_some() => Some("it holds NUL bytes, like UTF-16 or a binary file"),
            _ => None,
        };
        if let Some(found) = found {
            return Err(IngestError::Encoding { found });
        }
        let marked = head.starts_with(&[0xef, 0xbb, 0xbf]);
        if marked {
            head.drain(..3);
            // The mark says UTF-8, whatever the mapping says.
            input.recode = None;
        }
        match &mut input.recode {
            Some(recode) => {
                recode.block.get_mut(..head.len()).unwrap_or_default().copy_from_slice(&head);
                recode.to = head.len();
            }
            None => input.head = head,
        }
        Ok(input)
    }

    /// Reads into `buffer`, like `Read::read`: 0 is the end of the file.
    pub fn read(&mut self, buffer: &mut [u8]) -> Result<usize, IngestError> {
        let waiting = self.head.get(self.head_at..).unwrap_or_default();
        if !waiting.is_empty() {
            let len = waiting.len().min(buffer.len());
            for (to, from) in buffer.iter_mut().zip(waiting) {
                *to = *from;
            }
            self.head_at += len;
            return Ok(len);
        }
        match &mut self.recode {
            None => self.bytes.read(buffer),
            Some(recode) => recode.read(&mut self.bytes, buffer),
        }
    }
}

impl Bytes {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, IngestError> {
        loop {
            let read = match self {
                Self::Plain(file) => file.read(buffer).map_err(IngestError::Read),
                Self::Gzip(gzip) => gzip.read(buffer).map_err(|error| match error.kind() {
                    io::ErrorKind::UnexpectedEof => IngestError::GzipCut,
                    io::ErrorKind::Interrupted => IngestError::Read(error),
                    _ => IngestError::Gzip(error),
                }),
            };
            match read {
                Err(IngestError::Read(error)) if error.kind() == io::ErrorKind::Interrupted => {}
                done => return done,
            }
        }
    }
}

impl Recode {
    fn read(&mut self, bytes: &mut Bytes, buffer: &mut [u8]) -> Result<usize, IngestError> {
        while self.ready_at == self.ready.len() && !self.finished {
            self.decode(bytes)?;
        }
        let waiting = self.ready.get(self.ready_at..).unwrap_or_default();
        let len = waiting.len().min(buffer.len());
        for (to, from) in buffer.iter_mut().zip(waiting) {
            *to = *from;
        }
        self.ready_at += len;
        Ok(len)
    }

    /// Decodes what there is into `ready`. Half a character at a block's end stays in the decoder.
    fn decode(&mut self, bytes: &mut Bytes) -> Result<(), IngestError> {
        if self.from == self.to && !self.ended {
            self.from = 0;
            self.to = bytes.read(&mut self.block)?;
            self.ended = self.to == 0;
        }
        self.ready_at = 0;
        // Three bytes of UTF-8 for two of GBK, and a few for what the decoder holds.
        self.ready.resize(BLOCK_BYTES * 2, 0);
        let from = self.block.get(self.from..self.to).unwrap_or_default();
        let (result, read, written) = self.decoder.decode_to_utf8_without_replacement(from, &mut self.ready, self.ended);
        self.from += read;
        self.ready.truncate(written);
        match result {
            encoding_rs::DecoderResult::Malformed(_, _) => self.ready.push(WRONG_BYTE),
            encoding_rs::DecoderResult::InputEmpty => self.finished = self.ended,
            encoding_rs::DecoderResult::OutputFull => {}
        }
        Ok(())
    }
}

fn read_full(file: &mut File, len: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(len);
    file.take(len as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}
