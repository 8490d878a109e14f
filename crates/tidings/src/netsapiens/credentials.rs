//! What a client signs in with.

use std::fmt;

use secrecy::SecretString;

/// What a client signs in with.
#[derive(Clone)]
#[non_exhaustive]
pub enum Credentials {
    /// OAuth's password grant: a program and a user.
    Password {
        /// The program's id.
        client_id: String,
        /// The program's secret.
        client_secret: SecretString,
        /// The user, mostly `user@domain`.
        username: String,
        /// His password.
        password: SecretString,
    },
    /// A key for programs; it is presented as it is.
    ApiKey(SecretString),
    /// A JSON web token that somebody else has got; it is presented as it is until it ends.
    Jwt(SecretString),
}

/// Shows which form it is.
impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Password { .. } => "Password",
            Self::ApiKey(_) => "ApiKey",
            Self::Jwt(_) => "Jwt",
        })
    }
}
