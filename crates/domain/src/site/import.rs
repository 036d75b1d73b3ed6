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

/// What one line of a fleet file says of a site: nothing where its field is empty, or the file has no
/// such column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Its number; the header is line 1.
    pub number: u64,
    /// Where the site answers.
    pub hostname: Hostname,
    pub(super) organization: Option<String>,
    pub(super) kind: Option<String>,
    pub(super) state: Option<String>,
    pub(super) city: Option<String>,
    pub(super) county: Option<String>,
    pub(super) point: Option<Point>,
    pub(super) zone: Option<Zone>,
    pub(super) population: Option<u32>,
    pub(super) product: Option<ProductName>,
    pub(super) running: Option<Version>,
}

/// Whom a fleet file is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    /// Sites that are not in the fleet: it has every column that a site needs.
    NewSites,
    /// Sites that may be known: it has a host name, and what it tells of them.
    AnySites,
}

/// Reads a fleet file: `hostname,organization,kind,city,state,timezone,population` and,
/// if the columns are there, `product`, `release`, `county`, `latitude` and `longitude`, in any order.
///
/// # Errors
/// The bad lines.
pub fn read(text: &[u8], defaults: &Defaults) -> Result<Vec<NewSite>, BadFile> {
    let lines = read_lines(text, About::NewSites)?;
    let mut bad = BadFile::default();
    let new = lines.into_iter().map(|line| line.new_site(defaults));
    let new: Vec<_> = new
        .filter_map(|site| site.map_err(|line| bad.add(line)).ok())
        .collect();
    if bad.count == 0 { Ok(new) } else { Err(bad) }
}

/// Reads the lines of a fleet file, without asking whether each is enough for a site.
///
/// # Errors
/// The bad lines.
pub fn read_lines(text: &[u8], about: About) -> Result<Vec<Line>, BadFile> {
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(text);
    let header = reader.headers().map_err(|e| bad_csv(&e, 1));
    let columns = match header.and_then(|header| Columns::find(header, about)) {
        Ok(columns) => columns,
        Err(bad) => return Err(BadFile::from_iter([bad])),
    };
    let mut lines = Vec::new();
    let mut bad = BadFile::default();
    let mut seen = std::collections::HashMap::new();
    for record in reader.records() {
        let number = |record: &csv::StringRecord| record.position().map_or(0, csv::Position::line);
        let line = record.map_err(|e| bad_csv(&e, 0)).and_then(|record| {
            let number = number(&record);
            let line = columns.line(number, &record, about);
            let line = line.map_err(|reason| BadLine {
                line: number,
                reason: format!("{reason}{}", hint(&record)),
            })?;
            match seen.insert(line.hostname.clone(), number) {
                None => Ok(line),
                Some(first) => Err(BadLine {
                    line: number,
                    reason: format!("host name {} is already on line {first}", line.hostname),
                }),
            }
        });
        match line {
            Ok(line) => lines.push(line),
            Err(line) => bad.add(line),
        }
        if lines.len() > LINES_MAX {
            bad.add(BadLine {
                line: LINES_MAX as u64 + 1,
                reason: format!("a fleet file has at most {LINES_MAX} sites; split it"),
            });
            break;
        }
    }
    if bad.count == 0 && lines.is_empty() {
        bad.add(BadLine {
            line: 1,
            reason: "no sites: only a header was found".into(),
        });
    }
    if bad.count == 0 { Ok(lines) } else { Err(bad) }
}

