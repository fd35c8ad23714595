//! The roll of the watchers of one process: who is awaited, who is there, and who has ended. Whoever has ended is not
//! awaited any more, so that nobody waits for those who will never come.

/// Where one of them is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Whereabouts {
    Awaited,
    There,
    Ended,
}

/// Where all of them are.
#[derive(Debug)]
pub(super) struct Roll {
    /// The number of the first.
    first: u32,
    each: Vec<Whereabouts>,
    awaited: usize,
}

impl Roll {
    /// So many from this number on, and all are awaited.
    pub(super) fn new(first: u32, watchers: u32) -> Self {
        let each = vec![Whereabouts::Awaited; watchers as usize];
        Self {
            first,
            awaited: each.len(),
            each,
        }
    }

    /// Who was awaited is there.
    pub(super) fn is_there(&mut self, number: u32) {
        self.put(number, Whereabouts::There);
    }

    /// Watches no more, for whatever reason.
    pub(super) fn has_ended(&mut self, number: u32) {
        self.put(number, Whereabouts::Ended);
    }

    /// Whoever is there is awaited anew.
    pub(super) fn send_away(&mut self) {
        let there = self.each.iter_mut().filter(|each| **each == Whereabouts::There);
        for each in there {
            *each = Whereabouts::Awaited;
            self.awaited += 1;
        }
    }

    /// Whether nobody is awaited.
    pub(super) fn is_complete(&self) -> bool {
        self.awaited == 0
    }

    fn put(&mut self, number: u32, now: Whereabouts) {
        let each = &mut self.each[(number - self.first) as usize];
        if *each == Whereabouts::Awaited {
            self.awaited -= 1;
        }
        *each = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_has_ended_is_awaited_neither_now_nor_later() {
        let mut roll = Roll::new(7, 3);
        roll.is_there(7);
        roll.has_ended(8);
        assert!(!roll.is_complete());
        roll.is_there(9);
        assert!(roll.is_complete());

        roll.has_ended(7);
        roll.send_away();
        assert!(!roll.is_complete(), "9 is awaited");
        roll.is_there(9);
        assert!(roll.is_complete());
    }

    #[test]
    fn whoever_comes_back_and_ends_then_does_not_count_twice() {
        let mut roll = Roll::new(0, 2);
        roll.is_there(0);
        roll.is_there(1);
        roll.send_away();
        roll.is_there(0);
        roll.has_ended(0);
        assert!(!roll.is_complete());
    }
}
