//! `reserve` for several people: as one party that is never split, or each for itself.

use super::{GroupMode, Member, Model, Newcomer, Refusal, Rejection, Touched};

impl Model {
    /// Where each comes for itself, only the time window is judged for all.
    pub(super) fn judge_group(
        &self,
        now_us: i64,
        by_host: bool,
        members: &[Member],
        mode: GroupMode,
    ) -> Result<(), Refusal> {
        self.judge_entering(now_us, by_host)?;
        if mode == GroupMode::Each {
            return Ok(());
        }
        for (index, member) in members.iter().enumerate() {
            let is_there_twice = members[..index].iter().any(|other| other.person == member.person);
            if is_there_twice || self.has_live_rsvp(&member.person) {
                return Err(Rejection::AlreadyReserved.of_member(index));
            }
        }
        let mut spots = 0;
        for (index, member) in members.iter().enumerate() {
            spots += 1 + u64::from(member.guest_count);
            self.judge_guests(member.guest_count)
                .and_then(|()| self.judge_spots(spots))
                .map_err(|rejection| rejection.of_member(index))?;
        }
        Ok(self.judge_place(now_us, spots)?)
    }

    pub(super) fn reserve_group(
        &mut self,
        booked_by: Option<&str>,
        members: &[Member],
        mode: GroupMode,
    ) -> Touched {
        match mode {
            GroupMode::All => {
                let group = self.next_group;
                self.next_group += 1;
                let newcomers: Vec<Newcomer<'_>> = members.iter().map(newcomer).collect();
                self.enter(&newcomers, Some(group), booked_by);
                Touched::Several(members.iter().map(|member| member.person.clone()).collect())
            }
            GroupMode::Each => {
                let mut results = Vec::new();
                for member in members {
                    let judgement = self.judge_newcomer(self.now_us, &member.person, member.guest_count);
                    if judgement.is_ok() {
                        self.enter(&[newcomer(member)], None, booked_by);
                    }
                    results.push(judgement.map(|()| member.person.clone()));
                }
                Touched::Each(results)
            }
        }
    }
}

fn newcomer(member: &Member) -> Newcomer<'_> {
    Newcomer {
        person: &member.person,
        guest_count: member.guest_count,
        special_requirements: None,
    }
}

#[cfg(test)]
mod tests {
    use crate::model::testing::*;
    use crate::model::{About, EventKind, GroupMode, Rejection, Request, Status, Told};

    const AMY: &str = "amy@x.org";
    const BEN: &str = "ben@x.org";
    const CAM: &str = "cam@x.org";

    #[test]
    fn a_group_that_fits_is_confirmed_together_with_one_ticket_and_an_event_each_in_the_order_of_its_list() {
        let mut model = capacity(5);
        reserve(&mut model, "ada", 0).unwrap();
        let answer = group(&mut model, &[(CAM, 1), (AMY, 0), (BEN, 0)]).unwrap();
        assert_eq!(
            story(&answer),
            [CAM, AMY, BEN].map(|person| (EventKind::Confirmed, person))
        );
        assert_eq!(told(&answer), [CAM, AMY, BEN]);
        assert!(answer.events.iter().all(|event| event.ticket == Some(2)));
        for person in [AMY, BEN, CAM] {
            let row = row(&model, person);
            assert_eq!((row.ticket, row.group, row.version), (2, Some(1), 1));
            assert_eq!(row.booked_by.as_deref(), Some(BOOKER));
        }
        assert_eq!((answer.seq, model.confirmed_spots()), (4, 5));
    }

    #[test]
    fn a_group_that_does_not_fit_as_a_whole_waits_as_a_whole() {
        let mut model = capacity(3);
        reserve(&mut model, "ada", 0).unwrap();
        let answer = group(&mut model, &[(BEN, 0), (AMY, 1)]).unwrap();
        assert_eq!(kinds(&answer), [EventKind::Waitlisted, EventKind::Waitlisted]);
        assert_eq!(line(&model), [[AMY, BEN]]);
        assert_eq!(model.counts().waitlisted_spots, 3);
        let Told::Several(rsvps) = answer.told else {
            panic!("a group is several");
        };
        for rsvp in rsvps {
            assert_eq!((rsvp.position, rsvp.ticket), (Some(1), 2));
        }
    }

    #[test]
    fn groups_are_numbered_by_themselves_and_a_rejected_one_has_no_number() {
        let mut model = capacity(9);
        group(&mut model, &[(AMY, 0), (BEN, 0)]).unwrap();
        group(&mut model, &[(AMY, 0), (CAM, 0)]).unwrap_err();
        group(&mut model, &[(CAM, 0), ("dee@x.org", 0)]).unwrap();
        assert_eq!(row(&model, AMY).group, Some(1));
        assert_eq!(row(&model, CAM).group, Some(2));
    }

    #[test]
    fn a_group_that_may_not_wait_is_refused_as_a_whole() {
        for (room, told) in [(0, Rejection::ActivityFull), (1, Rejection::WaitlistFull)] {
            let mut model = with(|settings| {
                settings.capacity = 2;
                settings.waitlist_capacity = Some(room);
            });
            reserve(&mut model, "ada", 0).unwrap();
            if room > 0 {
                reserve(&mut model, "bob", 1).unwrap();
            }
            let refusal = group(&mut model, &[(AMY, 0), (BEN, 0)]).unwrap_err();
            assert_eq!((refusal.rejection, refusal.about), (told, None));
            assert!(!model.rsvps().contains_key(AMY));
        }
    }

