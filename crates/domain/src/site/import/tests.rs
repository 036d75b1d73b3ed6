//! What fleet files are read as, and how a bad line is told.

use super::*;

const HEADER: &str = "hostname,organization,kind,city,state,timezone,population\n";

fn check(lines: &str) -> Result<usize, String> {
    let defaults = Defaults {
        product: ProductName::parse("web-central").unwrap(),
        running: Version::new(5, 1, 0),
    };
    read(format!("{HEADER}{lines}").as_bytes(), &defaults)
        .map(|sites| sites.len())
        .map_err(|bad| {
            let lines: Vec<_> = bad.lines.iter().map(ToString::to_string).collect();
            lines.join("; ")
        })
}

#[test]
fn an_open_quotation_mark_is_hinted_at_in_few_words() {
    let rest = "b.gov,B,City,B,CA,UTC,1\n".repeat(100_000);
    for first in [
        "a.gov,A,City,A,\"CA,UTC,1\n",
        "a.gov,A,City,A,CA,UTC,\"1\n",
        "\"a.gov,A,City,A,CA,UTC,1\n",
    ] {
        let bad = check(&format!("{first}{rest}")).unwrap_err();
        assert!(bad.contains("is a quotation mark (\") left open?"), "{bad}");
        assert!(bad.len() < 400, "{} bytes", bad.len());
    }
}

#[test]
fn a_bad_file_is_summed_up() {
    let line = |line| BadLine {
        line,
        reason: "is bad".into(),
    };
    for (count, says) in [
        (1, "1 line is wrong: line 1: is bad"),
        (2, "2 lines are wrong, the first is line 1: is bad"),
        (
            5_000,
            "5,000 lines are wrong, the first is line 1: is bad (the first 100 of 5,000 are listed)",
        ),
    ] {
        assert_eq!(BadFile::from_iter((1..=count).map(line)).to_string(), says);
    }
}

#[test]
fn a_good_file_is_read_whole() {
    assert_eq!(
        check("a.gov,Town of A,City,A,CA,America/Los_Angeles,100\nb.gov,B,,,,UTC,\n"),
        Ok(2)
    );
}

#[test]
fn bad_lines_say_where_and_why() {
    for (lines, says) in [
        ("", "line 1: no sites: only a header was found"),
        (
            "a.gov,A,City,A\n",
            "line 2: 4 fields where the header has 7",
        ),
        (
            "a.gov,A,City,A,CA,America/Sacramento,\n",
            "line 2: \"America/Sacramento\" is not a time zone: an IANA name such as America/Chicago",
        ),
        (
            "a.gov,A,City,A,CA,UTC,many\n",
            "line 2: population \"many\" is not a whole number",
        ),
        (
            "a.gov,A,City,A,CA,UTC,1\na.gov,A,City,A,CA,UTC,1\n",
            "line 3: host name a.gov is already on line 2",
        ),
        (
            "10.1.2.3,A,City,A,CA,UTC,1\n",
            "line 2: \"10.1.2.3\" is an IP address; a site has a host name",
        ),
        (
            "a.0x7f,A,City,A,CA,UTC,1\n",
            "line 2: \"a.0x7f\" is an IP address; a site has a host name",
        ),
        (
            "a.gov,\u{200b},City,A,CA,UTC,1\n",
            "line 2: organization has 0 characters; 1 to 200 are allowed",
        ),
        (
            "a.gov,,City,A,CA,UTC,1\n",
            "line 2: organization has 0 characters; 1 to 200 are allowed",
        ),
    ] {
        assert_eq!(check(lines), Err(says.to_owned()), "{lines}");
    }
}

#[test]
fn places_are_read_where_the_file_has_them() {
    let area = |columns: &str, values: &str| {
        let header = HEADER.trim_end();
        let text = format!("{header},{columns}\na.gov,A,City,A,CA,UTC,1,{values}\n");
        let defaults = Defaults {
            product: ProductName::parse("web-central").unwrap(),
            running: Version::new(5, 1, 0),
        };
        let sites = read(text.as_bytes(), &defaults);
        sites
            .map(|sites| sites[0].area.clone())
            .map_err(|bad| bad.lines[0].to_string())
    };
    let place = "county,latitude,longitude";
    let found = area(place, "Alameda,37.8044,-122.2708").unwrap();
    assert_eq!(found.county.as_deref(), Some("Alameda"));
    assert_eq!(found.point, Some(Point::new(-122.2708, 37.8044)));
    let none = area(place, ",,").unwrap();
    assert_eq!((none.county, none.point), (None, None));
    for (columns, values, says) in [
        (
            place,
            ",91,0",
            "line 2: latitude \"91\" is not a number from -90 to 90",
        ),
        (
            place,
            ",0,NaN",
            "line 2: longitude \"NaN\" is not a number from -180 to 180",
        ),
        (
            place,
            ",37.8,",
            "line 2: latitude is given, longitude is not",
        ),
        (
            "longitude",
            "3",
            "line 2: longitude is given, latitude is not",
        ),
    ] {
        assert_eq!(area(columns, values), Err(says.to_owned()));
    }
    let long = area("county", &"x".repeat(101)).unwrap_err();
    assert_eq!(
        long,
        "line 2: county has 101 characters; at most 100 are allowed"
    );
}
