//! Reads what servers push, in the protocol of each, as lightly as can be: tells when a connection
//! stands and counts whole updates. Never keeps a payload.

/// Of a line, only its start is looked at.
const START_BYTES: usize = 96;

/// Which protocol a connection speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// Server-sent events, as Lamplighter's agents read them.
    Events,
    /// The text protocol of NATS.
    Nats,
    /// RESP, as Redis pushes published messages.
    Redis,
    /// The watch of etcd's JSON gateway: a line for each answer.
    Etcd,
}

/// One connection's reading.
pub(crate) struct Reader {
    protocol: Protocol,
    start: [u8; START_BYTES],
    line_bytes: usize,
    /// Bytes of a payload that are passed over.
    skip: usize,
    /// What the payload or event being read is.
    is_update: bool,
    /// Elements of a reply of Redis that are still to come.
    elements: usize,
    greeted: bool,
    refused: bool,
    /// Seconds after which it may come again, where the server says so.
    turn: Option<u64>,
    updates: u32,
    /// The newest `id` of an event.
    id: u64,
}

impl Reader {
    pub(crate) fn new(protocol: Protocol) -> Self {
        Self {
            protocol,
            start: [0; START_BYTES],
            line_bytes: 0,
            skip: 0,
            is_update: false,
            elements: 0,
            greeted: false,
            refused: false,
            turn: None,
            updates: 0,
            id: 0,
        }
    }

    /// Whether the server said that the connection stands.
    pub(crate) fn greeted(&self) -> bool {
        self.greeted
    }

    /// Whether the server said that it does not.
    pub(crate) fn refused(&self) -> bool {
        self.refused
    }

    /// When it may come again, where the server said so.
    pub(crate) fn turn(&self) -> Option<std::time::Duration> {
        self.turn.map(std::time::Duration::from_secs)
    }

    /// Updates that came whole.
    pub(crate) fn updates(&self) -> u32 {
        self.updates
    }

    /// The newest `id` of an event.
    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    /// Reads on.
    pub(crate) fn feed(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            if self.skip > 0 {
                let passed = self.skip.min(bytes.len());
                bytes = bytes.split_at(passed).1;
                self.skip -= passed;
                if self.skip == 0 {
                    self.payload_ended();
                }
                continue;
            }
            let end = memchr::memchr(b'\n', bytes);
            let (line, rest) = bytes.split_at(end.map_or(bytes.len(), |end| end + 1));
            self.keep_start(line);
            if end.is_some() {
                self.line_ended();
                self.line_bytes = 0;
            }
            bytes = rest;
        }
    }

    fn keep_start(&mut self, line: &[u8]) {
        let room = self.start.get_mut(self.line_bytes..).unwrap_or_default();
        for (to, from) in room.iter_mut().zip(line) {
            *to = *from;
        }
        self.line_bytes += line.len();
    }

    /// The start of the line, without its end where that fits.
    fn line(&self) -> &[u8] {
        let kept = self.line_bytes.min(START_BYTES);
        self.start.get(..kept).unwrap_or_default().trim_ascii_end()
    }

    fn line_ended(&mut self) {
        match self.protocol {
            Protocol::Events => self.event_line(),
            Protocol::Nats => self.nats_line(),
            Protocol::Redis => self.redis_line(),
            Protocol::Etcd => self.etcd_line(),
        }
    }

    fn event_line(&mut self) {
        let line = self.line();
        if let Some(name) = line.strip_prefix(b"event: ") {
            self.is_update = name == b"repository";
            return;
        }
        if line.starts_with(b"HTTP/1.1 ") {
            self.refused = !line.starts_with(b"HTTP/1.1 200");
        } else if let Some(seconds) = line.strip_prefix(b"retry-after: ") {
            self.turn = Some(number(seconds) as u64);
        } else if let Some(id) = line.strip_prefix(b"id: ") {
            self.id = number(id) as u64;
        } else if self.line_bytes == 1 {
            self.updates += u32::from(std::mem::take(&mut self.is_update));
            self.greeted = !self.refused;
        }
    }

    fn nats_line(&mut self) {
        let line = self.line();
        if !line.starts_with(b"MSG ") {
            self.refused |= line.starts_with(b"-ERR");
            return;
        }
        // MSG subject sid [reply] bytes: sid 1 carries updates, sid 2 answers.
        let mut words = line.split(|byte| *byte == b' ').skip(2);
        let is_update = words.next() == Some(b"1");
        let length = words.last().map_or(0, number);
        self.is_update = is_update;
        self.skip = length + 2;
    }

    fn redis_line(&mut self) {
        let line = self.line();
        let Some((kind, rest)) = line.split_first() else {
            return;
        };
        let count = number(rest);
        match kind {
            b'*' => self.elements = count,
            b'$' => {
                self.is_update = true;
                self.skip = count + 2;
            }
            // A subscription is answered with a number at the end, a message is not.
            b':' => {
                self.greeted = true;
                self.elements = 0;
            }
            _ => self.refused = true,
        }
    }

    fn etcd_line(&mut self) {
        let line = self.line();
        if !line.starts_with(b"{\"result\"") {
            self.refused |= line.starts_with(b"{\"error\"") || line.starts_with(b"HTTP/1.1 4");
            return;
        }
        // The first answer says that the watch was created; each after it carries an event.
        if self.greeted {
            self.updates += 1;
        }
        self.greeted = true;
    }

    fn payload_ended(&mut self) {
        let counts = match self.protocol {
            Protocol::Nats if !self.is_update => {
                self.greeted = true;
                false
            }
            Protocol::Redis => {
                self.elements = self.elements.saturating_sub(1);
                self.elements == 0
            }
            _ => true,
        };
        if counts && std::mem::take(&mut self.is_update) {
            self.updates += 1;
        }
    }
}

