//! When the next mail may go, so that the mail server never gets more in a minute than it takes.
//! Never waits and never sends.

use jiff::{SignedDuration, Timestamp};

const MICROS_PER_SECOND: i64 = 1_000_000;
/// What was not sent because of a short stall may be caught up within this time, and no longer:
/// a relay that counts seconds must not see a minute's mails at once.
const BURST_MICROS: i64 = MICROS_PER_SECOND;
/// The server is judged this often.
const JUDGED_MICROS: i64 = MICROS_PER_SECOND;
/// Of ten answers, this many put off are the server's own limit. Fewer are single mailboxes.
const PUT_OFF_IN_TEN_MAX: u32 = 1;
/// The pace never falls below this share: the server is asked again sooner or later.
const SHARE_MIN: f64 = 1.0 / 64.0;
/// What a second without trouble gives back.
const RECOVERED: f64 = 0.1;

/// The pace of mails: a bucket of one second's mails that fills evenly, as the generic cell rate
/// algorithm (ITU-T I.371, annex A), so that no 60 seconds see more than was allowed.
///
/// A server that puts mails off (421, 450) halves it each second; each good second gives a tenth back.
#[derive(Debug)]
pub struct MailRate {
    /// Between two mails, at the full pace.
    spacing_micros: f64,
    /// When the bucket is full again.
    full_at_micros: f64,
    /// Of the full pace.
    share: f64,
    judged_at_micros: i64,
    answers: u32,
    put_off: u32,
}

impl MailRate {
    /// At most `per_minute` mails in any 60 seconds.
    #[must_use]
    pub fn new(per_minute: u32) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "a minute in microseconds")]
        let minute = (60 * MICROS_PER_SECOND + BURST_MICROS) as f64;
        Self {
            spacing_micros: minute / f64::from(per_minute.max(1)),
            full_at_micros: 0.0,
            share: 1.0,
            judged_at_micros: 0,
            answers: 0,
            put_off: 0,
        }
    }

    /// Takes the next mail's turn: how long it waits from `now` on.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        reason = "microseconds of this age are exact in a double"
    )]
    pub fn turn(&mut self, now: Timestamp) -> SignedDuration {
        let now = now.as_microsecond() as f64;
        let burst = (BURST_MICROS as f64 - self.spacing_micros).max(0.0);
        // While the server is slow nothing is caught up.
        let burst = if self.share < 1.0 { 0.0 } else { burst };
        let turn = (self.full_at_micros - burst).max(now);
        self.full_at_micros = self.full_at_micros.max(now) + self.spacing_micros / self.share;
        SignedDuration::from_micros((turn - now).ceil() as i64)
    }

    /// Learns from an answer; `put_off` when the server asked to come back later.
    pub fn answered(&mut self, now: Timestamp, put_off: bool) {
        self.answers += 1;
        self.put_off += u32::from(put_off);
        if now.as_microsecond() - self.judged_at_micros < JUDGED_MICROS {
            return;
        }
        let too_fast = self.put_off * 10 > self.answers * PUT_OFF_IN_TEN_MAX;
        self.share = if too_fast {
            (self.share / 2.0).max(SHARE_MIN)
        } else {
            (self.share + RECOVERED).min(1.0)
        };
        (self.answers, self.put_off) = (0, 0);
        self.judged_at_micros = now.as_microsecond();
    }

    /// The share of the full pace that is used now.
    #[must_use]
    pub fn share(&self) -> f64 {
        self.share
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(micros: i64) -> Timestamp {
        Timestamp::from_microsecond(1_689_109_200_000_000 + micros).unwrap()
    }

    /// The moments of all mails that are sent in three minutes, with a sender that stalls sometimes.
    fn sent(per_minute: u32, stalls: &[(i64, i64)]) -> Vec<i64> {
        let mut rate = MailRate::new(per_minute);
        let (mut now, mut sent) = (0, vec![]);
        while now < 180 * MICROS_PER_SECOND {
            for (from, until) in stalls {
                if (from..until).contains(&&now) {
                    now = *until;
                }
            }
            now += i64::try_from(rate.turn(at(now)).as_micros()).unwrap();
            sent.push(now);
        }
        sent
    }

    fn most_in_a_minute(sent: &[i64]) -> usize {
        let mut most = 0;
        for (index, from) in sent.iter().enumerate() {
            let until = from + 60 * MICROS_PER_SECOND;
            most = most.max(sent[index..].partition_point(|at| *at < until));
        }
        most
    }

    #[test]
    fn no_minute_sees_more_than_was_allowed() {
        let second = MICROS_PER_SECOND;
        let stalls = [(3 * second, 9 * second), (70 * second, 71 * second)];
        for per_minute in [1, 7, 59, 60, 61, 600, 12_000, 60_000] {
            for stalls in [&[][..], &stalls] {
                let most = most_in_a_minute(&sent(per_minute, stalls));
                let allowed = usize::try_from(per_minute).unwrap();
                assert!(most <= allowed, "{most} of {per_minute}");
                assert!(most * 100 >= allowed * 97, "{most} of {per_minute}");
            }
        }
    }

    #[test]
    fn what_a_short_stall_kept_is_caught_up() {
        let second = MICROS_PER_SECOND;
        let stall = (100 * second, 100 * second + second / 2);
        let (with, without) = (sent(6_000, &[stall]), sent(6_000, &[]));
        assert!(
            with.len() + 2 >= without.len(),
            "{} {}",
            with.len(),
            without.len()
        );
    }

    #[test]
    fn a_server_that_puts_off_is_given_less_and_recovers() {
        let mut rate = MailRate::new(6_000);
        let second = |n: i64| at(n * MICROS_PER_SECOND);
        // One full mailbox among twenty is no limit of the server.
        for _ in 0..19 {
            rate.answered(second(0), false);
        }
        rate.answered(second(1), true);
        assert!(rate.share() >= 1.0);
        for (n, share) in [(2, 0.5), (3, 0.25), (4, 0.125)] {
            rate.answered(second(n), true);
            assert!((rate.share() - share).abs() < 1e-9, "{}", rate.share());
        }
        for n in 5..100 {
            rate.answered(second(n), true);
        }
        assert!((rate.share() - SHARE_MIN).abs() < 1e-9);
        for n in 100..110 {
            rate.answered(second(n), false);
        }
        assert!(rate.share() >= 1.0, "{}", rate.share());
    }
}
