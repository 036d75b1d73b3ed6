//! Accounts, as the vendor adds them.

use domain::id::AccountId;
use domain::sign_in::Email;
use store::{Account, StoreError};

use crate::password::{PASSWORD_BYTES_MAX, PASSWORD_CHARACTERS_MIN};
use crate::{PLAIN_PASSWORDS_PER_CALL_MAX, PasswordHash, Provider, SignInError, secret};

const ACCOUNTS_PER_CALL_MAX: usize = 1_000;

/// An account to add.
#[derive(Clone, Debug)]
pub struct NewAccount {
    /// How it is found.
    pub email: Email,
    /// How it signs in.
    pub password: Password,
    /// Whether probes sign in with it.
    pub canary: bool,
}

/// How a new account signs in.
#[derive(Clone)]
pub enum Password {
    /// Only with sessions that the vendor makes.
    None,
    /// With this password, hashed when the account is added.
    Plain(String),
    /// With the password behind a hash from another system.
    Hash(PasswordHash),
}

impl std::fmt::Debug for Password {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::Plain(_) => "Plain(…)",
            Self::Hash(_) => "Hash(…)",
        })
    }
}

impl Provider {
    /// Adds accounts, at most 1,000, all or none; at most 20 of them with a plain password, because
    /// hashing is slow on purpose.
    ///
    /// # Errors
    /// When an address is taken or comes twice, a password is too short or long, there are too
    /// many, too many passwords wait already, or the store fails.
    pub async fn add_accounts(
        &self,
        new: Vec<NewAccount>,
        who: &str,
    ) -> Result<Vec<AccountId>, SignInError> {
        check(&new)?;
        let mut accounts = Vec::with_capacity(new.len());
        for one in new {
            accounts.push(Account {
                id: self.clock().id(),
                email: one.email,
                password: self.hashed(one.password).await?,
                canary: one.canary,
            });
        }
        let what = match &accounts[..] {
            [one] => one.email.to_string(),
            many => format!("{} accounts", many.len()),
        };
        let audit = self.audit(who, "made accounts", &what);
        match self.store().add_accounts(&accounts, &audit).await {
            Err(StoreError::Conflict { .. }) => Err(self.name_taken(&accounts).await?),
            done => {
                done?;
                Ok(accounts.iter().map(|account| account.id).collect())
            }
        }
    }

    /// Lets an address try again that too many attempts locked; false when none are counted.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn unlock(&self, email: &Email, who: &str) -> Result<bool, SignInError> {
        let audit = self.audit(who, "unlocked an account", email.as_str());
        let hash = secret::hash(email.as_str());
        Ok(self.store().forget_attempts(&hash, &audit).await?)
    }

    async fn hashed(&self, password: Password) -> Result<Option<String>, SignInError> {
        let hash = match password {
            Password::None => return Ok(None),
            Password::Plain(password) => self.inner().passwords.hash(password).await?,
            Password::Hash(hash) => hash,
        };
        Ok(Some(hash.into_text()))
    }

    async fn name_taken(&self, accounts: &[Account]) -> Result<SignInError, SignInError> {
        for (at, account) in accounts.iter().enumerate() {
            if self
                .store()
                .account_by_email(&account.email)
                .await?
                .is_some()
            {
                let reason = format!("{} has an account already", account.email);
                return Ok(SignInError::refused(
                    format!("accounts[{at}].email"),
                    reason,
                ));
            }
        }
        Ok(SignInError::refused("accounts", "an address comes twice"))
    }
}

fn check(new: &[NewAccount]) -> Result<(), SignInError> {
    if new.is_empty() || new.len() > ACCOUNTS_PER_CALL_MAX {
        let reason = format!("1 to {ACCOUNTS_PER_CALL_MAX} accounts are made at once");
        return Err(SignInError::refused("accounts", reason));
    }
    let mut plain = 0;
    for (at, one) in new.iter().enumerate() {
        let Password::Plain(password) = &one.password else {
            continue;
        };
        plain += 1;
        let long_enough = password.chars().count() >= PASSWORD_CHARACTERS_MIN;
        if !long_enough || password.len() > PASSWORD_BYTES_MAX {
            let reason = "a password has 8 characters or more, and at most 1,024 bytes";
            return Err(SignInError::refused(
                format!("accounts[{at}].password"),
                reason,
            ));
        }
    }
    if plain > PLAIN_PASSWORDS_PER_CALL_MAX {
        let reason = format!(
            "at most {PLAIN_PASSWORDS_PER_CALL_MAX} plain passwords are hashed at once; send password_hash"
        );
        return Err(SignInError::refused("accounts", reason));
    }
    Ok(())
}