fn number(digits: &[u8]) -> usize {
    let digits = digits.iter().take_while(|byte| byte.is_ascii_digit());
    digits.fold(0, |sum: usize, digit| {
        sum.saturating_mul(10) + usize::from(digit - b'0')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(protocol: Protocol, stream: &[u8], updates: u32) {
        for cut in 0..stream.len() {
            let mut reader = Reader::new(protocol);
            let (one, other) = stream.split_at(cut);
            reader.feed(one);
            reader.feed(other);
            let read = (reader.greeted(), reader.refused(), reader.updates());
            assert_eq!(read, (true, false, updates), "{protocol:?} cut at {cut}");
        }
    }

    #[test]
    fn updates_are_counted_wherever_the_stream_is_cut() {
        let events = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\nevent: heartbeat\nid: 7\n\
            data: {}\n\nevent: repository\nid: 8\ndata: {\"a\":1}\n\nevent: heartbeat\nid: 8\ndata: {}\n\n";
        check(Protocol::Events, events, 1);
        let nats = b"INFO {}\r\nPONG\r\nMSG a 2 4\r\n\n\nok\r\nMSG k 1 reply.1 5\r\nx\r\nyz\r\nMSG k 1 0\r\n\r\nPING\r\n";
        check(Protocol::Nats, nats, 2);
        let redis = b"*3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$3\r\n*3\n\r\n";
        check(Protocol::Redis, redis, 1);
        let etcd = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1a\r\n{\"result\":{\"created\":true}}\n\r\n\
            1b\r\n{\"result\":{\"events\":[{}]}}\n\r\n";
        check(Protocol::Etcd, etcd, 1);
    }

    #[test]
    fn a_refusal_is_no_greeting() {
        let mut reader = Reader::new(Protocol::Events);
        reader.feed(b"HTTP/1.1 401 Unauthorized\r\n\r\n{\"error\":{}}\n\n");
        assert!(reader.refused() && !reader.greeted());
    }
}
