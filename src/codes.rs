//! Check-in codes: what a guest shows at the door, as a text and as a QR image.
//!
//! A code needs no database to be believed: it is signed. Whether its RSVP is still of that generation, and may be
//! checked in, is for whoever reads it to look up.

use std::fmt::{self, Write};

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac::{self, HMAC_SHA256};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use qrcode::{Color, QrCode};
use turnout_actors::domain::{ActivityId, RsvpId};
use uuid::Uuid;

use crate::secret::Secret;

/// What every code begins with; another form of codes would begin with something else.
const PREFIX: &str = "t1.";
/// Keeps what is signed here from passing as anything else that is signed with the same secret.
const CONTEXT: &[u8] = b"turnout check-in code 1";

const RSVP_BYTES: usize = size_of::<Uuid>();
const GENERATION_BYTES: usize = size_of::<u32>();
/// Half of the signature: nobody guesses 128 bits, and the image stays small.
const TAG_BYTES: usize = 16;
const BODY_BYTES: usize = RSVP_BYTES + GENERATION_BYTES + TAG_BYTES;

/// Light modules around an image, which readers need to find it.
const QUIET_ZONE: usize = 4;
/// The usual size of a module, in pixels.
const MODULE_PIXELS: usize = 8;

/// A text that is no code for this activity: not one of ours, changed, or for another one.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the code does not belong to this activity")]
pub struct InvalidCode;

/// The code of an RSVP, safe in an address: letters, digits, dashes, underscores and a dot.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CheckInCode(String);

/// Makes and reads codes.
pub struct CheckInCodes {
    key: hmac::Key,
}

impl CheckInCodes {
    /// Signs with a key of its own that is made from this secret.
    pub fn new(secret: &Secret) -> Self {
        let secret = hmac::Key::new(HMAC_SHA256, secret.expose().as_bytes());
        let key = hmac::sign(&secret, CONTEXT);
        Self {
            key: hmac::Key::new(HMAC_SHA256, key.as_ref()),
        }
    }

    /// The code of an RSVP of an activity, in one of its generations; always the same.
    pub fn make(&self, activity: ActivityId, rsvp: RsvpId, generation: u32) -> CheckInCode {
        let mut body = [0; BODY_BYTES];
        let (signed, tag) = body.split_at_mut(RSVP_BYTES + GENERATION_BYTES);
        signed[..RSVP_BYTES].copy_from_slice(rsvp.uuid().as_bytes());
        signed[RSVP_BYTES..].copy_from_slice(&generation.to_be_bytes());
        tag.copy_from_slice(&self.tag(activity, signed));
        CheckInCode(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(body)))
    }

    /// The RSVP and the generation that a code of this activity is for.
    pub fn read(&self, activity: ActivityId, text: &str) -> Result<(RsvpId, u32), InvalidCode> {
        let encoded = text.strip_prefix(PREFIX).ok_or(InvalidCode)?;
        let mut body = [0; BODY_BYTES];
        // Whatever has no room in it is too long.
        let length = URL_SAFE_NO_PAD
            .decode_slice(encoded, &mut body)
            .map_err(|_| InvalidCode)?;
        if length != BODY_BYTES {
            return Err(InvalidCode);
        }
        let (signed, tag) = body.split_at(RSVP_BYTES + GENERATION_BYTES);
        // In the same time wherever the first difference is.
        verify_slices_are_equal(&self.tag(activity, signed), tag).map_err(|_| InvalidCode)?;
        let (rsvp, generation) = signed
            .split_first_chunk::<RSVP_BYTES>()
            .expect("what is signed begins with the RSVP");
        let generation = generation
            .try_into()
            .expect("what is signed ends with the generation");
        Ok((Uuid::from_bytes(*rsvp).into(), u32::from_be_bytes(generation)))
    }

    /// The signature of an RSVP and its generation for an activity. All of it has a fixed length, so nothing that is
    /// signed can be split in another way.
    fn tag(&self, activity: ActivityId, signed: &[u8]) -> [u8; TAG_BYTES] {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(activity.uuid().as_bytes());
        context.update(signed);
        *context
            .sign()
            .as_ref()
            .first_chunk()
            .expect("the hash has 32 bytes")
    }
}

