//! What breaks, what people see of it, and that nothing answered is lost: docs/faults.md.

mod cut_off;
mod killed;
mod nodes;
mod receiver;
