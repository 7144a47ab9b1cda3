#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| (chargeproof_fuzz::target("acknowledgement").check)(
    bytes
));
