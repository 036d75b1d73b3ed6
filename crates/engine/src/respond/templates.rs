//! The templates that posts are made from: those that come with Lamplighter, and the team's own.

use std::sync::Arc;

use arc_swap::ArcSwap;
use domain::incident::template::{BadTemplate, Filled, NewTemplate};
use store::{Store, StoredTemplate};

use super::*;

/// The most templates of the team's own, withdrawn ones among them.
const TEMPLATES_MAX: u32 = 200;

/// The team's own templates in memory, by name.
#[derive(Default)]
pub(crate) struct OwnTemplates(ArcSwap<Vec<StoredTemplate>>);

impl OwnTemplates {
    pub(crate) async fn load(store: &Store) -> Result<Self, StoreError> {
        let own = Self::default();
        own.reload(store).await?;
        Ok(own)
    }

    async fn reload(&self, store: &Store) -> Result<(), StoreError> {
        self.0
            .store(Arc::new(store.templates(TEMPLATES_MAX).await?));
        Ok(())
    }
}

impl Engine {
    /// The templates that a post can be made from: those that come with Lamplighter first.
    #[must_use]
    pub fn templates(&self) -> Vec<Template> {
        let mut all = Template::built_in(&self.settings().team);
        let own = self.0.templates.0.load();
        // What was kept was checked; a later rule must not hide the others.
        let checked = own.iter().filter_map(|one| {
            let draft = one.draft.clone()?;
            draft.check(&one.name, one.version).ok()
        });
        all.extend(checked);
        all
    }

    /// Every version of a template of the team's own, newest first.
    ///
    /// # Errors
    /// When there is no such template, or the store fails.
    pub async fn template_versions(&self, name: &str) -> Result<Vec<StoredTemplate>, EngineError> {
        let versions = self.store().template_versions(name).await?;
        if versions.is_empty() {
            return Err(EngineError::not_found("template of your own", name));
        }
        Ok(versions)
    }

    /// Keeps the next version of a template of the team's own; gives it.
    ///
    /// # Errors
    /// When it cannot be filled, names a calendar that is not there, comes with Lamplighter, or there are
    /// too many; when `follows` is given and is not its newest version, 0 for none yet; when the store fails.
    pub async fn save_template(
        &self,
        name: &str,
        new: NewTemplate,
        follows: Option<u32>,
        who: &str,
    ) -> Result<Template, EngineError> {
        let name = name.trim();
        let newest = self.newest_template(name, follows)?;
        let template = new.clone().check(name, newest + 1).map_err(refused)?;
        self.check_calendar(&template)?;
        self.keep_template(name, newest + 1, Some(new), ("saved a template", who))
            .await?;
        Ok(template)
    }

    /// Withdraws a template of the team's own: no post is made from it any more. Saved again, it is back.
    ///
    /// # Errors
    /// When there is no such template, or the store fails.
    pub async fn withdraw_template(&self, name: &str, who: &str) -> Result<(), EngineError> {
        let own = self.0.templates.0.load_full();
        let known = own
            .iter()
            .find(|one| one.name == name && one.draft.is_some());
        let known = known.ok_or_else(|| EngineError::not_found("template of your own", name))?;
        self.keep_template(name, known.version + 1, None, ("withdrew a template", who))
            .await
    }

    /// What a template would say with these values; keeps nothing.
    ///
    /// # Errors
    /// When it cannot be filled, names a calendar that is not there, or the values do not fit.
    pub fn preview_template(
        &self,
        new: NewTemplate,
        values: &BTreeMap<String, serde_json::Value>,
    ) -> Result<Filled, EngineError> {
        let template = new.check("preview", 1).map_err(refused)?;
        self.check_calendar(&template)?;
        self.fill(&template, values)
    }

    /// Checks that the calendar which a template promises by is there.
    fn check_calendar(&self, template: &Template) -> Result<(), EngineError> {
        let calendars = self.calendars();
        match template.calendar() {
            Some(name) if !calendars.contains_key(name) => {
                let name = domain::text::shown(name);
                let there = calendars.into_keys().collect::<Vec<_>>().join(", ");
                let reason = format!(
                    "the template promises by the calendar {name}, which is not there: name one of {there}, or save it first"
                );
                Err(EngineError::refused_at("template", reason))
            }
            _ => Ok(()),
        }
    }

    /// Fills a template; the sites that it names must be there.
    pub(super) fn fill(
        &self,
        template: &Template,
        values: &BTreeMap<String, serde_json::Value>,
    ) -> Result<Filled, EngineError> {
        let filled = template
            .fill(values, self.settings().language)
            .map_err(|bad| EngineError::refused_at("values", bad))?;
        let fleet = self.fleet();
        match filled.sites.iter().find(|name| fleet.find(name).is_none()) {
            Some(missing) => {
                let reason = format!("there is no site {missing}");
                Err(EngineError::refused_at("values", reason))
            }
            None => Ok(filled),
        }
    }

    /// The newest version of a name that may be saved; 0 before the first.
    fn newest_template(&self, name: &str, follows: Option<u32>) -> Result<u32, EngineError> {
        let built_in = Template::built_in(&self.settings().team);
        if built_in
            .iter()
            .any(|one| one.name.eq_ignore_ascii_case(name))
        {
            let reason = format!("{name:?} comes with Lamplighter; save yours by another name");
            return Err(EngineError::refused_at("name", reason));
        }
        let own = self.0.templates.0.load();
        let newest = own
            .iter()
            .find(|one| one.name == name)
            .map_or(0, |one| one.version);
        if newest == 0 && own.len() >= TEMPLATES_MAX as usize {
            let reason = format!("there are {TEMPLATES_MAX} templates already; change one of them");
            return Err(EngineError::conflict(reason));
        }
        match follows {
            Some(follows) if follows != newest => Err(changed_meanwhile()),
            _ => Ok(newest),
        }
    }

    async fn keep_template(
        &self,
        name: &str,
        version: u32,
        draft: Option<NewTemplate>,
        (act, who): (&str, &str),
    ) -> Result<(), EngineError> {
        let audit = self.audit(who, act, name, &format!("version {version}"));
        let kept = StoredTemplate {
            name: name.to_owned(),
            version,
            draft,
            saved_at: audit.at,
            saved_by: who.to_owned(),
        };
        match self.store().save_template(&kept, &audit).await {
            Err(StoreError::Conflict { .. }) => Err(changed_meanwhile()),
            done => {
                done?;
                Ok(self.0.templates.reload(self.store()).await?)
            }
        }
    }
}

fn refused(bad: BadTemplate) -> EngineError {
    EngineError::refused_at("template", bad)
}

fn changed_meanwhile() -> EngineError {
    EngineError::conflict("Somebody else changed this template; look at it again, then try again.")
}