impl Line {
    /// The site that the line adds.
    ///
    /// # Errors
    /// Says which field it lacks.
    pub fn new_site(self, defaults: &Defaults) -> Result<NewSite, BadLine> {
        let number = self.number;
        let lacks = |column: &str| BadLine {
            line: number,
            reason: format!(
                "site {} is not in the fleet, and its {column} is not given to add it",
                self.hostname
            ),
        };
        Ok(NewSite {
            organization: self.organization.ok_or_else(|| lacks("organization"))?,
            zone: self.zone.ok_or_else(|| lacks("timezone"))?,
            hostname: self.hostname,
            kind: self.kind.unwrap_or_default(),
            area: Area {
                state: self.state.unwrap_or_default().into(),
                city: self.city.unwrap_or_default().into(),
                county: self.county.map(Into::into),
                point: self.point,
            },
            population: self.population,
            product: self.product.unwrap_or_else(|| defaults.product.clone()),
            running: self.running.unwrap_or_else(|| defaults.running.clone()),
        })
    }
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
    organization: Option<usize>,
    kind: Option<usize>,
    city: Option<usize>,
    state: Option<usize>,
    zone: Option<usize>,
    population: Option<usize>,
    product: Option<usize>,
    release: Option<usize>,
    county: Option<usize>,
    latitude: Option<usize>,
    longitude: Option<usize>,
}

impl Columns {
    fn find(header: &csv::StringRecord, about: About) -> Result<Self, BadLine> {
        let find = |name: &str| header.iter().position(|field| field.trim() == name);
        let bad = |reason| BadLine { line: 1, reason };
        let need = |name: &str| find(name).ok_or_else(|| bad(format!("no column {name:?}")));
        let of_site = |name: &str| match about {
            About::NewSites => need(name).map(Some),
            About::AnySites => Ok(find(name)),
        };
        let columns = Self {
            count: header.len(),
            hostname: need("hostname")?,
            organization: of_site("organization")?,
            kind: of_site("kind")?,
            city: of_site("city")?,
            state: of_site("state")?,
            zone: of_site("timezone")?,
            population: of_site("population")?,
            product: find("product"),
            release: find("release"),
            county: find("county"),
            latitude: find("latitude"),
            longitude: find("longitude"),
        };
        if columns.tells_something() {
            Ok(columns)
        } else {
            let rule = "no column that says anything of a site, such as \"county\" or \"latitude\"";
            Err(bad(rule.into()))
        }
    }

    fn tells_something(&self) -> bool {
        let told = [
            self.kind,
            self.city,
            self.state,
            self.zone,
            self.population,
            self.county,
            self.latitude,
            self.longitude,
        ];
        told.iter().any(Option::is_some)
    }

    fn line(&self, number: u64, record: &csv::StringRecord, about: About) -> Result<Line, String> {
        if record.len() != self.count {
            let (found, wanted) = (record.len(), self.count);
            let fields = if found == 1 { "field" } else { "fields" };
            return Err(format!("{found} {fields} where the header has {wanted}"));
        }
        let field = |at: usize| record.get(at).unwrap_or("").trim();
        let given = |at: Option<usize>| at.map(field).filter(|text| !text.is_empty());
        // What every new site has is refused where it is empty.
        let needed = |at: Option<usize>| match about {
            About::NewSites => at.map(field),
            About::AnySites => given(at),
        };
        let words = |column: &str, at| given(at).map(|one| text(column, one, 0)).transpose();
        Ok(Line {
            number,
            hostname: hostname(field(self.hostname))?,
            organization: needed(self.organization)
                .map(|name| text("organization", name, 1))
                .transpose()?,
            kind: words("kind", self.kind)?,
            state: words("state", self.state)?,
            city: words("city", self.city)?,
            county: given(self.county).map(county).transpose()?,
            point: point(given(self.latitude), given(self.longitude))?,
            zone: needed(self.zone)
                .map(|name| Zone::parse(name).map_err(|e| e.to_string()))
                .transpose()?,
            population: given(self.population).map(population).transpose()?,
            product: given(self.product)
                .map(|name| ProductName::parse(name).map_err(|e| e.to_string()))
                .transpose()?,
            running: given(self.release).map(release).transpose()?,
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

fn population(value: &str) -> Result<u32, String> {
    let number = value.parse();
    number.map_err(|_| format!("population {} is not a whole number", shown(value)))
}

fn release(value: &str) -> Result<Version, String> {
    let version = value.parse();
    version.map_err(|_| format!("release {} is not a version such as 5.1.0", shown(value)))
}

#[cfg(test)]
mod tests;
