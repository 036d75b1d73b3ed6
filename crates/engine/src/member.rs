//! Members of organizations: who reads what is only for the affected. Never knows accounts.

use domain::id::OrganizationId;
use domain::member::{MEMBERS_MAX, Member};

use crate::{Engine, EngineError};

impl Engine {
    /// The members of an organization.
    ///
    /// # Errors
    /// When there is no such organization or the store fails.
    pub async fn members(&self, id: OrganizationId) -> Result<Vec<Member>, EngineError> {
        self.named(id)?;
        Ok(self.store().members(id).await?)
    }

    /// Puts the members of an organization in the place of those there were.
    ///
    /// # Errors
    /// When there is no such organization, there are too many, or the store fails.
    pub async fn set_members(
        &self,
        id: OrganizationId,
        who: &str,
        mut members: Vec<Member>,
    ) -> Result<Vec<Member>, EngineError> {
        let name = self.named(id)?;
        members.sort_by_cached_key(Member::to_string);
        members.dedup();
        if members.len() > MEMBERS_MAX {
            let rule = format!("give at most {MEMBERS_MAX}: a mail domain holds everybody of it");
            return Err(EngineError::refused_at("members", rule));
        }
        let spelt: Vec<_> = members.iter().map(Member::to_string).collect();
        let detail = format!("{name}: {}", spelt.join(", "));
        let audit = self.audit(who, "set members", &id.to_string(), &detail);
        self.store().set_members(id, &members, &audit).await?;
        Ok(members)
    }

    /// The organizations that somebody with an address belongs to.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn organizations_of(
        &self,
        address: &str,
    ) -> Result<Vec<OrganizationId>, EngineError> {
        Ok(self.store().organizations_of(address).await?)
    }

    fn named(&self, id: OrganizationId) -> Result<std::sync::Arc<str>, EngineError> {
        let name = self.fleet().organization(id);
        name.ok_or_else(|| EngineError::not_found("organization", id))
    }
}
