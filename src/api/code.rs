//! The one table of everything that can be answered instead of success.
//!
//! Codes are a contract: clients branch on them. Each has one status, a title and a sentence for people who
//! read answers.

macro_rules! codes {
    ($($name:ident $status:literal $code:literal $title:literal $detail:literal)*) => {
        /// What went wrong, as the `code` of a problem.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        pub enum Code {
            $(#[doc = $detail] $name,)*
        }

        impl Code {
            /// Every code there is.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The HTTP status that it is answered with.
            pub const fn status(self) -> u16 {
                match self { $(Self::$name => $status,)* }
            }

            /// The code as clients see it.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }

            /// A few words for people, the same for every occurrence.
            pub const fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)* }
            }

            /// A sentence for people, where an occurrence has nothing more to say.
            pub const fn usual_detail(self) -> &'static str {
                match self { $(Self::$name => $detail,)* }
            }
        }
    };
}

codes! {
    MalformedJson 400 "malformed_json" "Malformed JSON" "The body is not valid JSON."
    MalformedRequest 400 "malformed_request" "Malformed request" "The request cannot be understood."

    Unauthenticated 401 "unauthenticated" "Not authenticated" "A valid bearer token is needed."
    TokenExpired 401 "token_expired" "Token expired" "The token has expired; get a new one."
    TokenRevoked 401 "token_revoked" "Token revoked" "The token is no longer valid; log in again."
    BadCredentials 401 "bad_credentials" "Wrong e-mail or password" "E-mail and password do not match."

    Forbidden 403 "forbidden" "Forbidden" "This account may not do that."

    NotFound 404 "not_found" "Not found" "There is nothing here."
    MethodNotAllowed 405 "method_not_allowed" "Method not allowed" "This does not support that method."
    Timeout 408 "timeout" "Request timed out" "The request took too long."

    AlreadyReserved 409 "already_reserved" "Already reserved" "This person already has an RSVP here."
    AlreadyCancelled 409 "already_cancelled" "Already cancelled" "The RSVP was cancelled before."
    ActivityFull 409 "activity_full" "Activity full" "There is no room left and no waitlist."
    WaitlistFull 409 "waitlist_full" "Waitlist full" "Neither the activity nor its waitlist has room."
    NoFreeSpots 409 "no_free_spots" "No free spots" "There are not enough free spots."
    NotOpenYet 409 "not_open_yet" "Not open yet" "Reserving has not started."
    Closed 409 "closed" "Closed" "Reserving has ended."
    TooLate 409 "too_late" "Too late" "This is no longer possible."
    NotWaitlisted 409 "not_waitlisted" "Not waitlisted" "The RSVP is not on the waitlist."
    NotOffered 409 "not_offered" "Not offered" "The RSVP holds no offer."
    NotConfirmed 409 "not_confirmed" "Not confirmed" "The RSVP is not confirmed."
    AlreadyExists 409 "already_exists" "Already exists" "This exists already."
    Overlaps 409 "overlaps" "Overlaps" "This overlaps with another one."

    ActivityCancelled 410 "activity_cancelled" "Activity cancelled" "The activity was cancelled."
    ManageTokenExpired 410 "manage_token_expired" "Manage token expired" "The activity is over, and so is this token."

    VersionConflict 412 "version_conflict" "Version conflict" "It has changed since you read it."

    BodyTooLarge 413 "body_too_large" "Body too large" "The body is larger than allowed."
    UnsupportedMediaType 415 "unsupported_media_type" "Unsupported media type" "The body must be application/json."

    ValidationFailed 422 "validation_failed" "Validation failed" "Some fields are missing or wrong."
    PartyTooLarge 422 "party_too_large" "Party too large" "The party is larger than allowed."
    KeyReused 422 "key_reused" "Idempotency key reused" "This key was used for something else."
    InvalidCode 422 "invalid_code" "Invalid code" "The code does not belong to this activity."

    TooManySubscriptions 429 "too_many_subscriptions" "Too many subscriptions" "This socket watches as many activities as it may."
    RateLimited 429 "rate_limited" "Too many requests" "Slow down and try again."

    Internal 500 "internal" "Internal error" "Something went wrong on the server."

    Overloaded 503 "overloaded" "Overloaded" "The server is busy; try again with the same key."
    Unavailable 503 "unavailable" "Unavailable" "Not available just now; try again with the same key."
    UnknownOutcome 503 "unknown_outcome" "Outcome unknown" "It may or may not have happened; try again with the same key."
    Draining 503 "draining" "Shutting down" "This server is shutting down; try again with the same key."
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_code_stands_for_two_things_and_each_reads_as_its_name() {
        let mut seen = std::collections::HashSet::new();
        for code in Code::ALL {
            assert!(seen.insert(code.as_str()), "{code:?} is there twice");
            let name = code.as_str().replace('_', "");
            assert_eq!(format!("{code:?}").to_lowercase(), name);
            assert!(code.usual_detail().ends_with('.'), "{code:?}");
        }
    }
}
