//! Reads a fleet from CSV: every line is right, or nothing is imported.
//! Never stores; never makes identifiers.

use semver::Version;

use super::{Area, Zone};
use crate::name::{Hostname, ProductName};
use crate::place::{COUNTY_CHARACTERS_MAX, Point};
use crate::text::{grouped, is_blank, shown};

/// The most lines a fleet file may have.
pub const LINES_MAX: usize = 200_000;
/// The most bad lines that one report names.
pub const BAD_LINES_MAX: usize = 100;
/// The longest text field, in characters.
const TEXT_CHARACTERS_MAX: usize = 200;
/// A field longer than this, in bytes, is more than one line of a file that lost a quotation mark.
const FIELD_BYTES_LIKELY: usize = 1_000;

/// One site as a fleet file names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewSite {
    /// Where it answers.
    pub hostname: Hostname,
    /// The name of the organization it belongs to.
    pub organization: String,
    /// What kind of body it serves.
    pub kind: String,
    /// Where it is.
    pub area: Area,
    /// Its time zone.
    pub zone: Zone,
    /// How many people it serves.
    pub population: Option<u32>,
    /// The product it runs.
    pub product: ProductName,
    /// The release it runs.
    pub running: Version,
}

/// What a line means where the file has no such column.
#[derive(Clone, Debug)]
pub struct Defaults {
    /// The product of a line without one.
    pub product: ProductName,
    /// The running release of a line without one.
    pub running: Version,
}

/// A line that cannot be imported.
#[derive(
    Clone,
    Debug,
    PartialEq,
    Eq,
    serde::Serialize,
    serde::Deserialize,
    thiserror::Error,
    schemars::JsonSchema,
)]
#[error("line {line}: {reason}")]
pub struct BadLine {
    /// Counts from 1, the header being line 1.
    pub line: u64,
    /// What is wrong with it.
    pub reason: String,
}

/// A file that cannot be imported.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BadFile {
    /// Its bad lines in order, at most [`BAD_LINES_MAX`] of them.
    pub lines: Vec<BadLine>,
    /// How many lines are bad.
    pub count: usize,
}

impl BadFile {
    fn add(&mut self, line: BadLine) {
        self.count += 1;
        if self.lines.len() < BAD_LINES_MAX {
            self.lines.push(line);
        }
    }
}

impl FromIterator<BadLine> for BadFile {
    fn from_iter<T: IntoIterator<Item = BadLine>>(lines: T) -> Self {
        let mut bad = Self::default();
        lines.into_iter().for_each(|line| bad.add(line));
        bad
    }
}

impl std::error::Error for BadFile {}

impl std::fmt::Display for BadFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let count = grouped(self.count as u64);
        match self.lines.as_slice() {
            [] => write!(f, "no line is wrong"),
            [one] => write!(f, "1 line is wrong: {one}"),
            [first, ..] if self.lines.len() == self.count => {
                write!(f, "{count} lines are wrong, the first is {first}")
            }
            [first, ..] => write!(
                f,
                "{count} lines are wrong, the first is {first} (the first {} of {count} are listed)",
                self.lines.len()
            ),
        }
    }
}

/// Reads a fleet file: `hostname,organization,kind,city,state,timezone,population` and,
/// if the columns are there, `product`, `release`, `county`, `latitude` and `longitude`, in any order.
///
/// # Errors
/// The bad lines.
pub fn read(text: &[u8], defaults: &Defaults) -> Result<Vec<NewSite>, BadFile> {
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(text);
    let columns = match reader
        .headers()
        .map_err(|e| bad_csv(&e, 1))
        .and_then(Columns::find)
    {
        Ok(columns) => columns,
        Err(bad) => return Err(BadFile::from_iter([bad])),
    };
    let mut sites = Vec::new();
    let mut bad = BadFile::default();
    let mut seen = std::collections::HashMap::new();
    for record in reader.records() {
        let line = |record: &csv::StringRecord| record.position().map_or(0, csv::Position::line);
        let site = record.map_err(|e| bad_csv(&e, 0)).and_then(|record| {
            let line = line(&record);
            let site = columns.site(&record, defaults);
            let site = site.map_err(|reason| BadLine {
                line,
                reason: format!("{reason}{}", hint(&record)),
            })?;
            match seen.insert(site.hostname.clone(), line) {
                None => Ok(site),
                Some(first) => Err(BadLine {
                    line,
                    reason: format!("host name {} is already on line {first}", site.hostname),
                }),
            }
        });
        match site {
            Ok(site) => sites.push(site),
            Err(line) => bad.add(line),
        }
        if sites.len() > LINES_MAX {
            bad.add(BadLine {
                line: LINES_MAX as u64 + 1,
                reason: format!("a fleet file has at most {LINES_MAX} sites; split it"),
            });
        }
        if sites.len() > LINES_MAX {
            break;
        }
    }
    if bad.count == 0 && sites.is_empty() {
        bad.add(BadLine {
            line: 1,
            reason: "no sites: only a header was found".into(),
        });
    }
    if bad.count == 0 { Ok(sites) } else { Err(bad) }
}

/// What most likely happened to a line that a field of several lines made wrong.
fn hint(record: &csv::StringRecord) -> &'static str {
    let swallowed = |field: &str| field.contains('\n') || field.len() > FIELD_BYTES_LIKELY;
    if record.iter().any(swallowed) {
        "; a field goes on over several lines: is a quotation mark (\") left open?"
    } else {
        ""
    }
}