impl CheckInCode {
    /// The code as a text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The code as a QR image, black on white in any surroundings; always the same.
    pub fn svg(&self) -> String {
        let code = QrCode::new(&self.0).expect("a code of 51 characters has room in a QR image");
        let (width, modules) = (code.width(), code.into_colors());
        let side = width + 2 * QUIET_ZONE;
        let pixels = side * MODULE_PIXELS;
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {side} {side}\" width=\"{pixels}\" \
             height=\"{pixels}\" shape-rendering=\"crispEdges\" role=\"img\"><title>Check-in code</title>\
             <path fill=\"#fff\" d=\"M0 0h{side}v{side}H0z\"/><path fill=\"#000\" d=\""
        );
        for (y, row) in modules.chunks(width).enumerate() {
            let mut x = 0;
            for run in row.chunk_by(|left, right| left == right) {
                if run[0] == Color::Dark {
                    let (x, y, length) = (x + QUIET_ZONE, y + QUIET_ZONE, run.len());
                    write!(svg, "M{x} {y}h{length}v1h-{length}z").expect("a text takes everything");
                }
                x += run.len();
            }
        }
        svg.push_str("\"/></svg>");
        svg
    }
}

impl fmt::Display for CheckInCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACTIVITY: u128 = 0x0197_0000_0000_7000_8000_0000_0000_0001;
    const RSVP: u128 = 0x0197_0000_0000_7000_8000_0000_0000_0002;

    fn codes() -> CheckInCodes {
        CheckInCodes::new(&Secret::new("s".repeat(32)))
    }

    fn activity(number: u128) -> ActivityId {
        Uuid::from_u128(number).into()
    }

    fn rsvp(number: u128) -> RsvpId {
        Uuid::from_u128(number).into()
    }

    fn code() -> CheckInCode {
        codes().make(activity(ACTIVITY), rsvp(RSVP), 3)
    }

    fn read(text: &str) -> Result<(RsvpId, u32), InvalidCode> {
        codes().read(activity(ACTIVITY), text)
    }

    /// The dark modules of an image as the paths draw them, quiet zone included.
    fn drawn(svg: &str) -> Vec<Vec<bool>> {
        let side: usize = between(svg, "viewBox=\"0 0 ", " ").parse().unwrap();
        let mut dark = vec![vec![false; side]; side];
        let path = between(svg, "<path fill=\"#000\" d=\"", "\"");
        for run in path.split_terminator('z') {
            let (at, length) = run.strip_prefix('M').unwrap().split_once('h').unwrap();
            let (x, y) = at.split_once(' ').unwrap();
            let (length, back) = length.split_once("v1h-").unwrap();
            assert_eq!(length, back, "{run}");
            let (x, y, length): (usize, usize, usize) =
                (x.parse().unwrap(), y.parse().unwrap(), length.parse().unwrap());
            dark[y][x..x + length].fill(true);
        }
        dark
    }

    fn between<'a>(text: &'a str, before: &str, after: &str) -> &'a str {
        let (_, rest) = text.split_once(before).unwrap();
        rest.split_once(after).unwrap().0
    }

    #[test]
    fn a_code_says_which_rsvp_and_generation_it_is_for() {
        for (number, generation) in [(RSVP, 3), (0, 0), (u128::MAX, u32::MAX)] {
            let code = codes().make(activity(ACTIVITY), rsvp(number), generation);
            assert_eq!(read(code.as_str()), Ok((rsvp(number), generation)));
        }
    }

    #[test]
    fn a_code_that_was_printed_stays_valid() {
        let printed = "t1.AZcAAAAAcACAAAAAAAAAAgAAAAMnS6Qns4EXgWnGmjCUfwuL";
        assert_eq!(code().as_str(), printed);
    }

    #[test]
    fn a_code_is_safe_in_an_address() {
        let is_safe = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
        for generation in 0..100 {
            let code = codes().make(activity(ACTIVITY), rsvp(RSVP), generation);
            assert!(code.as_str().chars().all(is_safe), "{code}");
        }
    }

    #[test]
    fn a_code_of_another_activity_or_another_server_is_refused() {
        let code = code();
        assert_eq!(
            codes().read(activity(ACTIVITY + 1), code.as_str()),
            Err(InvalidCode)
        );
        let theirs = CheckInCodes::new(&Secret::new("t".repeat(32)));
        assert_eq!(theirs.read(activity(ACTIVITY), code.as_str()), Err(InvalidCode));
    }

    #[test]
    fn a_code_of_which_any_bit_was_changed_is_refused() {
        let code = code();
        for at in 0..code.as_str().len() {
            for other in ['A', 'B', 'Q', 'g', '-', '_', '.', ' ', '=', 't', '1'] {
                let mut changed: Vec<char> = code.as_str().chars().collect();
                if changed[at] != other {
                    changed[at] = other;
                    let changed: String = changed.into_iter().collect();
                    assert_eq!(read(&changed), Err(InvalidCode), "{changed}");
                }
            }
        }
    }

    #[test]
    fn what_is_no_code_is_refused_however_short_or_long() {
        let code = code().to_string();
        for length in 0..code.len() {
            assert_eq!(read(&code[..length]), Err(InvalidCode));
        }
        for text in [
            format!("{code}A"),
            format!("{code}="),
            format!("{code}\n"),
            format!(" {code}"),
            code.to_uppercase(),
            code[PREFIX.len()..].to_owned(),
            "t1.".to_owned() + &"A".repeat(1_000_000),
            "t1.ü".to_owned(),
        ] {
            assert_eq!(read(&text), Err(InvalidCode));
        }
    }

    #[test]
    fn whoever_scans_the_image_reads_the_code() {
        for generation in [0, 1, 255, u32::MAX] {
            let code = codes().make(activity(ACTIVITY), rsvp(RSVP), generation);
            let dark = drawn(&code.svg());
            let pixels = 3;
            let mut image =
                rqrr::PreparedImage::prepare_from_bitmap(dark.len() * pixels, dark.len() * pixels, |x, y| {
                    dark[y / pixels][x / pixels]
                });
            let found = image.detect_grids();
            assert_eq!(found.len(), 1);
            assert_eq!(found[0].decode().unwrap().1, code.as_str());
        }
    }

    #[test]
    fn an_image_has_a_quiet_zone_on_each_side() {
        let dark = drawn(&code().svg());
        let side = dark.len();
        let (rows, columns): (Vec<usize>, Vec<usize>) = (0..side * side)
            .map(|at| (at / side, at % side))
            .filter(|&(y, x)| dark[y][x])
            .unzip();
        for at in [rows, columns] {
            assert_eq!(at.iter().min(), Some(&4));
            assert_eq!(at.iter().max(), Some(&(side - 5)));
        }
    }

    #[test]
    fn an_image_has_a_title_and_nothing_that_runs_or_is_loaded() {
        let svg = code().svg();
        assert!(
            svg.contains(" role=\"img\"><title>Check-in code</title>"),
            "{svg}"
        );
        let tags: Vec<&str> = svg
            .split('<')
            .skip(1)
            .map(|tag| tag.split([' ', '>']).next().unwrap())
            .collect();
        assert_eq!(tags, ["svg", "title", "/title", "path", "path", "/svg"]);
        assert!(!svg.contains("href") && !svg.contains(" on"), "{svg}");
        assert!(!svg.contains(code().as_str()), "the code is in the image alone");
    }

    #[test]
    fn the_same_code_has_the_same_image() {
        assert_eq!(code().svg(), code().svg());
    }
}
