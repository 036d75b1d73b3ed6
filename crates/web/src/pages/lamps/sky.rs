//! The colour of the sky over a band's horizon, by the hour its people's clocks show.
//! Decoration only: nothing may be told by it alone.

/// Hour of the day and the horizon's red, green and blue at it.
const HORIZON: [(f64, [f64; 3]); 11] = [
    (0.0, [24.0, 30.0, 76.0]),
    (4.5, [32.0, 36.0, 92.0]),
    (6.0, [150.0, 92.0, 110.0]),
    (7.2, [206.0, 148.0, 112.0]),
    (9.0, [92.0, 138.0, 186.0]),
    (13.0, [84.0, 140.0, 196.0]),
    (16.0, [112.0, 134.0, 184.0]),
    (18.2, [214.0, 140.0, 78.0]),
    (19.8, [190.0, 84.0, 84.0]),
    (21.5, [74.0, 48.0, 110.0]),
    (24.0, [24.0, 30.0, 76.0]),
];

/// The horizon at `hour` (0 to 24) as `#rrggbb`.
pub(crate) fn horizon(hour: f64) -> String {
    let pairs = HORIZON.iter().zip(HORIZON.iter().skip(1));
    let between = pairs
        .into_iter()
        .find(|(from, to)| (from.0..=to.0).contains(&hour));
    let ((from, low), (to, high)) = between.unwrap_or((&HORIZON[0], &HORIZON[1]));
    let share = (hour - from) / (to - from);
    let mixed = low
        .iter()
        .zip(high)
        .map(|(low, high)| low + (high - low) * share);
    mixed.fold(String::from("#"), |text, part| {
        format!("{text}{:02x}", part.round().clamp(0.0, 255.0) as u8)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sky_goes_round() {
        assert_eq!(horizon(0.0), horizon(24.0));
        assert_eq!(horizon(18.2), "#d68c4e");
    }
}
