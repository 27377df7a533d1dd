use super::*;
use proptest::prelude::*;

fn key(seed: u64) -> MasterKey {
    MasterKey::generate(&Random::seeded(seed))
}

#[test]
fn base64_round_trip_in_every_alphabet() {
    let bytes = [0xfb_u8; 32];
    for text in [
        STANDARD.encode(bytes),
        STANDARD_NO_PAD.encode(bytes),
        URL_SAFE.encode(bytes),
        format!(" {}\n", URL_SAFE_NO_PAD.encode(bytes)),
    ] {
        let read = MasterKey::from_base64(&text).unwrap();
        assert_eq!(*read.to_base64(), STANDARD.encode(bytes), "{text}");
    }
    for text in [String::new(), "not base64!".to_owned(), STANDARD.encode([0; 31]), STANDARD.encode([0; 33])]
    {
        assert_eq!(MasterKey::from_base64(&text).unwrap_err(), JoseError::InvalidMasterKey, "{text}");
    }
}

#[test]
fn a_key_read_back_opens_what_it_sealed() {
    let random = Random::seeded(2);
    let sealed = key(1).seal(&random, "localhost/clients/a/client_secret", b"s3cret");
    let again = MasterKey::from_base64(&key(1).to_base64()).unwrap();
    assert_eq!(*again.open("localhost/clients/a/client_secret", &sealed).unwrap(), b"s3cret");
}

#[test]
fn the_record_is_laid_out_as_documented_and_never_repeats() {
    let (random, key) = (Random::seeded(3), key(1));
    let (first, second) = (key.seal(&random, "c", b"same"), key.seal(&random, "c", b"same"));
    assert_eq!(first.len(), 4 + OVERHEAD);
    assert_eq!(first.capacity(), first.len());
    assert_eq!(first[0], VERSION);
    assert_eq!(first[..HEADER_LEN], second[..HEADER_LEN]);
    assert_ne!(first[HEADER_LEN..], second[HEADER_LEN..]);
    assert!(!first.windows(4).any(|window| window == b"same"));
}

#[test]
fn the_key_id_tells_nothing_of_the_key() {
    let key = key(1);
    let sealed = key.seal(&Random::seeded(4), "c", b"");
    assert_ne!(sealed[1..HEADER_LEN], key.current.secret[..KEY_ID_LEN]);
}

#[test]
fn another_key_is_named_as_the_reason() {
    let sealed = key(1).seal(&Random::seeded(5), "c", b"secret");
    let error = key(2).open("c", &sealed).unwrap_err();
    assert_eq!(error, JoseError::SealedUnderAnotherMasterKey);
    assert_eq!(error.to_string(), "sealed under another master key");
}

#[test]
fn rotation_opens_old_records_and_seals_new_ones_under_the_new_key() {
    let random = Random::seeded(6);
    let (oldest, old, new) = (key(1), key(2), key(3));
    let sealed_oldest = oldest.seal(&random, "c", b"first");
    let sealed_old = old.seal(&random, "c", b"second");
    let rotated = new.clone().with_previous([old.clone().with_previous([oldest])]);
    assert_eq!(*rotated.open("c", &sealed_oldest).unwrap(), b"first");
    assert_eq!(*rotated.open("c", &sealed_old).unwrap(), b"second");
    assert!(rotated.needs_resealing(&sealed_old).unwrap());

    let resealed = rotated.seal(&random, "c", b"second");
    assert!(!rotated.needs_resealing(&resealed).unwrap());
    assert_eq!(*new.open("c", &resealed).unwrap(), b"second");
    assert_eq!(old.open("c", &resealed).unwrap_err(), JoseError::SealedUnderAnotherMasterKey);

    let tag = old.mac("code", b"123456");
    assert!(rotated.mac_matches("code", b"123456", &tag));
    assert_ne!(rotated.mac("code", b"123456"), tag);
}

#[test]
fn what_was_never_sealed_is_told_apart() {
    let key = key(1);
    let mut future = key.seal(&Random::seeded(7), "c", b"secret");
    future[0] = 2;
    for record in [&b""[..], b"plain text", &[VERSION; OVERHEAD - 1], &future] {
        assert_eq!(key.open("c", record).unwrap_err(), JoseError::NotSealed);
    }
}

#[test]
fn macs_depend_on_key_context_and_data() {
    let key_1 = key(1);
    let tag = key_1.mac("ab", b"c");
    assert_eq!(tag, key(1).mac("ab", b"c"));
    assert_ne!(tag, key_1.mac("a", b"bc"));
    assert_ne!(tag, key_1.mac("ab", b"d"));
    assert_ne!(tag, key(2).mac("ab", b"c"));
    assert!(key_1.mac_matches("ab", b"c", &tag));
    assert!(!key_1.mac_matches("ab", b"d", &tag));
    assert!(!key_1.mac_matches("ab", b"c", &tag[..31]));
}

#[test]
fn nothing_secret_is_printed() {
    assert_eq!(format!("{:?}", key(1)), "MasterKey");
}

proptest! {
    #[test]
    fn open_gives_back_what_was_sealed(seed: u64, context in ".{0,40}", plaintext: Vec<u8>) {
        let (random, key) = (Random::seeded(seed), key(seed ^ 1));
        let sealed = key.seal(&random, &context, &plaintext);
        prop_assert_eq!(&*key.open(&context, &sealed).unwrap(), &plaintext);
    }

    #[test]
    fn any_other_context_is_refused(context in ".{0,20}", other in ".{0,20}", plaintext: Vec<u8>) {
        prop_assume!(context != other);
        let key = key(1);
        let sealed = key.seal(&Random::seeded(8), &context, &plaintext);
        prop_assert_eq!(key.open(&other, &sealed).unwrap_err(), JoseError::SealBroken);
    }

    #[test]
    fn any_flipped_bit_is_refused(plaintext: Vec<u8>, at: prop::sample::Index, bit in 0..8_u8) {
        let key = key(1);
        let mut sealed = key.seal(&Random::seeded(9), "c", &plaintext);
        let at = at.index(sealed.len());
        sealed[at] ^= 1 << bit;
        let expected = match at {
            0 => JoseError::NotSealed,
            1..HEADER_LEN => JoseError::SealedUnderAnotherMasterKey,
            _ => JoseError::SealBroken,
        };
        prop_assert_eq!(key.open("c", &sealed).unwrap_err(), expected);
    }

    #[test]
    fn any_cut_record_is_refused(plaintext: Vec<u8>, at: prop::sample::Index) {
        let key = key(1);
        let sealed = key.seal(&Random::seeded(10), "c", &plaintext);
        prop_assert!(key.open("c", &sealed[..at.index(sealed.len())]).is_err());
    }
}
