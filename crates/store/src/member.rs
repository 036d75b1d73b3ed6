//! Who belongs to which organization. Never knows accounts: an address says it.

use domain::id::OrganizationId;
use domain::member::Member;

use crate::db::{Change, corrupt, params};
use crate::{AuditEntry, Store, StoreError};

impl Store {
    /// The members of an organization, in the order of their spelling.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn members(&self, organization: OrganizationId) -> Result<Vec<Member>, StoreError> {
        const LIST: &str = "SELECT member FROM organization_members WHERE organization = $1 ORDER BY member LIMIT 1000";
        let rows = self.db.read(LIST, params![organization]).await?;
        rows.iter()
            .map(|row| {
                let text = row.str(0)?;
                Member::parse(text).map_err(|_| corrupt("member", &text))
            })
            .collect()
    }

    /// Puts the members of an organization in the place of those there were.
    ///
    /// # Errors
    /// When the database fails, or there is no such organization.
    pub async fn set_members(
        &self,
        organization: OrganizationId,
        members: &[Member],
        audit: &AuditEntry,
    ) -> Result<(), StoreError> {
        const CLEAR: &str = "DELETE FROM organization_members WHERE organization = $1";
        const ADD: &str = "INSERT INTO organization_members (organization, member) VALUES ($1, $2)";
        let each = members.iter();
        let each = each.map(|member| params![organization, member.to_string()]);
        let change = Change::new()
            .run(CLEAR, params![organization])
            .run_many(ADD, each.collect())
            .audit(audit);
        self.db.write(change).await.map(drop)
    }

    /// The organizations that somebody with an address belongs to, at most 1,000.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn organizations_of(&self, address: &str) -> Result<Vec<OrganizationId>, StoreError> {
        const LIST: &str = "SELECT DISTINCT organization FROM organization_members \
            WHERE member IN ($1, $2) ORDER BY organization LIMIT 1000";
        let [address, domain] = Member::spellings(address);
        let rows = self.db.read(LIST, params![address, domain]).await?;
        rows.iter()
            .map(|row| row.id(0, OrganizationId::from_bytes))
            .collect()
    }
}
