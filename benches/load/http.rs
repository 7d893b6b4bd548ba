//! As much of HTTP/1.1 as it takes to ask a server that is well known, again and again on one connection.

use std::io::{Error, ErrorKind, Read, Result, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// How much is read at a time, in bytes.
const PIECE: usize = 64 * 1024;

/// A request of a browser; without cookies if there are none.
pub fn request(host: &str, path: &str, cookies: &str) -> Vec<u8> {
    let cookies = if cookies.is_empty() {
        String::new()
    } else {
        format!("Cookie: {cookies}\r\n")
    };
    format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nAccept: text/html\r\nUser-Agent: bench-load\r\n{cookies}\r\n")
        .into()
}

/// A connection that is kept.
pub struct Connection {
    stream: TcpStream,
    answer: Answer,
    piece: Vec<u8>,
}

impl Connection {
    /// It fails whatever is not answered at that time.
    pub fn open(address: SocketAddr, until: Instant) -> Result<Self> {
        let patience = until.saturating_duration_since(Instant::now());
        let patience = patience.max(Duration::from_millis(1));
        let stream = TcpStream::connect_timeout(&address, patience)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(patience))?;
        stream.set_write_timeout(Some(patience))?;
        Ok(Connection {
            stream,
            answer: Answer::default(),
            piece: vec![0; PIECE],
        })
    }

    /// Sends a request and waits for the last byte of the answer; tells its status.
    pub fn ask(&mut self, request: &[u8]) -> Result<u16> {
        self.answer = Answer::default();
        self.stream.write_all(request)?;
        loop {
            let read = self.stream.read(&mut self.piece)?;
            if read == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
            if let Some(status) = self.answer.take(&self.piece[..read])? {
                return Ok(status);
            }
        }
    }

    /// The body of the last answer.
    pub fn body(&self) -> &str {
        std::str::from_utf8(&self.answer.body).unwrap_or_default()
    }
}

#[derive(Default)]
struct Answer {
    /// What has not been understood yet.
    rest: Vec<u8>,
    head: Option<Head>,
    body: Vec<u8>,
}

#[derive(Clone, Copy)]
struct Head {
    status: u16,
    /// `None` if it comes in chunks.
    length: Option<usize>,
}

impl Answer {
    /// Takes in some bytes; the status when they are the last.
    fn take(&mut self, bytes: &[u8]) -> Result<Option<u16>> {
        self.rest.extend_from_slice(bytes);
        let head = match self.head {
            Some(head) => head,
            None => {
                let Some(end) = find(&self.rest, b"\r\n\r\n") else {
                    return Ok(None);
                };
                let head = Head::read(&self.rest[..end])?;
                self.rest.drain(..end + 4);
                *self.head.insert(head)
            }
        };
        let is_whole = match head.length {
            Some(length) => {
                self.body.append(&mut self.rest);
                self.body.len() >= length
            }
            None => self.unchunk()?,
        };
        Ok(is_whole.then_some(head.status))
    }

    /// Moves whole chunks to the body; whether the last was among them.
    fn unchunk(&mut self) -> Result<bool> {
        let mut from = 0;
        let is_whole = loop {
            let rest = &self.rest[from..];
            let Some(end) = find(rest, b"\r\n") else { break false };
            let size = std::str::from_utf8(&rest[..end]).ok();
            let size = size.and_then(|text| usize::from_str_radix(text.split(';').next()?.trim(), 16).ok());
            let size = size.ok_or_else(|| wrong("a chunk without a size"))?;
            // The size's line, the chunk and the end of its line.
            let next = end + 2 + size + 2;
            if rest.len() < next {
                break false;
            }
            self.body.extend_from_slice(&rest[end + 2..end + 2 + size]);
            from += next;
            if size == 0 {
                break true;
            }
        };
        self.rest.drain(..from);
        Ok(is_whole)
    }
}

impl Head {
    fn read(bytes: &[u8]) -> Result<Self> {
        let text = std::str::from_utf8(bytes).map_err(|_| wrong("a head that is no text"))?;
        let mut lines = text.lines();
        let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok());
        let mut length = None;
        let mut in_chunks = false;
        for (name, value) in lines.filter_map(|line| line.split_once(':')) {
            match name.to_ascii_lowercase().as_str() {
                "content-length" => length = value.trim().parse().ok(),
                "transfer-encoding" => in_chunks = value.trim().eq_ignore_ascii_case("chunked"),
                _ => {}
            }
        }
        if in_chunks == length.is_some() {
            return Err(wrong("an answer that is not either in chunks or of a length"));
        }
        Ok(Head {
            status: status.ok_or_else(|| wrong("a head without a status"))?,
            length,
        })
    }
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

fn wrong(what: &str) -> Error {
    Error::new(ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The answer, as it is taken in pieces of that many bytes.
    fn taken(text: &str, size: usize) -> Option<(u16, String)> {
        let mut answer = Answer::default();
        let mut pieces = text.as_bytes().chunks(size);
        let status = pieces.find_map(|piece| answer.take(piece).unwrap())?;
        assert_eq!(pieces.len(), 0, "it is not whole before its last byte");
        Some((status, String::from_utf8(answer.body).unwrap()))
    }

    #[test]
    fn answers_are_whole_however_they_arrive() {
        let chunks = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nA: b\r\n\r\n4\r\nab\r\n\r\n1a;x=y\r\nabcdefghijklmnopqrstuvwxyz\r\n0\r\n\r\n";
        let length = "HTTP/1.1 404 Not Found\r\ncontent-length: 5\r\n\r\n\r\n\r\n!";
        for size in 1..=chunks.len() {
            let body = "ab\r\nabcdefghijklmnopqrstuvwxyz".to_string();
            assert_eq!(taken(chunks, size), Some((200, body)), "{size}");
            assert_eq!(taken(length, size), Some((404, "\r\n\r\n!".into())), "{size}");
        }
        assert_eq!(taken(&chunks[..chunks.len() - 1], 7), None);
        assert_eq!(taken(&length[..length.len() - 1], 7), None);
    }

    #[test]
    fn what_cannot_be_told_to_be_whole_is_an_error() {
        for text in [
            "HTTP/1.1 200 OK\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
            "HTTP/1.1\r\nContent-Length: 1\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        ] {
            assert!(Answer::default().take(text.as_bytes()).is_err(), "{text}");
        }
    }
}
