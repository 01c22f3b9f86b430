//! What breaks, what people see of it, and that nothing answered is lost: docs/faults.md.

mod clock;
mod connections;
mod crowd;
mod cut_off;
mod database;
mod disk;
mod inputs;
mod killed;
mod nodes;
mod receiver;
mod receivers;
mod redis;
mod scene;
