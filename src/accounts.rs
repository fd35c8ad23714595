//! Accounts: who people are, how they prove it, and for how long that holds.
//!
//! Owns the rules of registering, logging in, refreshing and logging out. SQL is in [`crate::store`], HTTP in
//! [`crate::http`]. A token is trusted without asking the database: [`Accounts::caller`] runs for every request.

mod manage;
mod passwords;
mod person;
mod revocations;
mod secret;
mod sessions;
mod signer;
mod tokens;
mod user;

use std::sync::Arc;
use std::time::Duration;

use turnout_actors::domain::{Email, Timestamp, UserId};
use turnout_actors::ports::{Clock, IdSource};
use uuid::Uuid;

pub use manage::{Bearer, ManageToken};
pub use passwords::HashingBusy;
pub use person::{Password, PersonName, account_email};
pub use secret::{SecretError, signing_secret};
pub use sessions::{Rotation, Session};
pub use signer::{SECRET_MIN_BYTES, TokenError};
pub use tokens::Caller;
pub use user::{Role, User};

use crate::ids::secret_text;
use crate::secret::Secret;
use crate::store::accounts::{self as rows, StoredUser};
use crate::store::{Db, StoreError};
use manage::ManageTokens;
use passwords::Passwords;
use revocations::Revocations;
use tokens::Tokens;

/// How long an access token is valid.
pub const ACCESS_TTL_MS: i64 = 15 * 60 * 1_000;
/// How long a refresh token is valid.
pub const REFRESH_TTL_MS: i64 = 30 * 24 * 60 * 60 * 1_000;

/// Sessions that one account may have; more end the oldest.
const MAX_SESSIONS_PER_USER: u32 = 50;

/// Everything about accounts.
pub struct Accounts {
    db: Db,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdSource>,
    passwords: Passwords,
    tokens: Tokens,
    manage_tokens: ManageTokens,
    revocations: Arc<Revocations>,
}

/// What somebody holds who has just proved who they are.
#[derive(Clone, Debug)]
pub struct SignedIn {
    /// The account.
    pub user: User,
    /// For requests.
    pub access_token: String,
    /// For the next access token.
    pub refresh_token: String,
    /// How long the access token is valid from now.
    pub expires_in_s: u64,
}

