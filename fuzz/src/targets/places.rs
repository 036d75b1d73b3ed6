//! Places that people draw and name.

use domain::banner::Banner;
use domain::place::{CORNERS_MAX, Point, check_ring, is_inside, read_ring};
use domain::site::Zone;

use crate::parts::texts;
use crate::world::{now, sites};

/// Corners that bound an area bound the same one from any corner on, in either direction, and as GeoJSON.
pub(crate) fn ring(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let Ok(ring) = read_ring(text) else { return };
    if check_ring(&ring).is_err() {
        return;
    }
    assert!(ring.len() <= CORNERS_MAX);
    let mut turned: Vec<Point> = ring.iter().rev().copied().collect();
    turned.rotate_left(1);
    assert_eq!(check_ring(&turned), Ok(()));
    let middle = |a: Point, b: Point| {
        let of = |a: i32, b: i32| a / 2 + b / 2;
        Point::from_parts(of(a.parts().0, b.parts().0), of(a.parts().1, b.parts().1))
    };
    let middles = ring.iter().zip(&turned).map(|(a, b)| middle(*a, *b));
    for point in middles.chain([Point::from_parts(0, 0)]) {
        assert_eq!(
            is_inside(&ring, point),
            is_inside(&turned, point),
            "{point}"
        );
    }
    let east = ring.iter().map(|point| point.parts().0).max().unwrap_or(0);
    for corner in &ring {
        assert!(is_inside(&ring, *corner), "{corner}");
        assert!(!is_inside(
            &ring,
            Point::from_parts(east + 1, corner.parts().1)
        ));
    }
    let json = serde_json::json!({"type": "Polygon", "coordinates": [ring]});
    assert_eq!(read_ring(&json.to_string()), Ok(ring));
}

pub(crate) fn ring_seeds() -> Vec<Vec<u8>> {
    texts(&[
        "37.8,-122.27\n37.9, -122.1\n38,-122.3\n37.8,-122.27",
        "0,0\n0,2\n1,1\n2,2\n2,0",
        r#"{"type":"Feature","geometry":{"type":"Polygon","coordinates":[[[-122.27,37.8,5],[-122.1,37.9],[-122.3,38],[-122.27,37.8]]]}}"#,
        "90,180\n-90,180\n0,1e-7\n1e12,-0.0000005",
    ])
}

/// A banner that was accepted is read by agents as it was written, and its area as names holds nobody new.
pub(crate) fn banner(data: &[u8]) {
    let Ok(banner) = serde_json::from_slice::<Banner>(data) else {
        return;
    };
    let Ok(banner) = banner.check() else { return };
    let json = serde_json::to_string(&banner).expect("JSON");
    let again: Banner = serde_json::from_str(&json).expect("it reads back");
    assert_eq!(again, banner);
    assert_eq!(again.clone().check(), Ok(again));
    let [(site, product), _] = sites();
    let (zone, state) = (Zone::utc(), "TX");
    let area = &banner.area;
    let holds = area.holds_place((&product, &site), (&zone, state));
    match area.by_name(Vec::<domain::site::Site>::new()) {
        Some(named) => assert_eq!(named.holds_place((&product, &site), (&zone, state)), holds),
        None => assert!(area.needs_points() && !holds),
    }
    let ended = banner.clone().end(now());
    assert!(!ended.stands(now()) && ended.is_over(now()));
}

pub(crate) fn banner_seeds() -> Vec<Vec<u8>> {
    let banner = |area: &str| {
        format!(
            r#"{{"id":"01a22099-905d-7318-9f8b-5aa21b662f35","version":1,"text":"x","severity":"critical","area":{area},"from":"2023-07-11T21:00:00Z","until":"2023-07-12T21:00:00Z"}}"#
        )
    };
    texts(&[
        &banner("{}"),
        &banner(
            r#"{"products":["web-central"],"states":["TX"],"zones":["UTC"],"sites":["a.example"]}"#,
        ),
        &banner(
            r#"{"counties":["CA/Kern County","la/Orleans parish"],"polygon":[[-122.27,37.8],[-122.1,37.9],[-122.3,38],[-122.27,37.8]]}"#,
        ),
    ])
}
