//! A day in the life of a shop that texts its customers, from the first key to the evening.
//!
//! Everything is the real thing: the program `tidings` as gateway, as carrier and as the command that people
//! type, each in a process of its own. This file is the story; `town.rs` has the streets and houses.

mod town;

use std::process::Child;
use std::time::Duration;

use serde_json::{Value, json};
use tidings::Timestamp;

use town::{Ears, Holder, Person, SWITCHED_OFF, Town, ids_of, items_of, sorted, text_of};

/// What the shop writes in the morning.
const OFFER: &str = "Hi {{first_name}}, everything for half today";
/// How that ends for everybody.
const OFFER_END: &str = "everything for half today";

#[test]
fn a_day_in_the_life_of_a_shop() {
    let town = Town::wakes_up("day_in_the_life");

    let operator = town.the_operator_makes_a_key_for_himself();
    operator.signs_up_the_shop();
    let shop = operator.makes_a_key_for_the_shop();
    let ears = shop.has_itself_told_what_happens();
    shop.imports_its_contacts(&town.people);

    let mut campaign = shop.sends_the_offer_within_a_window();
    town.some_people_have_it();
    let stopped = shop.stops(&campaign);
    shop.sees_the_end_of(&mut campaign);
    town.nothing_arrived_before_the_window(&campaign);
    shop.was_told_exactly_what_arrives(&campaign, &stopped, &SWITCHED_OFF);

    let failed = shop.finds_out_who_was_not_reached(&campaign);
    town.the_phones_are_switched_on_again();
    shop.resends_to_those_who_were_not_reached(&campaign, &failed);

    let [anna, bob] = &town.two_who_have_the_offer();
    anna.answers("Thank you, I am coming!");
    shop.reads(anna, "Thank you, I am coming!");
    bob.answers("STOP");
    shop.sees_that_he_opted_out(bob);
    bob.is_told_that_he_hears_no_more();
    shop.cannot_write_to(bob);
    shop.can_still_write_to(anna);

    ears.heard_of_everything(&shop, &campaign, &failed);
    shop.was_told_exactly_what_arrives(&campaign, &stopped, &[]);
    town.goes_to_sleep();
}

/// A campaign on its way, with the command that watches it.
struct Campaign {
    id: String,
    opens_at: Timestamp,
    watching: Child,
}

/// What was told when a campaign was stopped: the ids of its messages.
struct Stopped {
    canceled: Vec<String>,
    already_out: Vec<String>,
    unknown: Vec<String>,
}

/// Somebody with the phone in the hand.
struct Customer<'t> {
    town: &'t Town,
    phone: &'t str,
}

impl Town {
    fn the_operator_makes_a_key_for_himself(&self) -> Holder<'_> {
        let made = self.runs(
            "keys create --config tidings.toml --account operator --scope admin,manage,send,read --json",
        );
        self.holder(&made)
    }

    fn some_people_have_it(&self) {
        self.waits_until("ten have the offer", || self.offers().len() >= 10);
    }

    fn nothing_arrived_before_the_window(&self, campaign: &Campaign) {
        for text in self.arrived() {
            let at: Timestamp = text["at"].as_str().unwrap().parse().unwrap();
            assert!(at >= campaign.opens_at, "{at} is too early: {text}");
        }
    }

    /// The numbers that the offer arrived at.
    fn offers(&self) -> Vec<String> {
        let texts = self.arrived();
        let is_offer = |text: &&Value| text_of(&text["text"]).ends_with(OFFER_END);
        let offers = texts.iter().filter(is_offer);
        let mut numbers = sorted(offers.map(|text| text_of(&text["to"])).collect());
        numbers.dedup();
        numbers
    }

    fn has(&self, phone: &str, text: &str) {
        self.waits_until("the text arrives", || {
            let texts = self.arrived();
            let expected = (&json!(phone), &json!(text));
            texts.iter().any(|it| (&it["to"], &it["text"]) == expected)
        });
    }

    fn the_phones_are_switched_on_again(&self) {
        self.carrier_now_lives_through("");
    }

    fn two_who_have_the_offer(&self) -> [Customer<'_>; 2] {
        let offers = self.offers();
        let phones = self.people.iter().map(|person| &*person.phone);
        let mut have_it = phones.filter(|phone| offers.iter().any(|number| number == phone));
        [(); 2].map(|()| Customer {
            town: self,
            phone: have_it.next().unwrap(),
        })
    }
}

