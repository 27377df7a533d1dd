#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz_targets::user_import::run(data));