/// Why an account cannot be used as asked.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// Somebody has registered this address.
    #[error("the e-mail address is taken")]
    AlreadyExists,
    /// No such account, or not its password; never said which.
    #[error("e-mail and password do not match")]
    BadCredentials,
    /// The token does not hold.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// Too many passwords are being checked.
    #[error(transparent)]
    Busy(#[from] HashingBusy),
    /// The database did not do its part.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Accounts {
    /// Reads which sessions are revoked and gets ready to check passwords and tokens. Guests' tokens are good until
    /// `manage_grace` after the activity's end.
    pub async fn open(
        db: Db,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn IdSource>,
        secret: &Secret,
        manage_grace: Duration,
    ) -> Result<Self, StoreError> {
        let revocations = Arc::new(Revocations::from(rows::revoked_sessions(&db, clock.now()).await?));
        Ok(Self {
            db,
            clock,
            ids,
            passwords: Passwords::new(),
            tokens: Tokens::new(secret),
            manage_tokens: ManageTokens::new(secret, manage_grace),
            revocations,
        })
    }

    /// For commands that only make accounts: tokens of its own, which nobody else accepts.
    pub fn without_tokens(db: Db, clock: Arc<dyn Clock>, ids: Arc<dyn IdSource>) -> Self {
        let secret = Secret::new(secret_text::<32>());
        Self {
            db,
            clock,
            ids,
            passwords: Passwords::new(),
            tokens: Tokens::new(&secret),
            manage_tokens: ManageTokens::new(&secret, Duration::ZERO),
            revocations: Arc::default(),
        }
    }

    /// Has somebody told of every session that is ended from now on.
    pub fn tell_of_ends(&self, ended: impl Fn(Uuid) + Send + Sync + 'static) {
        self.revocations.tell(Box::new(ended));
    }

    /// Whether the access tokens of a session are no longer accepted.
    pub fn is_revoked(&self, sid: Uuid) -> bool {
        self.revocations.contains(sid)
    }

    /// Whom an access token speaks for. Takes microseconds: no database, no waiting.
    pub fn caller(&self, access_token: &str) -> Result<Caller, TokenError> {
        let caller = self.tokens.caller(access_token, self.clock.now())?;
        if self.revocations.contains(caller.sid) {
            Err(TokenError::Revoked)
        } else {
            Ok(caller)
        }
    }

    /// Makes an account and logs it in. The role is never the caller's to choose.
    pub async fn register(
        &self,
        name: PersonName,
        email: Email,
        password: Password,
    ) -> Result<SignedIn, AccountError> {
        let stored = self.new_user(name, email, password, Role::Member).await?;
        // Both or neither: an account that nobody was told of would be in the way of the second attempt.
        let session = self.new_session(&stored.user);
        self.add(&stored, Some(&session)).await?;
        Ok(self.signed_in(stored.user, &session, session.rotated_at))
    }

    /// Makes an account with a role.
    pub async fn create(
        &self,
        name: PersonName,
        email: Email,
        password: Password,
        role: Role,
    ) -> Result<User, AccountError> {
        let stored = self.new_user(name, email, password, role).await?;
        self.add(&stored, None).await?;
        Ok(stored.user)
    }

    async fn new_user(
        &self,
        name: PersonName,
        email: Email,
        password: Password,
        role: Role,
    ) -> Result<StoredUser, AccountError> {
        let password_hash = self.passwords.hash(password).await?;
        let now = self.clock.now();
        let user = User {
            id: UserId::from(self.ids.next()),
            name: name.as_str().to_owned(),
            email: email.as_str().to_owned(),
            role,
            created_at: now,
            updated_at: now,
        };
        Ok(StoredUser { user, password_hash })
    }

    async fn add(&self, stored: &StoredUser, session: Option<&Session>) -> Result<(), AccountError> {
        if rows::insert_user(&self.db, stored, session).await? {
            Ok(())
        } else {
            Err(AccountError::AlreadyExists)
        }
    }

    /// Logs in. Takes as long for an address without an account as for a wrong password, so that nobody learns
    /// who has one.
    pub async fn login(&self, email: &str, password: String) -> Result<SignedIn, AccountError> {
        let stored = match account_email(email) {
            Ok(email) => rows::user_by_email(&self.db, &email).await?,
            Err(_) => None,
        };
        let (user, hash) = match stored {
            Some(stored) => (Some(stored.user), Some(stored.password_hash)),
            None => (None, None),
        };
        let matches = self.passwords.verify(password, hash).await?;
        match user {
            Some(user) if matches => self.start_session(user).await,
            _ => Err(AccountError::BadCredentials),
        }
    }

    /// Ends a caller's session at once, for all of its tokens.
    pub async fn logout(&self, caller: &Caller) -> Result<(), AccountError> {
        let now = self.clock.now();
        // Another token of the session may have been given out this very moment.
        let forget_at = caller.expires_at.max(now.plus_millis(ACCESS_TTL_MS));
        self.end_session(caller.sid, forget_at, now).await
    }

    /// The account with this id, if there is one: a token may speak for somebody without.
    pub async fn user(&self, id: UserId) -> Result<Option<User>, AccountError> {
        Ok(rows::user_by_id(&self.db, id).await?.map(|stored| stored.user))
    }

    /// Whether there is an administrator.
    pub async fn has_admin(&self) -> Result<bool, AccountError> {
        Ok(rows::has_admin(&self.db).await?)
    }

    /// Whether there is no account at all.
    pub async fn is_empty(&self) -> Result<bool, AccountError> {
        Ok(rows::is_empty(&self.db).await?)
    }

    /// How long something is valid from now, in whole seconds.
    pub fn expires_in_s(&self, expires_at: Timestamp) -> u64 {
        expires_at.millis_after(self.clock.now()) / 1_000
    }
}
