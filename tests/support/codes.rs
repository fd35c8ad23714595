//! Check-in codes as somebody at the door has them: read from the image, as a scanner does.

use turnout::codes::CheckInCodes;
use turnout::secret::Secret;

use super::{Guest, SECRET, Server, id_of};

/// The size of a module on the scanner's picture.
const PIXELS: usize = 3;

/// The text in a QR image.
pub(crate) fn scan(svg: &str) -> String {
    let dark = drawn(svg);
    let side = dark.len() * PIXELS;
    let mut picture =
        rqrr::PreparedImage::prepare_from_bitmap(side, side, |x, y| dark[y / PIXELS][x / PIXELS]);
    let found = picture.detect_grids();
    assert_eq!(found.len(), 1, "there is one code");
    found[0].decode().unwrap().1
}

/// A code as whoever holds the secret of all servers under test may make it.
pub(crate) fn forged_code(activity: &str, rsvp: &str, generation: u32) -> String {
    let codes = CheckInCodes::new(&Secret::new(SECRET.to_owned()));
    let activity = id_of(activity).parse().unwrap();
    codes
        .make(activity, rsvp.parse().unwrap(), generation)
        .to_string()
}

/// Which modules are dark, the quiet zone included.
fn drawn(svg: &str) -> Vec<Vec<bool>> {
    let side: usize = between(svg, "viewBox=\"0 0 ", " ").parse().unwrap();
    let mut dark = vec![vec![false; side]; side];
    for run in between(svg, "<path fill=\"#000\" d=\"", "\"").split_terminator('z') {
        let (at, length) = run.strip_prefix('M').unwrap().split_once('h').unwrap();
        let (x, y) = at.split_once(' ').unwrap();
        let (length, _) = length.split_once('v').unwrap();
        let [x, y, length] = [x, y, length].map(|number| number.parse::<usize>().unwrap());
        dark[y][x..x + length].fill(true);
    }
    dark
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> &'a str {
    let (_, rest) = text.split_once(before).unwrap();
    rest.split_once(after).unwrap().0
}

impl Server {
    /// The code of a guest, scanned from the image that they show.
    pub(crate) async fn code_of(&self, guest: &Guest) -> String {
        let image = self.get(&format!("{}/qr.svg", guest.path())).by_guest(guest);
        let (_, svg) = image.text().await;
        scan(&svg)
    }
}
