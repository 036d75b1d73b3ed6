//! Cuts a stream of server-sent events into events. Never asks what an event means.

/// One server-sent event.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Event {
    pub(crate) name: String,
    pub(crate) data: String,
}

/// Cuts a stream of bytes into events. Looks at each byte once, however small the pieces are that an
/// origin sends: one that is hostile must not keep the agent busy.
#[derive(Default)]
pub(crate) struct Events {
    bytes: Vec<u8>,
    /// Where the next event begins.
    start: usize,
    /// No event ends before this.
    searched: usize,
}

impl Events {
    pub(crate) fn add(&mut self, chunk: &[u8]) {
        self.bytes.drain(..self.start);
        self.searched -= self.start;
        self.start = 0;
        self.bytes.extend_from_slice(chunk);
    }

    /// The bytes of an event that has not ended yet.
    pub(crate) fn waiting(&self) -> usize {
        self.bytes.len() - self.start
    }

    pub(crate) fn next(&mut self) -> Option<Event> {
        let unsearched = self.bytes.get(self.searched..)?;
        let Some(at) = unsearched.windows(2).position(|two| two == b"\n\n") else {
            // The first half of an end may be here already.
            self.searched = self.bytes.len().saturating_sub(1).max(self.start);
            return None;
        };
        let end = self.searched + at + 2;
        let block = self.bytes.get(self.start..end).unwrap_or_default();
        let event = Event::read(&String::from_utf8_lossy(block));
        (self.start, self.searched) = (end, end);
        Some(event)
    }
}

impl Event {
    fn read(block: &str) -> Self {
        let mut name = "message";
        let mut data: Option<String> = None;
        for line in block.lines() {
            let (field, value) = line.split_once(':').unwrap_or((line, ""));
            let value = value.strip_prefix(' ').unwrap_or(value);
            match (field, &mut data) {
                ("event", _) => name = value,
                ("data", None) => data = Some(value.into()),
                ("data", Some(data)) => {
                    data.push('\n');
                    data.push_str(value);
                }
                _ => {}
            }
        }
        Self {
            name: name.into(),
            data: data.unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_cut_wherever_the_stream_is() {
        let stream =
            b"event: heartbeat\nid: 7\ndata: {\"a\":1}\n\n: a comment\n\ndata: x\ndata: y\n\n";
        let expected = [
            ("heartbeat", "{\"a\":1}"),
            ("message", ""),
            ("message", "x\ny"),
        ];
        for cut in 0..stream.len() {
            let mut events = Events::default();
            let mut found = vec![];
            for part in [&stream[..cut], &stream[cut..]] {
                events.add(part);
                found.extend(std::iter::from_fn(|| events.next()));
            }
            let found: Vec<_> = found
                .iter()
                .map(|event| (event.name.as_str(), event.data.as_str()))
                .collect();
            assert_eq!(found, expected, "cut at {cut}");
        }
    }

    #[test]
    fn a_line_of_data_that_is_empty_is_a_line() {
        let mut events = Events::default();
        events.add(b"data:\ndata: x\n\n");
        assert_eq!(events.next().unwrap().data, "\nx");
    }

    /// As much as an event may have. Were each piece to cost what came before it, this would not end.
    #[test]
    fn a_hostile_stream_costs_what_it_weighs() {
        let line = b"data:x\n";
        let lines = (16 << 20) / line.len();
        let mut events = Events::default();
        for _ in 0..lines {
            events.add(line);
            assert_eq!(events.next(), None);
        }
        assert_eq!(events.waiting(), lines * line.len());
        events.add(b"\n");
        assert_eq!(events.next().unwrap().data.len(), lines * 2 - 1);
        assert_eq!(events.waiting(), 0);
    }
}