    #[test]
    fn one_member_who_is_there_already_or_twice_in_the_list_refuses_the_whole_group() {
        let mut model = capacity(9);
        reserve(&mut model, BEN, 0).unwrap();
        for (members, index) in [([(AMY, 0), (BEN, 0)], 1), ([(AMY, 0), (AMY, 0)], 1)] {
            let refusal = group(&mut model, &members).unwrap_err();
            assert_eq!(refusal, Rejection::AlreadyReserved);
            assert_eq!(refusal.about, Some(About::Member(index)));
        }
        cancel(&mut model, BEN).unwrap();
        assert!(group(&mut model, &[(AMY, 0), (BEN, 0)]).is_ok());
    }

    #[test]
    fn a_group_is_too_large_by_the_guests_of_one_or_by_the_spots_of_all_and_the_member_is_named() {
        let mut model = with(|settings| {
            settings.capacity = 5;
            settings.max_guests = 2;
        });
        for (members, limit, index) in [
            ([(AMY, 0), (BEN, 3), (CAM, 0)], 2, 1),
            ([(AMY, 1), (BEN, 1), (CAM, 1)], 5, 2),
            ([(AMY, 2), (BEN, 2), (CAM, 9)], 5, 1),
            ([(AMY, 2), (BEN, 9), (CAM, 0)], 2, 1),
        ] {
            let refusal = group(&mut model, &members).unwrap_err();
            assert_eq!(refusal, Rejection::PartyTooLarge { limit });
            assert_eq!(refusal.about, Some(About::Member(index)));
        }
        assert!(group(&mut model, &[(AMY, 2), (BEN, 1)]).is_ok());
    }

    #[test]
    fn whoever_is_there_already_is_told_before_whoever_is_too_many() {
        let mut model = with(|settings| settings.max_guests = 2);
        reserve(&mut model, CAM, 0).unwrap();
        let refusal = group(&mut model, &[(AMY, 9), (BEN, 9), (CAM, 0)]).unwrap_err();
        assert_eq!(refusal, Rejection::AlreadyReserved);
        assert_eq!(refusal.about, Some(About::Member(2)));
    }

    #[test]
    fn the_window_of_a_group_is_judged_before_its_members() {
        for mode in [GroupMode::All, GroupMode::Each] {
            let mut model = with(|settings| settings.opens_at_us = Some(100));
            let command = group_of(&[(AMY, 99), (AMY, 0)], mode);
            let early = Request::new(99, command.clone()).by(BOOKER);
            assert_eq!(model.submit(&early).unwrap_err(), Rejection::NotOpenYet);
            cancel_activity(&mut model).unwrap();
            let over = Request::new(99, command).by(BOOKER);
            assert_eq!(model.submit(&over).unwrap_err(), Rejection::ActivityCancelled);
        }
    }

    #[test]
    fn in_mode_each_everybody_is_a_newcomer_of_its_own_and_is_answered_apart() {
        let mut model = with(|settings| {
            settings.capacity = 2;
            settings.max_guests = 2;
            settings.waitlist_capacity = Some(1);
        });
        reserve(&mut model, "ada", 0).unwrap();
        let list = [(BEN, 1), (AMY, 0), (BEN, 0), (CAM, 3), ("dee@x.org", 0)];
        let answer = each(&mut model, &list).unwrap();
        let Told::Each(results) = &answer.told else {
            panic!("each is answered");
        };
        let results: Vec<Result<Status, Rejection>> = results
            .iter()
            .map(|result| {
                result
                    .as_ref()
                    .map(|rsvp| rsvp.status)
                    .map_err(|rejection| *rejection)
            })
            .collect();
        assert_eq!(
            results,
            [
                Ok(Status::Waitlisted),
                Ok(Status::Confirmed),
                Err(Rejection::AlreadyReserved),
                Err(Rejection::PartyTooLarge { limit: 2 }),
                Err(Rejection::WaitlistFull)
            ]
        );
        assert_eq!(
            story(&answer),
            [(EventKind::Waitlisted, BEN), (EventKind::Confirmed, AMY)]
        );
        assert_eq!((row(&model, BEN).ticket, row(&model, AMY).ticket), (2, 3));
        assert_eq!(row(&model, AMY).group, None);
        assert_eq!(row(&model, AMY).booked_by.as_deref(), Some(BOOKER));
    }

    #[test]
    fn in_mode_each_where_nobody_got_in_there_is_no_event_and_no_key() {
        let mut model = with(|settings| {
            settings.capacity = 1;
            settings.waitlist_capacity = Some(0);
        });
        reserve(&mut model, "ada", 0).unwrap();
        let command = group_of(&[(AMY, 0), (BEN, 0)], GroupMode::Each);
        let request = Request::new(0, command).by(BOOKER).with_key(BOOKER, "k");
        let answer = model.submit(&request).unwrap();
        let nobody = Told::Each(vec![Err(Rejection::ActivityFull); 2]);
        assert_eq!((answer.told, answer.changed, answer.seq), (nobody, false, 1));
        cancel(&mut model, "ada").unwrap();
        let again = model.submit(&request).unwrap();
        assert!(again.changed && !again.replayed);
        assert!(model.submit(&request).unwrap().replayed);
    }
}
