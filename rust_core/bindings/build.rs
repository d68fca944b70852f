//! Tells the sources what interpreter they are built for: `events_object` needs to know whether it has a GIL.

fn main() {
    pyo3_build_config::use_pyo3_cfgs();
}
