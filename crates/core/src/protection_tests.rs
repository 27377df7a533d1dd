use std::net::IpAddr;

use serde_json::{Map, Value, json};

use super::{AllowList, BruteForce, Throttle};
use crate::time::Timestamp;

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn settings(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

#[test]
fn an_allow_list_holds_addresses_and_networks_of_both_kinds() {
    let list = json!(["192.0.2.7", "198.51.100.0/24", "2001:db8::/32", "::1", "nonsense", "1.2.3.4/99"]);
    let list = AllowList::of(Some(&list));
    for (address, held) in [
        ("192.0.2.7", true),
        ("192.0.2.8", false),
        ("198.51.100.200", true),
        ("198.51.101.1", false),
        ("::ffff:192.0.2.7", true),
        ("2001:db8:1::9", true),
        ("2001:db9::9", false),
        ("::1", true),
        ("1.2.3.4", false),
    ] {
        assert_eq!(list.contains(ip(address)), held, "{address}");
    }
    assert!(!AllowList::of(None).contains(ip("127.0.0.1")));
}

#[test]
fn brute_force_settings_steer_what_is_counted_and_what_is_refused() {
    let on = json!({"enabled": true, "shields": ["block"], "mode": "count_per_identifier_and_ip",
        "allowlist": ["10.0.0.0/8"], "max_attempts": 3});
    let changed = |member: &str, value: Value| {
        let mut settings = settings(on.clone());
        settings.insert(member.to_owned(), value);
        BruteForce::of(&settings, ip("192.0.2.7"))
    };
    let plain = changed("enabled", json!(true)).unwrap();
    assert_eq!((plain.most(), plain.place(ip("192.0.2.7"))), (3, "192.0.2.7".to_owned()));
    assert_eq!(changed("enabled", json!(false)), None);
    assert_eq!(changed("shields", json!(["user_notification"])).unwrap().most(), i64::MAX);
    assert_eq!(changed("mode", json!("count_per_identifier")).unwrap().place(ip("192.0.2.7")), "");
    assert_eq!(changed("max_attempts", json!(100)).unwrap().most(), 100);
    assert_eq!(BruteForce::of(&settings(on), ip("10.1.2.3")), None);
    assert_eq!(BruteForce::of(&Map::new(), ip("10.1.2.3")), None);
    let now = Timestamp::from_seconds(10_000_000);
    assert_eq!(BruteForce::forgotten_before(now), Timestamp::from_seconds(10_000_000 - 30 * 86_400));
}

#[test]
fn each_stage_has_its_own_bucket() {
    let settings = settings(json!({"enabled": true, "shields": [], "allowlist": ["192.0.2.9"],
        "stage": {"pre-login": {"max_attempts": 2, "rate": 864_000},
                  "pre-user-registration": {"max_attempts": 50, "rate": 1200}}}));
    let login = Throttle::of(&settings, "pre-login", ip("192.0.2.7")).unwrap();
    assert!(!login.blocks);
    assert_eq!(login.limit.interval_micros(), 864_000_000);
    let now = Timestamp::from_seconds(1_000_000);
    let once = login.limit.take(None, now);
    let twice = login.limit.take(Some(once.tat), now);
    let thrice = login.limit.take(Some(twice.tat), now);
    assert_eq!((once.allowed, twice.allowed, thrice.allowed), (true, true, false));
    assert!(login.limit.take(Some(twice.tat), now.plus_seconds(864)).allowed, "one more every 864 seconds");
    let sign_up = Throttle::of(&settings, "pre-user-registration", ip("192.0.2.7")).unwrap();
    assert_eq!(sign_up.limit.interval_micros(), 1_200_000);
    assert_eq!(Throttle::of(&settings, "pre-login", ip("192.0.2.9")), None);
    assert_eq!(Throttle::of(&settings, "pre-custom-token-exchange", ip("192.0.2.7")), None);
}
