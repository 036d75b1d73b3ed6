//! What a line of a fleet file changes of a site that is known. Never stores.
//!
//! A line changes what it gives: an empty field leaves what is known. What a site runs is no matter of
//! files: releases are activated. Whose it is and which product it runs is part of what it is, and a line
//! that says otherwise is more likely about another site.

use std::fmt::Display;

use super::Site;
use super::import::{BadLine, Line};

/// The fields of a site that differ from what a file gives.
#[derive(
    Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
pub struct FieldChange {
    /// The column.
    pub field: String,
    /// What was known.
    pub before: Option<String>,
    /// What the file says.
    pub after: Option<String>,
}

impl Line {
    /// The site as the line has it, with what differs; none when nothing does.
    ///
    /// # Errors
    /// When it names another organization or product than the site's.
    pub fn update(
        &self,
        known: &Site,
        organization: &str,
    ) -> Result<Option<(Site, Vec<FieldChange>)>, BadLine> {
        let refused = |reason: String| BadLine {
            line: self.number,
            reason: format!("site {} {reason}", self.hostname),
        };
        if self
            .organization
            .as_ref()
            .is_some_and(|one| one != organization)
        {
            let organization = crate::text::shown(organization);
            return Err(refused(format!(
                "belongs to {organization}: an import moves no site to another organization"
            )));
        }
        if self
            .product
            .as_ref()
            .is_some_and(|one| *one != known.product)
        {
            return Err(refused(format!(
                "is of product {}: an import moves no site to another product",
                known.product
            )));
        }
        let mut site = known.clone();
        let mut changes = Changes(vec![]);
        changes.set("kind", &mut site.kind, self.kind.as_deref());
        changes.set("city", &mut site.area.city, self.city.as_deref());
        changes.set("state", &mut site.area.state, self.state.as_deref());
        changes.set("timezone", &mut site.zone, self.zone.clone());
        changes.set_known("population", &mut site.population, self.population);
        let county = self.county.as_deref();
        if site.area.state != known.area.state && county.is_none() {
            // It was one of the other state.
            changes.forget("county", &mut site.area.county);
        }
        changes.set_known("county", &mut site.area.county, county);
        changes.set_known("point", &mut site.area.point, self.point);
        let Changes(changes) = changes;
        Ok((!changes.is_empty()).then_some((site, changes)))
    }
}

struct Changes(Vec<FieldChange>);

impl Changes {
    fn add(&mut self, field: &str, before: Option<String>, after: Option<String>) {
        let field = field.to_owned();
        self.0.push(FieldChange {
            field,
            before,
            after,
        });
    }

    fn set<T: PartialEq + Display>(
        &mut self,
        field: &str,
        known: &mut T,
        given: Option<impl Into<T>>,
    ) {
        let Some(given) = given.map(Into::into).filter(|given| given != known) else {
            return;
        };
        self.add(field, Some(known.to_string()), Some(given.to_string()));
        *known = given;
    }

    fn set_known<T: PartialEq + Display>(
        &mut self,
        field: &str,
        known: &mut Option<T>,
        given: Option<impl Into<T>>,
    ) {
        let Some(given) = given.map(Into::into) else {
            return;
        };
        if known.as_ref() != Some(&given) {
            let before = known.as_ref().map(T::to_string);
            self.add(field, before, Some(given.to_string()));
            *known = Some(given);
        }
    }

    fn forget<T: Display>(&mut self, field: &str, known: &mut Option<T>) {
        if let Some(before) = known.take() {
            self.add(field, Some(before.to_string()), None);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::import::{About, read_lines};
    use crate::campaign::plan::tests::site;

    /// What the line of a file with this header changes, in words.
    fn check(header: &str, line: &str) -> Result<String, String> {
        let mut known = site("a.gov", "America/Denver", None);
        known.area.state = "CA".into();
        known.area.city = "A".into();
        known.area.county = Some("Alameda".into());
        let file = format!("{header}\n{line}\n");
        let lines = read_lines(file.as_bytes(), About::AnySites);
        let lines = lines.map_err(|bad| bad.lines[0].to_string())?;
        let update = lines[0].update(&known, "Town of A");
        let Some((site, changes)) = update.map_err(|bad| bad.to_string())? else {
            return Ok("nothing".into());
        };
        let again = lines[0].update(&site, "Town of A");
        assert_eq!(again, Ok(None), "the same file changes nothing more");
        let word = |one: &Option<String>| one.clone().unwrap_or("-".into());
        let words = changes
            .iter()
            .map(|one| format!("{} {} > {}", one.field, word(&one.before), word(&one.after)));
        Ok(words.collect::<Vec<_>>().join("; "))
    }

    #[test]
    fn a_line_changes_what_it_gives_and_nothing_else() {
        let place = "hostname,county,latitude,longitude";
        for (header, line, says) in [
            (
                place,
                "a.gov,Kern,35.4,-119",
                "county Alameda > Kern; point - > 35.4, -119",
            ),
            (place, "a.gov,,,", "nothing"),
            (place, "a.gov,Alameda,,", "nothing"),
            ("hostname,county,release", "a.gov,Alameda,9.9.9", "nothing"),
            (
                "hostname,state",
                "a.gov,NV",
                "state CA > NV; county Alameda > -",
            ),
            (
                "hostname,state,county",
                "a.gov,NV,Clark",
                "state CA > NV; county Alameda > Clark",
            ),
            (
                "hostname,timezone,kind",
                "a.gov,UTC,",
                "timezone America/Denver > UTC",
            ),
        ] {
            assert_eq!(check(header, line), Ok(says.to_owned()), "{line}");
        }
    }

    #[test]
    fn what_no_file_may_change_is_refused_by_line() {
        for (header, line, says) in [
            (
                "hostname,organization,county",
                "a.gov,Town of B,Kern",
                "line 2: site a.gov belongs to \"Town of A\": an import moves no site to another organization",
            ),
            (
                "hostname,product,county",
                "a.gov,parks,Kern",
                "line 2: site a.gov is of product web: an import moves no site to another product",
            ),
            (
                "hostname,conuty",
                "a.gov,Kern",
                "line 1: no column that says anything of a site, such as \"county\" or \"latitude\"",
            ),
            ("county", "Kern", "line 1: no column \"hostname\""),
            (
                "hostname,latitude,longitude",
                "a.gov,99,0",
                "line 2: latitude \"99\" is not a number from -90 to 90",
            ),
        ] {
            assert_eq!(check(header, line), Err(says.to_owned()), "{line}");
        }
    }
}