impl Holder<'_> {
    fn signs_up_the_shop(&self) {
        let shop = json!({
            "id": "shop",
            "settings": {"sender": "Shop", "opt_out_confirmation": "You hear no more of us."},
        });
        self.posts("/v1/accounts", &shop).is(201);
    }

    fn makes_a_key_for_the_shop(&self) -> Self {
        let made = self.runs("keys create --account shop --label till --json");
        self.town.holder(&made)
    }

    fn has_itself_told_what_happens(&self) -> Ears {
        let ears = Ears::open();
        let kinds =
            "message.delivered,message.undelivered,message.canceled,inbound.received,opt_out.added";
        let url = ears.url();
        let made = self.runs(&format!(
            "webhooks create {url} --event {kinds} --label till --json"
        ));
        ears.know_the_secret(made[0]["secret"].as_str().unwrap())
    }

    fn imports_its_contacts(&self, people: &[Person]) {
        let contact = |person: &Person| {
            json!({
                "phone": person.phone,
                "first_name": person.first_name,
                "zone": "Europe/Oslo",
            })
        };
        let contacts: Vec<Value> = people.iter().map(contact).collect();
        let put = self.posts("/v1/contacts", &json!({"contacts": contacts}));
        let ids = ids_of(&put.is(200)["ids"]);
        assert_eq!(ids.len(), people.len());
    }

    /// The recipients are what the gateway has as the shop's contacts.
    fn sends_the_offer_within_a_window(&self) -> Campaign {
        let town = self.town;
        let contacts = self.gets("/v1/contacts?limit=500").is(200);
        let row = |contact: &Value| {
            let first_name = contact["first_name"].as_str().unwrap();
            format!("{},{first_name}\n", text_of(&contact["phone"]))
        };
        let rows: String = items_of(&contacts).iter().map(row).collect();
        town.writes("people.csv", &format!("to,first_name\n{rows}"));

        let opens_at = town.now().plus(Duration::from_secs(3));
        let closes_at = town.now().plus(Duration::from_hours(1));
        let watching = self.starts(&[
            "send",
            "--csv",
            "people.csv",
            "--template",
            OFFER,
            "--not-before",
            &opens_at.to_string(),
            "--until",
            &closes_at.to_string(),
            "--json",
        ]);
        let mut id = None;
        town.waits_until("the gateway has the campaign", || {
            let batches = self.gets("/v1/batches").is(200);
            let is_whole = |batch: &&Value| batch["messages"] == town.people.len();
            let whole = items_of(&batches).iter().find(is_whole);
            id = whole.map(|batch| text_of(&batch["id"]));
            id.is_some()
        });
        Campaign {
            id: id.unwrap(),
            opens_at,
            watching,
        }
    }

    fn stops(&self, campaign: &Campaign) -> Stopped {
        let id = &campaign.id;
        let lists = self
            .runs(&format!("batches stop {id} --yes --json"))
            .remove(0);
        let stopped = Stopped {
            canceled: ids_of(&lists["canceled"]),
            already_out: ids_of(&lists["already_out"]),
            unknown: ids_of(&lists["unknown"]),
        };
        assert!(!stopped.canceled.is_empty() && !stopped.already_out.is_empty());
        let listed = [&stopped.canceled, &stopped.already_out, &stopped.unknown];
        let listed = sorted(listed.into_iter().flatten().cloned().collect());
        let all = self.messages_of(id);
        let all = sorted(all.iter().map(|message| text_of(&message["id"])).collect());
        assert_eq!(listed, all, "each message is in one list");
        stopped
    }

    /// The command that watches the campaign ends by itself, and says that not all of it arrived.
    fn sees_the_end_of(&self, campaign: &mut Campaign) {
        let mut status = None;
        self.town.waits_until("the command ends", || {
            status = campaign.watching.try_wait().unwrap();
            status.is_some()
        });
        assert_eq!(status.unwrap().code(), Some(3), "the exit code of `partly`");
    }

    /// Each message that was told to be out has arrived, but for phones that are switched off; none of those
    /// that were told to be canceled; and of those that were on their way each whose state says so.
    fn was_told_exactly_what_arrives(
        &self,
        campaign: &Campaign,
        stopped: &Stopped,
        switched_off: &[&str],
    ) {
        let messages = self.messages_of(&campaign.id);
        let found = |id: &String| messages.iter().find(|it| it["id"] == **id).unwrap();
        let is_canceled = |id: &&String| found(id)["state"] == "canceled";
        assert!(stopped.canceled.iter().all(|id| is_canceled(&id)));
        assert!(!stopped.already_out.iter().any(|id| is_canceled(&id)));
        let out = stopped.already_out.iter().chain(&stopped.unknown);
        let out = out.filter(|id| !is_canceled(id));
        let numbers = out.map(|id| text_of(&found(id)["to"]));
        let reached = numbers.filter(|number| !switched_off.contains(&&**number));
        assert_eq!(self.town.offers(), sorted(reached.collect()));
    }

    fn finds_out_who_was_not_reached(&self, campaign: &Campaign) -> Vec<String> {
        let failed = self.in_state(campaign, "undelivered");
        assert_eq!(failed.len(), SWITCHED_OFF.len());
        failed
    }

    fn in_state(&self, campaign: &Campaign, state: &str) -> Vec<String> {
        let messages = self.messages_of(&campaign.id);
        let found = messages.iter().filter(|it| it["state"] == *state);
        sorted(found.map(|message| text_of(&message["id"])).collect())
    }

    fn resends_to_those_who_were_not_reached(&self, campaign: &Campaign, failed: &[String]) {
        let resend = format!("batches resend-failed {} --json", campaign.id);
        let resent = self.runs(&resend).remove(0);
        let pairs = resent["resent"].as_array().unwrap();
        let of = sorted(pairs.iter().map(|pair| text_of(&pair["of"])).collect());
        assert_eq!((of.as_slice(), &resent["refused"]), (failed, &json!([])));
        let second = text_of(&resent["id"]);
        self.town.waits_until("those have it too", || {
            let messages = self.messages_of(&second);
            messages.len() == failed.len() && messages.iter().all(|it| it["state"] == "delivered")
        });
        let again = self.runs(&resend).remove(0);
        assert_eq!(
            text_of(&again["id"]),
            second,
            "a second time changes nothing"
        );
    }

    fn reads(&self, customer: &Customer<'_>, text: &str) {
        self.finds_text_of(customer, |inbound| inbound["text"] == *text);
    }

    fn sees_that_he_opted_out(&self, customer: &Customer<'_>) {
        self.finds_text_of(customer, |inbound| inbound["asks_for"] == "opt_out");
        self.town.waits_until("he is on the list", || {
            let listed = self.gets("/v1/opt-outs").is(200);
            listed.to_string().contains(customer.phone)
        });
    }

    fn finds_text_of(&self, customer: &Customer<'_>, fits: impl Fn(&Value) -> bool) {
        self.town.waits_until("the text is there", || {
            let texts = self.gets("/v1/inbound").is(200);
            let mut texts = items_of(&texts).iter();
            texts.any(|text| text["from"] == *customer.phone && fits(text))
        });
    }

    fn cannot_write_to(&self, customer: &Customer<'_>) {
        let message = json!({"to": customer.phone, "text": "Are you sure?"});
        let refused = self.posts("/v1/messages", &message).is(422);
        assert_eq!(refused["code"], "opted_out");
        let typed = self.types(&["send", "--to", customer.phone, "Are you sure?"]);
        assert_eq!(typed.code(), Some(16), "the exit code of `rejected`");
    }

    fn can_still_write_to(&self, customer: &Customer<'_>) {
        let message = json!({"to": customer.phone, "text": "See you soon"});
        self.posts("/v1/messages", &message).is(202);
        self.town.has(customer.phone, "See you soon");
    }
}

impl Customer<'_> {
    fn answers(&self, text: &str) {
        self.town.gets_a_text_from(self.phone, text);
    }

    fn is_told_that_he_hears_no_more(&self) {
        self.town.has(self.phone, "You hear no more of us.");
    }
}

impl Ears {
    /// Every call has a good signature, and each end of a message was told.
    fn heard_of_everything(&self, shop: &Holder<'_>, campaign: &Campaign, failed: &[String]) {
        self.hear("message.delivered", &shop.in_state(campaign, "delivered"));
        self.hear("message.canceled", &shop.in_state(campaign, "canceled"));
        self.hear("message.undelivered", failed);
        self.hear("inbound.received", &[]);
        self.hear("opt_out.added", &[]);
    }
}
