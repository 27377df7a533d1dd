use proptest::prelude::*;

use super::*;

fn kind(address: &str) -> Option<AddressKind> {
    AddressKind::of(address.parse().unwrap_or_else(|_| panic!("{address}")))
}

#[test]
fn knows_every_kind_of_address() {
    use AddressKind::*;
    let cases = [
        ("1.1.1.1", None),
        ("8.8.8.8", None),
        ("172.15.255.255", None),
        ("172.32.0.0", None),
        ("100.63.255.255", None),
        ("100.128.0.0", None),
        ("198.17.255.255", None),
        ("223.255.255.255", None),
        ("2606:4700:4700::1111", None),
        ("2a00:1450:4001:81b::200e", None),
        ("0.0.0.0", Some(Unspecified)),
        ("0.1.2.3", Some(Unspecified)),
        ("127.0.0.1", Some(Loopback)),
        ("127.255.255.254", Some(Loopback)),
        ("10.0.0.0", Some(Private)),
        ("10.255.255.255", Some(Private)),
        ("172.16.0.1", Some(Private)),
        ("172.31.255.255", Some(Private)),
        ("192.168.1.1", Some(Private)),
        ("100.64.0.1", Some(SharedCarrier)),
        ("100.127.255.255", Some(SharedCarrier)),
        ("100.100.100.200", Some(CloudMetadata)),
        ("169.254.169.254", Some(CloudMetadata)),
        ("168.63.129.16", Some(CloudMetadata)),
        ("192.0.0.192", Some(CloudMetadata)),
        ("169.254.0.1", Some(LinkLocal)),
        ("192.0.2.1", Some(Documentation)),
        ("198.51.100.1", Some(Documentation)),
        ("203.0.113.1", Some(Documentation)),
        ("198.18.0.1", Some(Benchmark)),
        ("198.19.255.255", Some(Benchmark)),
        ("192.88.99.1", Some(Reserved)),
        ("240.0.0.1", Some(Reserved)),
        ("255.255.255.255", Some(Reserved)),
        ("224.0.0.1", Some(Multicast)),
        ("239.255.255.255", Some(Multicast)),
        ("::", Some(Unspecified)),
        ("::1", Some(Loopback)),
        ("::127.0.0.1", Some(Reserved)),
        ("::ffff:127.0.0.1", Some(Loopback)),
        ("::ffff:169.254.169.254", Some(CloudMetadata)),
        ("::ffff:1.1.1.1", None),
        ("64:ff9b::7f00:1", Some(Loopback)),
        ("64:ff9b::a00:1", Some(Private)),
        ("64:ff9b::101:101", None),
        ("64:ff9b:1::a00:1", Some(Reserved)),
        ("2002:7f00:1::", Some(Loopback)),
        ("2002:a9fe:a9fe::1", Some(CloudMetadata)),
        ("2002:101:101::1", None),
        ("2001:0:4136:e378::1", Some(Reserved)),
        ("2001:db8::1", Some(Documentation)),
        ("3fff::1", Some(Documentation)),
        ("fc00::1", Some(Private)),
        ("fdff::1", Some(Private)),
        ("fd00:ec2::254", Some(CloudMetadata)),
        ("fe80::1", Some(LinkLocal)),
        ("febf::1", Some(LinkLocal)),
        ("fec0::1", Some(Reserved)),
        ("ff02::1", Some(Multicast)),
        ("100::1", Some(Reserved)),
        ("5f00::1", Some(Reserved)),
    ];
    for (address, expected) in cases {
        assert_eq!(kind(address), expected, "{address}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// No spelling of an address in a private range passes: plain, mapped, NAT64 or 6to4.
    #[test]
    fn private_addresses_are_refused_in_every_form(
        network in prop::sample::select(vec![
            "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
            "192.0.0.0/24", "192.0.2.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24",
            "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
        ]),
        host in any::<u32>(),
        port in any::<u16>(),
    ) {
        let network: ipnet::Ipv4Net = network.parse().unwrap();
        let address = Ipv4Addr::from_bits(network.network().to_bits() | (host & network.hostmask().to_bits()));
        let bits = u128::from(address.to_bits());
        let forms = [
            IpAddr::V4(address),
            IpAddr::V6(address.to_ipv6_mapped()),
            IpAddr::V6(address.to_ipv6_compatible()),
            IpAddr::V6(Ipv6Addr::from_bits((0x64_ff9b << 96) | bits)),
            IpAddr::V6(Ipv6Addr::from_bits((0x2002 << 112) | (bits << 80) | 1)),
        ];
        for form in forms {
            prop_assert!(AddressKind::of(form).is_some(), "{} as {}", address, form);
            prop_assert!(OutboundPolicy::default().check(form, port).is_err(), "{} as {}", address, form);
        }
    }

    /// In IPv6 only 2000::/3 is public, the NAT64 prefix and mapped addresses aside.
    #[test]
    fn nothing_but_global_unicast_is_public(bits in any::<u128>()) {
        let address = Ipv6Addr::from_bits(bits);
        if AddressKind::of(address.into()).is_none() {
            let first = address.segments()[0];
            prop_assert!((0x2000..=0x3fff).contains(&first) || first == 0x64 || address.to_ipv4_mapped().is_some());
        }
    }

    /// Reading an entry back from its own text gives the same entry.
    #[test]
    fn entries_survive_being_written(address in any::<IpAddr>(), port in 1_u16.., name in "[a-z]{1,8}(\\.[a-z]{2,8}){0,2}") {
        let written = [
            AllowEntry::Address(address.to_canonical(), port),
            AllowEntry::Host(name, port),
            AllowEntry::Network(IpNet::from(address.to_canonical())),
        ];
        for entry in written {
            prop_assert_eq!(entry.to_string().parse::<AllowEntry>(), Ok(entry));
        }
    }
}

#[test]
fn reads_entries() {
    let address = |text: &str, port| AllowEntry::Address(text.parse().unwrap(), port);
    let network = |text: &str| AllowEntry::Network(text.parse().unwrap());
    let cases = [
        ("127.0.0.1:4200", address("127.0.0.1", 4200)),
        (" 10.1.2.3:80 ", address("10.1.2.3", 80)),
        ("[::1]:4200", address("::1", 4200)),
        ("[::ffff:10.0.0.1]:80", address("10.0.0.1", 80)),
        ("sms.internal:8080", AllowEntry::Host("sms.internal".into(), 8080)),
        ("SMS.Internal.:8080", AllowEntry::Host("sms.internal".into(), 8080)),
        ("bücher.example:80", AllowEntry::Host("xn--bcher-kva.example".into(), 80)),
        ("10.0.0.0/8", network("10.0.0.0/8")),
        ("fd00::/8", network("fd00::/8")),
        ("10.0.0.5", network("10.0.0.5/32")),
        ("::1", network("::1/128")),
        ("[::1]", network("::1/128")),
        ("0x7f.1:80", address("127.0.0.1", 80)),
    ];
    for (text, expected) in cases {
        assert_eq!(text.parse(), Ok(expected), "{text}");
    }
}

#[test]
fn explains_entries_it_does_not_understand() {
    let cases = [
        ("sms.internal", "has no port"),
        ("sms.internal:0", "a port from 1 to 65535"),
        ("sms.internal:http", "a port from 1 to 65535"),
        ("sms.internal:70000", "a port from 1 to 65535"),
        ("http://sms.internal:80", "is a URL"),
        ("*.internal:80", "wildcard"),
        ("10.0.0.1/8", "did you mean 10.0.0.0/8?"),
        ("10.0.0.0/33", "is not a network"),
        ("sms.internal/8", "is not a network"),
        ("fd00::1:2::3:80", "should be"),
        (":80", "should be"),
        ("", "has no port"),
    ];
    for (text, expected) in cases {
        let error = text.parse::<AllowEntry>().unwrap_err().to_string();
        assert!(error.contains(expected) && error.contains("outbound.allow"), "{text}: {error}");
    }
}

#[test]
fn reads_lists_and_names_the_entry_that_is_wrong() {
    let list = AllowEntry::parse_list("127.0.0.1:4200, sms.internal:80,,").unwrap();
    assert_eq!(list.len(), 2);
    assert_eq!(AllowEntry::parse_list("").unwrap(), []);
    let error = AllowEntry::parse_list("127.0.0.1:4200,nonsense").unwrap_err();
    assert!(error.to_string().contains("\"nonsense\""), "{error}");
}

#[test]
fn exceptions_open_what_they_say_and_no_more() {
    let policy = |loopback, allow: &str| OutboundPolicy {
        allow_loopback: loopback,
        allow: AllowEntry::parse_list(allow).unwrap(),
    };
    let cases = [
        (policy(false, ""), "127.0.0.1", 80, false),
        (policy(true, ""), "127.0.0.1", 80, true),
        (policy(true, ""), "::1", 80, true),
        (policy(true, ""), "::ffff:127.0.0.1", 80, true),
        (policy(true, ""), "0.0.0.0", 80, false),
        (policy(true, ""), "::", 80, false),
        (policy(true, ""), "10.0.0.1", 80, false),
        (policy(true, ""), "169.254.169.254", 80, false),
        (policy(false, "127.0.0.1:4200"), "127.0.0.1", 4200, true),
        (policy(false, "127.0.0.1:4200"), "::ffff:127.0.0.1", 4200, true),
        (policy(false, "127.0.0.1:4200"), "127.0.0.1", 4201, false),
        (policy(false, "127.0.0.1:4200"), "127.0.0.2", 4200, false),
        (policy(false, "10.0.0.0/8"), "10.200.3.4", 22, true),
        (policy(false, "10.0.0.0/8"), "::ffff:10.200.3.4", 22, true),
        (policy(false, "10.0.0.0/8"), "11.0.0.1", 22, true), // public anyway
        (policy(false, "10.0.0.0/8"), "192.168.0.1", 22, false),
        (policy(false, "sms.internal:80"), "10.0.0.1", 80, false),
    ];
    for (policy, address, port, expected) in cases {
        let allowed = policy.check(address.parse().unwrap(), port).is_ok();
        assert_eq!(allowed, expected, "{policy:?} {address}:{port}");
    }
}

#[test]
fn reads_entries_from_configuration() {
    let entries: Vec<AllowEntry> = serde_json::from_str(r#"["127.0.0.1:4200","10.0.0.0/8"]"#).unwrap();
    assert_eq!(entries.len(), 2);
    let error = serde_json::from_str::<Vec<AllowEntry>>(r#"["nonsense"]"#).unwrap_err().to_string();
    assert!(error.contains("has no port"), "{error}");
}
