#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz_targets::authorize_query::run(data));
