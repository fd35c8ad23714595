//! The one table of everything that can be answered instead of success.
//!
//! Codes are a contract: clients branch on them. Each has one status, a title and a sentence for people who
//! read answers.

use axum::http::StatusCode;

macro_rules! codes {
    ($($name:ident $status:ident $code:literal $title:literal $detail:literal)*) => {
        /// What went wrong, as the `code` of a problem.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        pub enum Code {
            $(#[doc = $detail] $name,)*
        }

        impl Code {
            /// Every code there is.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The status that it is answered with.
            pub const fn status(self) -> StatusCode {
                match self { $(Self::$name => StatusCode::$status,)* }
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
    MalformedJson BAD_REQUEST "malformed_json" "Malformed JSON" "The body is not valid JSON."
    MalformedRequest BAD_REQUEST "malformed_request" "Malformed request" "The request cannot be understood."

    Unauthenticated UNAUTHORIZED "unauthenticated" "Not authenticated" "A valid bearer token is needed."
    TokenExpired UNAUTHORIZED "token_expired" "Token expired" "The token has expired; get a new one."
    TokenRevoked UNAUTHORIZED "token_revoked" "Token revoked" "The token is no longer valid; log in again."
    BadCredentials UNAUTHORIZED "bad_credentials" "Wrong e-mail or password" "E-mail and password do not match."

    Forbidden FORBIDDEN "forbidden" "Forbidden" "This account may not do that."

    NotFound NOT_FOUND "not_found" "Not found" "There is nothing here."
    MethodNotAllowed METHOD_NOT_ALLOWED "method_not_allowed" "Method not allowed" "This does not support that method."
    Timeout REQUEST_TIMEOUT "timeout" "Request timed out" "The request took too long."

    AlreadyReserved CONFLICT "already_reserved" "Already reserved" "This person already has an RSVP here."
    AlreadyCancelled CONFLICT "already_cancelled" "Already cancelled" "The RSVP was cancelled before."
    ActivityFull CONFLICT "activity_full" "Activity full" "There is no room left and no waitlist."
    WaitlistFull CONFLICT "waitlist_full" "Waitlist full" "Neither the activity nor its waitlist has room."
    NoFreeSpots CONFLICT "no_free_spots" "No free spots" "There are not enough free spots."
    NotOpenYet CONFLICT "not_open_yet" "Not open yet" "Reserving has not started."
    Closed CONFLICT "closed" "Closed" "Reserving has ended."
    TooLate CONFLICT "too_late" "Too late" "This is no longer possible."
    NotWaitlisted CONFLICT "not_waitlisted" "Not waitlisted" "The RSVP is not on the waitlist."
    NotOffered CONFLICT "not_offered" "Not offered" "The RSVP holds no offer."
    NotConfirmed CONFLICT "not_confirmed" "Not confirmed" "The RSVP is not confirmed."
    AlreadyExists CONFLICT "already_exists" "Already exists" "This exists already."
    Overlaps CONFLICT "overlaps" "Overlaps" "This overlaps with another one."

    ActivityCancelled GONE "activity_cancelled" "Activity cancelled" "The activity was cancelled."
    ManageTokenExpired GONE "manage_token_expired" "Manage token expired" "The activity is over, and so is this token."

    VersionConflict PRECONDITION_FAILED "version_conflict" "Version conflict" "It has changed since you read it."

    BodyTooLarge PAYLOAD_TOO_LARGE "body_too_large" "Body too large" "The body is larger than allowed."
    UnsupportedMediaType UNSUPPORTED_MEDIA_TYPE "unsupported_media_type" "Unsupported media type" "The body must be application/json."

    ValidationFailed UNPROCESSABLE_ENTITY "validation_failed" "Validation failed" "Some fields are missing or wrong."
    PartyTooLarge UNPROCESSABLE_ENTITY "party_too_large" "Party too large" "The party is larger than allowed."
    KeyReused UNPROCESSABLE_ENTITY "key_reused" "Idempotency key reused" "This key was used for something else."
    InvalidCode UNPROCESSABLE_ENTITY "invalid_code" "Invalid code" "The code does not belong to this activity."

    RateLimited TOO_MANY_REQUESTS "rate_limited" "Too many requests" "Slow down and try again."

    Internal INTERNAL_SERVER_ERROR "internal" "Internal error" "Something went wrong on the server."

    Overloaded SERVICE_UNAVAILABLE "overloaded" "Overloaded" "The server is busy; try again with the same key."
    Unavailable SERVICE_UNAVAILABLE "unavailable" "Unavailable" "Not available just now; try again with the same key."
    UnknownOutcome SERVICE_UNAVAILABLE "unknown_outcome" "Outcome unknown" "It may or may not have happened; try again with the same key."
    Draining SERVICE_UNAVAILABLE "draining" "Shutting down" "This server is shutting down; try again with the same key."
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