fn bad_csv(error: &csv::Error, line: u64) -> BadLine {
    let line = error.position().map_or(line, csv::Position::line);
    let reason = match error.kind() {
        csv::ErrorKind::Utf8 { .. } => "not UTF-8 text".into(),
        _ => "not CSV".into(),
    };
    BadLine { line, reason }
}

/// Where each column stands.
struct Columns {
    count: usize,
    hostname: usize,
    organization: usize,
    kind: usize,
    city: usize,
    state: usize,
    zone: usize,
    population: usize,
    product: Option<usize>,
    release: Option<usize>,
    county: Option<usize>,
    latitude: Option<usize>,
    longitude: Option<usize>,
}

impl Columns {
    fn find(header: &csv::StringRecord) -> Result<Self, BadLine> {
        let find = |name: &str| header.iter().position(|field| field.trim() == name);
        let need = |name: &str| {
            find(name).ok_or_else(|| BadLine {
                line: 1,
                reason: format!("no column {name:?}"),
            })
        };
        Ok(Self {
            count: header.len(),
            hostname: need("hostname")?,
            organization: need("organization")?,
            kind: need("kind")?,
            city: need("city")?,
            state: need("state")?,
            zone: need("timezone")?,
            population: need("population")?,
            product: find("product"),
            release: find("release"),
            county: find("county"),
            latitude: find("latitude"),
            longitude: find("longitude"),
        })
    }

    fn site(&self, record: &csv::StringRecord, defaults: &Defaults) -> Result<NewSite, String> {
        if record.len() != self.count {
            let (found, wanted) = (record.len(), self.count);
            let fields = if found == 1 { "field" } else { "fields" };
            return Err(format!("{found} {fields} where the header has {wanted}"));
        }
        let field = |at: usize| record.get(at).unwrap_or("").trim();
        let optional = |at: Option<usize>| at.map(field).filter(|text| !text.is_empty());
        Ok(NewSite {
            hostname: hostname(field(self.hostname))?,
            organization: text("organization", field(self.organization), 1)?,
            kind: text("kind", field(self.kind), 0)?,
            area: Area {
                state: text("state", field(self.state), 0)?.into(),
                city: text("city", field(self.city), 0)?.into(),
                county: match optional(self.county) {
                    Some(name) => Some(county(name)?.into()),
                    None => None,
                },
                point: point(optional(self.latitude), optional(self.longitude))?,
            },
            zone: Zone::parse(field(self.zone)).map_err(|e| e.to_string())?,
            population: population(field(self.population))?,
            product: match optional(self.product) {
                Some(name) => ProductName::parse(name).map_err(|e| e.to_string())?,
                None => defaults.product.clone(),
            },
            running: match optional(self.release) {
                Some(version) => version.parse().map_err(|_| {
                    format!("release {} is not a version such as 5.1.0", shown(version))
                })?,
                None => defaults.running.clone(),
            },
        })
    }
}

/// A site is reached, and gets its certificate, by a name. What ends in a number is an address of
/// the internet to every browser (WHATWG URL, "ends in a number").
fn hostname(value: &str) -> Result<Hostname, String> {
    let hostname = Hostname::parse(value).map_err(|e| e.to_string())?;
    let last = hostname.as_str().rsplit('.').next().unwrap_or_default();
    let number = |digits: &str, radix| digits.chars().all(|c: char| c.is_digit(radix));
    let is_number = number(last, 10) || last.strip_prefix("0x").is_some_and(|hex| number(hex, 16));
    if is_number {
        let value = shown(value);
        return Err(format!("{value} is an IP address; a site has a host name"));
    }
    Ok(hostname)
}

fn text(column: &str, value: &str, characters_min: usize) -> Result<String, String> {
    let characters = value.chars().count();
    if value.chars().any(char::is_control) {
        return Err(format!("{column} contains a control character"));
    }
    let characters = if is_blank(value) { 0 } else { characters };
    if !(characters_min..=TEXT_CHARACTERS_MAX).contains(&characters) {
        return Err(format!(
            "{column} has {characters} characters; {characters_min} to {TEXT_CHARACTERS_MAX} are allowed"
        ));
    }
    Ok(value.to_owned())
}

fn county(value: &str) -> Result<String, String> {
    let characters = value.chars().count();
    if characters > COUNTY_CHARACTERS_MAX {
        return Err(format!(
            "county has {characters} characters; at most {COUNTY_CHARACTERS_MAX} are allowed"
        ));
    }
    text("county", value, 0)
}

fn point(latitude: Option<&str>, longitude: Option<&str>) -> Result<Option<Point>, String> {
    let degrees = |column: &str, value: &str, most: f64| {
        let degrees = value.parse().ok();
        let degrees = degrees.filter(|degrees: &f64| degrees.abs() <= most);
        degrees.ok_or_else(|| {
            format!(
                "{column} {} is not a number from -{most} to {most}",
                shown(value)
            )
        })
    };
    match (latitude, longitude) {
        (None, None) => Ok(None),
        (Some(latitude), Some(longitude)) => {
            let latitude = degrees("latitude", latitude, 90.0)?;
            let longitude = degrees("longitude", longitude, 180.0)?;
            Ok(Some(Point::new(longitude, latitude)))
        }
        (Some(_), None) => Err("latitude is given, longitude is not".into()),
        (None, Some(_)) => Err("longitude is given, latitude is not".into()),
    }
}

fn population(value: &str) -> Result<Option<u32>, String> {
    match value {
        "" => Ok(None),
        number => number
            .parse()
            .map(Some)
            .map_err(|_| format!("population {} is not a whole number", shown(number))),
    }
}

#[cfg(test)]
mod tests {
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
}
